"""The `outrider` command: one file per family of commands, and `entry` around them."""

from client.cli.entry import main

__all__ = ["main"]
