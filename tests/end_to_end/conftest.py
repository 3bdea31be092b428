"""The fixture that all tests of this directory begin with."""

from own_world import world

__all__ = ["world"]
