"""What can be seen: logs (and later traces and metrics)."""
