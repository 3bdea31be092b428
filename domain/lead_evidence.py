"""Why somebody is a lead, as far as it is stored."""

from datetime import datetime
from typing import NamedTuple

from domain.sourcing import Contribution, Repository
from domain.time_zone import Evidence


class LeadEvidence(NamedTuple):
    """What is None or empty is not stored."""

    work: tuple[Contribution, Repository] | None
    """On the repository that the person is written to about; before that is decided, where most commits are."""
    clock: Evidence
    score: float | None
    """Of everybody who was judged, also where it was too low."""
    reasons: dict[str, float]
    judged_at: datetime | None
    profile_read_at: datetime | None
    reachable: bool
