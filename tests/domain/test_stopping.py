"""A campaign pauses itself above its limits, never by too few mails and never at the limit itself."""

import pytest

from domain.campaign import PauseAbove
from domain.stopping import MIN_SAMPLE, Judged, tripped
from domain.wire import Breaker, Trip

LIMITS = PauseAbove(bounces="3%", complaints="0.1%")  # type: ignore[arg-type]  # as a spec writes them


@pytest.mark.parametrize(
    ("mails", "bounces", "complaints", "expected"),
    [
        (0, 0, 0, None),
        (MIN_SAMPLE - 1, MIN_SAMPLE - 1, 0, None),
        (MIN_SAMPLE, 1, 0, None),
        (MIN_SAMPLE, 2, 0, Trip(breaker=Breaker.BOUNCES, count=2, judged=50, limit=3.0)),
        (100, 3, 0, None),
        (100, 4, 0, Trip(breaker=Breaker.BOUNCES, count=4, judged=100, limit=3.0)),
        (500, 0, 1, Trip(breaker=Breaker.COMPLAINTS, count=1, judged=500, limit=0.1)),
        (500, 16, 1, Trip(breaker=Breaker.BOUNCES, count=16, judged=500, limit=3.0)),
    ],
)
def test_judgement(mails: int, bounces: int, complaints: int, expected: Trip | None) -> None:
    assert tripped(Judged(mails=mails, bounces=bounces, complaints=complaints), LIMITS) == expected
