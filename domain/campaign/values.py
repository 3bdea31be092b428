"""The kinds of values a spec is made of: a line of text, an address, a time of day, a length of time, ...

Every error is a sentence for the person who wrote the value, with the way out.
"""

import re
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    EmailStr,
    Field,
    PlainSerializer,
    Strict,
    StringConstraints,
    WithJsonSchema,
)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST_DURATION = timedelta(days=366)

_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_DURATION = r"^([0-9]{1,9}(?:\.[0-9]{1,6})?)([dhms])$"
_PERCENT = r"^([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%$"
_CLOCK = r"^(?:(?:[01]?[0-9]|2[0-3]):[0-5][0-9]|24:00)$"
MOST_STARS = 999_999_999

_STARS = r"^(?:[0-9]{1,9}\.\.(?:[0-9]{1,9})?|\.\.[0-9]{1,9})$"
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_HOST = re.compile(r"(?!-)[\w-]{1,63}(?<!-)(?:\.(?!-)[\w-]{1,63}(?<!-))+")


@lru_cache(maxsize=64)
def parse_weekdays(days: str) -> frozenset[int]:
    """The weekdays (Monday = 0) of text such as `mon-fri`, `mon,wed` or `fri-mon`; raises ValueError."""
    chosen: set[int] = set()
    for part in days.lower().replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first not in WEEKDAYS or (last or first) not in WEEKDAYS or part.endswith("-"):
            raise ValueError(f'"{part[:20]}" is no weekday or range of weekdays; write it like mon-fri or mon,wed,fri')
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        chosen.update((start + offset) % 7 for offset in range((end - start) % 7 + 1))
    return frozenset(chosen)


def _days(text: str) -> str:
    parse_weekdays(text)
    return text


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        raise ValueError("must consist of letters, digits, -, _ and . and begin with a letter or digit")
    return text


def _mailbox_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_]+", text):
        raise ValueError("must consist of letters, digits and _, because it names an environment variable")
    return text


def _clock(text: str) -> str:
    if not re.fullmatch(_CLOCK, text):
        raise ValueError(f'"{text[:20]}" is no time of day; write it like "09:00" ("24:00" is the end of the day)')
    return text.zfill(len("09:00"))


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def is_time_zone(name: str) -> bool:
    """Whether `name` is an IANA name of a time zone, in its exact spelling."""
    return name in _time_zones()


def _zone(text: str) -> str:
    if not is_time_zone(text):
        raise ValueError(f'"{text[:40]}" is no time zone; write an IANA name such as UTC or Europe/Berlin')
    return text


def _day(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError(f"{str(value)[:20]} is no day of the calendar; write it like 2027-02-28")


def _duration(value: object) -> object:
    if isinstance(value, str) and (parts := re.fullmatch(_DURATION, value)):
        value = timedelta(seconds=float(parts[1]) * _UNITS[parts[2]])
    if not isinstance(value, timedelta):
        raise ValueError(f"{str(value)[:20]} is no length of time; write a number and a unit: 90s, 15m, 4h or 5d")  # noqa: TRY004 pydantic collects ValueError only
    if not timedelta(0) < value <= LONGEST_DURATION:
        raise ValueError(f"must be longer than nothing and at most {LONGEST_DURATION.days}d")
    return value


def written(length: timedelta) -> str:
    """A length of time as a spec has it, in the largest unit that fits: 15m, 4h, 1.5s."""
    seconds = length.total_seconds()
    unit = next((unit for unit, size in _UNITS.items() if seconds % size == 0), "s")
    return f"{seconds / _UNITS[unit]:.6f}".rstrip("0").rstrip(".") + unit


def _percent(value: object) -> object:
    parts = re.fullmatch(_PERCENT, value) if isinstance(value, str) else None
    if parts is None:
        raise ValueError(f"{str(value)[:20]} is no share; write a number and %: 3% or 0.1%")
    share = float(parts[1])
    if not 0 < share <= 100:  # noqa: PLR2004 per cent
        raise ValueError("must be more than 0% and at most 100%")
    return share


def _https(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "https" or not parts.hostname or parts.username or re.search(r"\s", text):
        raise ValueError("must be an address that begins with https://")
    return text


def _bare_address(value: object) -> object:
    if isinstance(value, str) and "<" in value:
        raise ValueError("must be the bare address, without a name and angle brackets")
    return value


def _domain(text: str) -> str:
    if not _HOST.fullmatch(text.lstrip("@")):
        raise ValueError(f'"{text[:40]}" is no domain; write it like example.org')
    return text.lstrip("@").casefold()


def _host(text: str) -> str:
    if not _HOST.fullmatch(text) or not text.isascii():
        raise ValueError("must be written like a domain: release-notes.example.com")
    return text


def _column(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", text):
        raise ValueError(f'"{text[:40]}" is no name for a column; write small letters, digits and _: consented_at')
    return text


def _distinct(names: dict[str, str]) -> dict[str, str]:
    taken: dict[str, str] = {}
    for ours, header in names.items():
        if other := taken.get(header.casefold()):
            raise ValueError(f'"{header[:40]}" is given to both {other} and {ours}; a column has one name')
        taken[header.casefold()] = ours
    return names


class StarRange(NamedTuple):
    """From how many stars to how many, both included; None = no end."""

    least: int
    most: int | None = None

    def __str__(self) -> str:
        """As a spec has it: `100..20000`, `100..`."""
        return f"{self.least}..{'' if self.most is None else self.most}"


def _stars(value: object) -> object:
    if isinstance(value, StarRange):
        return value
    if not isinstance(value, str) or not re.fullmatch(_STARS, value):
        raise ValueError(f'"{str(value)[:20]}" is no range of stars; write it like 100..20000, 100.. or ..500')
    least, _, most = value.partition("..")
    stars = StarRange(int(least or 0), int(most) if most else None)
    if stars.most is not None and stars.least > stars.most:
        raise ValueError(f"{value} ends before it begins; write the smaller number first")
    return stars


def _language(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 +#.*'/()_-]{0,39}", text):
        raise ValueError(f'"{text[:40]}" is no name of a language; write it like python, c++ or jupyter notebook')
    return text.casefold()


def _topic(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,49}", text):
        raise ValueError(f'"{text[:40]}" is no topic; write letters, digits and -, like machine-learning')
    return text.casefold()


def _login(text: str) -> str:
    if not re.fullmatch(r"@?[A-Za-z0-9][A-Za-z0-9_-]{0,38}", text):
        raise ValueError(f'"{text[:40]}" is no login; write letters, digits and -, like octo-example')
    return text.removeprefix("@").casefold()


def _repository(text: str) -> str:
    if not _REPOSITORY.fullmatch(text):
        raise ValueError(f'"{text[:60]}" is no repository; write it as owner/name, like example-org/widgets')
    return text


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple({name.casefold(): name for name in reversed(names)}.values())[::-1]


def _at_least_one(share: float) -> float:
    if share < 1:
        raise ValueError("must be at least 1%")
    return share


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Text that can stand in a mail header: one line, no control characters."""
Address = Annotated[EmailStr, BeforeValidator(_bare_address)]
CampaignName = Annotated[Line, AfterValidator(_name)]
MailboxName = Annotated[Line, AfterValidator(_mailbox_name)]
ListId = Annotated[Line, AfterValidator(_host)]
HttpsUrl = Annotated[Line, AfterValidator(_https)]
Domain = Annotated[Line, AfterValidator(_domain)]
ColumnName = Annotated[str, AfterValidator(_column)]
ColumnNames = Annotated[dict[ColumnName, Line], AfterValidator(_distinct)]
"""Our names of columns and the headers they have in a file."""
Days = Annotated[str, AfterValidator(_days)]
TimeZone = Annotated[str, AfterValidator(_zone)]
Day = Annotated[date, BeforeValidator(_day)]
ClockTime = Annotated[str, AfterValidator(_clock), WithJsonSchema({"type": "string", "pattern": _CLOCK})]
"""A time of day as text, 00:00 to 24:00: two of them compare as text."""
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(written, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _DURATION}),
]
Percent = Annotated[
    float,
    BeforeValidator(_percent),
    PlainSerializer(lambda share: f"{share:g}%", return_type=str),
    WithJsonSchema({"type": "string", "pattern": _PERCENT}),
]
"""A share in per cent: 3.0 is 3 %."""
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
HourlyShare = Annotated[Percent, AfterValidator(_at_least_one)]
"""A share of what is allowed in an hour, 1 to 100 per cent."""
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Stars = Annotated[
    StarRange,
    BeforeValidator(_stars),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _STARS}),
]
Language = Annotated[Line, AfterValidator(_language)]
Topic = Annotated[Line, AfterValidator(_topic)]
"""As GitHub spells topics: small letters, digits and hyphens. Nothing in it can add to a search."""
Login = Annotated[Line, AfterValidator(_login)]
"""In small letters: GitHub does not tell capitals apart."""
RepositoryNames = Annotated[tuple[Annotated[Line, AfterValidator(_repository)], ...], AfterValidator(_once)]
"""Names as owner/name, each once whatever its capitals."""
