"""What answers are made of: an answer in which one value is something else cannot be read.

Nothing is taken for what it looks like: "1" is no number, 1 no yes, and a time without seconds none.
"""

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta, Struct

_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)

Mark = Annotated[str, Meta(pattern=r"\A[ -~]{0,1000}\Z")]
"""An identity or a cursor: rows are found by it, so it is kept as it is or not at all."""

Instant = Annotated[datetime, Meta(tz=True)]
"""A time with its zone."""

Cost = Annotated[int, Meta(ge=0, le=1_000_000)]
"""Points; a token has some thousands an hour."""


class Shape(Struct, rename="camel", gc=False):
    """Part of an answer. A page holds thousands, which the garbage collector need not look at: none holds itself."""


def check_instant(at: datetime | None) -> None:
    """Raise ValueError for a time that cannot be moved to UTC and compared; shapes ask when they are made."""
    if at is not None and not _FIRST <= at <= _LAST:
        raise ValueError(f"no time between {_FIRST.year} and {_LAST.year}")
