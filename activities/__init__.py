"""How one step is done, one file per stage."""
