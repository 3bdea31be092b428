"""How well a person fits: a score from 0 to 1, and what each fact contributed to it.

Every part is 0 to 1 and never falls when its fact grows:

* stars: logarithmic, 0 at none, 1 at FULL_STARS and above
* followers: logarithmic, 0 at none, 1 at FULL_FOLLOWERS and above
* recency: linear, 1 for a commit on the window's last day, 0 for one on its first
* share_of_commits: the share of what was read of the repository's commits in the window

The score is their weighted mean.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.sourcing import Contribution, Repository

FULL_STARS = 10_000
FULL_FOLLOWERS = 1_000


class Parts(NamedTuple):
    """The facts of a score, each 0 to 1. The names are those of the weights in a spec."""

    stars: float
    recency: float
    share_of_commits: float
    followers: float


class Fit(NamedTuple):
    """A score, and what each part with a weight contributed: `reasons` add up to it."""

    score: float
    reasons: dict[str, float]


class ActivityWindow(NamedTuple):
    """The time in which commits count: so many days up to `until`."""

    until: datetime
    days: int


def parts(window: ActivityWindow, contribution: Contribution, repository: Repository, followers: int) -> Parts:
    """The parts of one person's score by their work on one repository."""
    age = (window.until - contribution.last_commit_at) / timedelta(days=window.days)
    return Parts(
        stars=_of_full_marks(repository.stars, FULL_STARS),
        recency=_within_bounds(1 - age),
        share_of_commits=repository.share_of(contribution.commits),
        followers=_of_full_marks(followers, FULL_FOLLOWERS),
    )


def fit(of: Parts, weights: Mapping[str, float]) -> Fit:
    """The weighted mean of the parts; a part without a weight counts nothing. Raises ValueError when all are 0."""
    named = of._asdict()
    if unknown := weights.keys() - named.keys():
        raise ValueError(f"no part of a score: {', '.join(sorted(unknown))}")
    whole = math.fsum(weights.values())
    if whole <= 0:
        raise ValueError("all weights are 0")
    reasons = {name: weight * named[name] / whole for name, weight in weights.items() if weight}
    return Fit(score=score_of(reasons), reasons=reasons)


def score_of(reasons: Mapping[str, float]) -> float:
    """The score that these reasons add up to; without the noise of adding, so that equal facts are equal scores."""
    return _within_bounds(round(math.fsum(reasons.values()), 12))


def _of_full_marks(count: int, full: int) -> float:
    """Logarithmic: the step from 10 to 100 counts as much as that from 100 to 1,000."""
    return _within_bounds(math.log1p(max(count, 0)) / math.log1p(full))


def _within_bounds(value: float) -> float:
    return min(1.0, max(0.0, value))
