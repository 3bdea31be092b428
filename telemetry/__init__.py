"""What can be seen: logs, traces and metrics."""
