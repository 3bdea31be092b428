"""When a campaign stops by itself: shares of bounces and complaints that say that the list is wrong."""

from pydantic import BaseModel, ConfigDict

from domain.campaign import PauseAbove
from domain.wire import Breaker, Trip

MIN_SAMPLE = 50
"""Fewer mails say nothing: one bounce of ten is no 10 %."""

NEWEST = 500
"""How many mails back are judged: a bad part of a list must not hide behind a long good one."""


class Judged(BaseModel):
    """The mails a judgement is made of: sent or refused for good, the newest first."""

    model_config = ConfigDict(frozen=True)

    mails: int
    bounces: int
    complaints: int


def tripped(judged: Judged, limits: PauseAbove) -> Trip | None:
    """The first limit that is exceeded, None while there is none or too little to judge by."""
    if judged.mails < MIN_SAMPLE:
        return None
    for breaker, count, limit in (
        (Breaker.BOUNCES, judged.bounces, limits.bounces),
        (Breaker.COMPLAINTS, judged.complaints, limits.complaints),
    ):
        if 100 * count > limit * judged.mails:
            return Trip(breaker=breaker, count=count, judged=judged.mails, limit=limit)
    return None
