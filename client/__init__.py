"""What a person or a script drives Outrider with: settings, adapters, the campaign client, the command line."""
