"""When a mail may leave: windows by a zone's wall clock, the last day, and the intervals of deferred mails.

Pure functions of their arguments. A window is open at an instant when the wall clock of its zone shows an allowed
weekday and a time from `from` up to, but not including, `to`. So an hour that a clock change skips opens when the clock
has skipped it, and one that it repeats is open both times: nothing leaves while the wall clock is outside the window.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.campaign import Deferral, Sending, Window
from domain.campaign.values import parse_weekdays

_DAY = timedelta(days=1)
_ONE_WEEK = 7


def opening(window: Window, now: datetime) -> datetime:
    """`now` itself while the window is open, else the instant (UTC) at which it opens next."""
    if _is_open(window, _wall(window, now)):
        return now
    at = _instant(now)
    while not _is_open(window, wall := _wall(window, at)):
        at = _advance(window, at, _next_opening(window, wall) - wall)
    return at


def closes(window: Window, now: datetime) -> datetime | None:
    """The first instant (UTC) from `now` on at which the window is not open; None when it never closes."""
    start = at = _instant(now)
    while _is_open(window, wall := _wall(window, at)):
        if at - start > (_ONE_WEEK + 1) * _DAY:
            return None
        at = _advance(window, at, _end_of_day(window, wall.date()) - wall)
    return at


def past(not_after: date | None, window: Window, now: datetime) -> bool:
    """Whether the last day, inclusive and by the window's zone, is over. With no last day it never is."""
    return not_after is not None and _wall(window, now).date() > not_after


def may_leave(sending: Sending, now: datetime) -> bool:
    """Whether a mail may leave at this instant: the window is open and the last day is not over."""
    return opening(sending.window, now) <= now and not past(sending.not_after, sending.window, now)


def next_attempt(deferral: Deferral, attempts: int, first_attempt_at: datetime, now: datetime) -> datetime | None:
    """When (UTC) to try a deferred mail again after `attempts` (≥ 1) attempts; None = give up.

    The interval doubles with every attempt up to `longest`. An attempt that would come later than `give_up` after the
    first one is not made.
    """
    interval = deferral.first
    for _ in range(attempts - 1):
        if interval >= deferral.longest:
            break
        interval *= 2
    at = _instant(now) + min(interval, deferral.longest)
    return at if at - _instant(first_attempt_at) <= deferral.give_up else None


def _instant(at: datetime) -> datetime:
    """`at` in UTC, where adding and subtracting counts real time; raises ValueError without a zone."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone is no instant")
    return at.astimezone(UTC)


def _wall(window: Window, at: datetime) -> datetime:
    """What the wall clock of the window's zone shows at an instant, without a zone: for comparing, not for counting."""
    return _instant(at).astimezone(ZoneInfo(window.timezone)).replace(tzinfo=None, fold=0)


def _is_open(window: Window, wall: datetime) -> bool:
    day = wall.date()
    return wall.weekday() in parse_weekdays(window.days) and _start_of_day(window, day) <= wall < _end_of_day(
        window, day
    )


def _start_of_day(window: Window, day: date) -> datetime:
    return datetime.combine(day, time.fromisoformat(window.from_))


def _end_of_day(window: Window, day: date) -> datetime:
    if window.to == "24:00":
        return datetime.combine(day + _DAY, time.min)
    return datetime.combine(day, time.fromisoformat(window.to))


def _next_opening(window: Window, wall: datetime) -> datetime:
    """The next opening by a wall clock that is never changed."""
    days = (wall.date() + offset * _DAY for offset in range(_ONE_WEEK + 1))
    openings = (_start_of_day(window, day) for day in days if day.weekday() in parse_weekdays(window.days))
    return next(start for start in openings if start > wall)


def _advance(window: Window, at: datetime, wait: timedelta) -> datetime:
    """The instant `wait` after `at`, but at most a day, and no further than the next change of the zone's clock."""
    zone = ZoneInfo(window.timezone)
    end = at + min(wait, _DAY)
    before = at.astimezone(zone).utcoffset()
    if end.astimezone(zone).utcoffset() == before:
        return end
    # Changes happen on whole seconds: halve the span until its last second is the first with another offset.
    low, high = int(at.timestamp()), int(end.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)
