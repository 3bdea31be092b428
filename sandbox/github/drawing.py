"""Draws from the stated shares."""

import itertools
from collections.abc import Callable, Mapping
from random import Random
from typing import TypeVar

T = TypeVar("T")


def chooser(shares: Mapping[T, float]) -> Callable[[Random], T]:
    """Return a function that draws a key by its share; the shares are weights and need not sum to one."""
    keys = list(shares)
    cumulative = list(itertools.accumulate(shares.values()))

    def draw(random: Random) -> T:
        return random.choices(keys, cum_weights=cumulative)[0]

    return draw


def spread(shares: Mapping[tuple[int, int], float]) -> Callable[[Random], int]:
    """Return a function that draws a range by its share and a whole number evenly from it, ends included."""
    draw = chooser(shares)
    return lambda random: random.randint(*draw(random))
