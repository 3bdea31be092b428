"""Where the clock of a person stands, as far as the times of their commits say so."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

MIN_COMMITS = 5
"""Fewer commits say nothing: one of them may have been made on a journey or by a machine."""

_FARTHEST = 14 * 60
"""Minutes: no clock on earth is farther from UTC."""


class Evidence(NamedTuple):
    """What commits say: `agreeing` of `commits` were written with `offset`, such as `UTC+02:00`; "" = no answer."""

    offset: str
    agreeing: int
    commits: int


def evidence(offsets: Iterable[Mapping[int, int]]) -> Evidence:
    """What all commits of a person say together; each mapping is minutes east of UTC to a number of commits.

    An offset is an answer when more than half of at least MIN_COMMITS commits have it. What no clock shows is not
    counted.
    """
    counted: Counter[int] = Counter()
    for some in offsets:
        counted.update({minutes: count for minutes, count in some.items() if abs(minutes) <= _FARTHEST and count > 0})
    commits = counted.total()
    if not commits:
        return Evidence("", 0, 0)
    minutes, agreeing = max(counted.items(), key=lambda item: (item[1], item[0]))
    answers = commits >= MIN_COMMITS and 2 * agreeing > commits
    return Evidence(offset_name(minutes) if answers else "", agreeing, commits)


def offset_name(minutes: int) -> str:
    """Such as `UTC+05:30`; minutes are counted east of UTC."""
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"
