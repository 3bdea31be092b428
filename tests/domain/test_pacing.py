"""Windows by the wall clock of every zone, the last day, and the intervals of deferred mails."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.campaign import Deferral, Window
from domain.pacing import closes, next_attempt, opening, past

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ZONES = sorted(available_timezones())


def window(days: str = "mon-sun", start: str = "00:00", end: str = "24:00", zone: str = "UTC") -> Window:
    return Window.model_validate({"days": days, "from": start, "to": end, "timezone": zone})


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    chosen = draw(st.sets(st.sampled_from(WEEKDAYS), min_size=1))
    start = draw(st.integers(0, 24 * 60 - 1))
    end = draw(st.integers(start + 1, 24 * 60))
    opens, ends = (f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (start, end))
    return window(",".join(sorted(chosen)), opens, ends, draw(st.sampled_from(ZONES)))


def instants() -> st.SearchStrategy[datetime]:
    return st.datetimes(datetime(2005, 1, 1), datetime(2037, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001 given a zone here


@st.composite
def clock_changes(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone and an instant within a day of a change of its clock, in a year that has one."""
    zone = draw(st.sampled_from(ZONES))
    new_year = datetime(draw(st.integers(2005, 2036)), 1, 1, tzinfo=UTC)
    days = [new_year + timedelta(days=n) for n in range(366)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    changes = [n for n in range(1, len(days)) if offsets[n] != offsets[n - 1]]
    assume(changes)
    return zone, days[draw(st.sampled_from(changes))] - timedelta(minutes=draw(st.integers(-180, 24 * 60 + 180)))


def shows_open(chosen: Window, at: datetime) -> bool:
    """By the definition alone: what the wall clock shows, as text."""
    wall = at.astimezone(ZoneInfo(chosen.timezone))
    return WEEKDAYS[wall.weekday()] in chosen.days.split(",") and chosen.from_ <= f"{wall:%H:%M}" < chosen.to


def hold_the_definition(chosen: Window, now: datetime, permille: int) -> None:
    opens = opening(chosen, now)
    assert opens >= now
    assert shows_open(chosen, opens)
    assert opening(chosen, opens) == opens
    if opens > now:
        assert not shows_open(chosen, now)
        assert not shows_open(chosen, opens - timedelta(microseconds=1))
        assert not shows_open(chosen, now + (opens - now) * permille // 1000)
    end = closes(chosen, opens)
    if end is None:
        assert chosen == window("fri,mon,sat,sun,thu,tue,wed", zone=chosen.timezone)
    else:
        assert not shows_open(chosen, end)
        assert shows_open(chosen, end - timedelta(microseconds=1))
        assert shows_open(chosen, opens + (end - opens) * permille // 1000)


@given(windows(), instants(), st.integers(0, 999))
def test_a_window_is_open_exactly_while_the_wall_clock_of_its_zone_says_so(
    chosen: Window, now: datetime, permille: int
) -> None:
    hold_the_definition(chosen, now, permille)


@given(windows(), clock_changes(), st.integers(0, 999))
def test_a_window_is_open_exactly_while_the_wall_clock_says_so_around_clock_changes(
    chosen: Window, change: tuple[str, datetime], permille: int
) -> None:
    zone, now = change
    hold_the_definition(chosen.model_copy(update={"timezone": zone}), now, permille)


BERLIN_MORNING = window("mon-fri", "09:00", "17:00", "Europe/Berlin")
NIGHT = window("mon-sun", "02:30", "05:00", "Europe/Berlin")
OPENINGS = {
    "open": (BERLIN_MORNING, "2027-03-24T10:00+01:00", "2027-03-24T10:00+01:00"),
    "before": (BERLIN_MORNING, "2027-03-24T08:59+01:00", "2027-03-24T09:00+01:00"),
    "at the end": (BERLIN_MORNING, "2027-03-24T17:00+01:00", "2027-03-25T09:00+01:00"),
    "over a weekend and a clock change": (BERLIN_MORNING, "2027-03-26T18:00+01:00", "2027-03-29T09:00+02:00"),
    "a skipped opening": (NIGHT, "2027-03-28T01:00+01:00", "2027-03-28T03:00+02:00"),
    "a repeated opening": (NIGHT, "2027-10-31T01:00+02:00", "2027-10-31T02:30+02:00"),
    "the repeated half hour before it": (NIGHT, "2027-10-31T02:00+01:00", "2027-10-31T02:30+01:00"),
    "24:00 goes on at midnight": (window("mon-sun"), "2027-03-24T23:59:59.5+00:00", "2027-03-24T23:59:59.5+00:00"),
    "a week later": (window("wed", "09:00", "10:00"), "2027-03-24T10:00+00:00", "2027-03-31T09:00+00:00"),
    "a day that a zone left out": (
        window("fri,sat", "09:00", "10:00", "Pacific/Apia"),
        "2011-12-29T12:00-10:00",
        "2011-12-31T09:00+14:00",
    ),
}


@pytest.mark.parametrize(("chosen", "now", "opens"), OPENINGS.values(), ids=OPENINGS)
def test_opening(chosen: Window, now: str, opens: str) -> None:
    assert opening(chosen, instant(now)) == instant(opens)


def test_now_comes_back_as_it_was_given_while_the_window_is_open() -> None:
    now = datetime(2027, 3, 24, 10, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert opening(window(), now) is now


CLOSINGS = {
    "today": (BERLIN_MORNING, "2027-03-24T10:00+01:00", "2027-03-24T17:00+01:00"),
    "closed already": (BERLIN_MORNING, "2027-03-24T18:00+01:00", "2027-03-24T18:00+01:00"),
    "midnight before a day off": (window("mon-fri"), "2027-03-24T10:00+00:00", "2027-03-27T00:00+00:00"),
    "a skipped end": (
        window(start="01:00", end="02:30", zone="Europe/Berlin"),
        "2027-03-28T01:30+01:00",
        "2027-03-28T03:00+02:00",
    ),
}


@pytest.mark.parametrize(("chosen", "now", "end"), CLOSINGS.values(), ids=CLOSINGS)
def test_closes(chosen: Window, now: str, end: str) -> None:
    assert closes(chosen, instant(now)) == instant(end)


def test_a_window_of_the_whole_week_never_closes() -> None:
    assert closes(window(zone="Europe/Berlin"), instant("2027-03-24T10:00+00:00")) is None


def test_the_last_day_ends_at_midnight_of_the_windows_zone() -> None:
    tokyo = window(zone="Asia/Tokyo")
    last = date(2027, 2, 28)
    assert not past(last, tokyo, instant("2027-02-28T23:59:59+09:00"))
    assert past(last, tokyo, instant("2027-03-01T00:00+09:00"))
    assert not past(None, tokyo, instant("2099-01-01T00:00+00:00"))


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        opening(window(), datetime(2027, 1, 1))  # noqa: DTZ001 that is the point


DEFERRAL = Deferral(first=timedelta(minutes=15), longest=timedelta(hours=4), give_up=timedelta(days=5))
FIRST = instant("2027-03-27T12:00+00:00")


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 15), (2, 30), (3, 60), (4, 120), (5, 240), (6, 240), (10_000_000, 240)]
)
def test_the_interval_doubles_up_to_the_longest(attempts: int, minutes: int) -> None:
    assert next_attempt(DEFERRAL, attempts, FIRST, FIRST) == FIRST + timedelta(minutes=minutes)


def test_no_attempt_comes_later_than_give_up() -> None:
    assert next_attempt(DEFERRAL, 9, FIRST, FIRST + timedelta(days=5, hours=-4)) == FIRST + timedelta(days=5)
    assert next_attempt(DEFERRAL, 9, FIRST, FIRST + timedelta(days=5, hours=-4, seconds=1)) is None


def test_intervals_are_real_time_over_a_clock_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    now = datetime(2027, 3, 28, 1, 50, tzinfo=berlin)
    assert next_attempt(DEFERRAL, 1, now, now) == instant("2027-03-28T01:05+00:00")


@given(st.timedeltas(timedelta(seconds=1), timedelta(days=9)), st.integers(0, 9), st.integers(0, 99))
def test_deferred_mails_are_given_up_after_ever_longer_intervals(first: timedelta, longer: int, more: int) -> None:
    longest = first * (1 + longer)
    deferral = Deferral(first=first, longest=longest, give_up=min(longest + more * first, timedelta(days=366)))
    now, intervals = FIRST, [timedelta(0)]
    while (at := next_attempt(deferral, len(intervals), FIRST, now)) is not None:
        assert intervals[-1] <= at - now <= longest
        assert at - FIRST <= deferral.give_up
        intervals.append(at - now)
        now = at
    assert len(intervals) > 1
