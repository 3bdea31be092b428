"""Slices of a search: what one of them asks for, and how one that holds too much is cut in two."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

FULL_SHARE = 80.0
"""Percentage of a token's hour that may be spent, where nobody says otherwise."""

SHOWN = 1_000
"""More repositories than that GitHub shows of no search."""

_FIRST_REPOSITORY = datetime(2007, 10, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class Slice(BaseModel):
    """One search, or one named repository, and the activity window its commits are read in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    q: str = ""
    repository: str = ""
    since: datetime
    until: datetime
    share: float = FULL_SHARE
    created: tuple[datetime, datetime] | None = None
    """Only repositories made from the first second to the last one."""

    def text(self) -> str:
        """The slice as rows keep it."""
        return self.model_dump_json(exclude_defaults=True)

    @property
    def query(self) -> str:
        """What GitHub searches for."""
        if self.created is None:
            return self.q
        return f"{self.q} created:{instant(self.created[0])}..{instant(self.created[1])}"

    def activity(self) -> dict[str, str]:
        """The activity window, as the queries take it."""
        return {"since": instant(self.since), "until": instant(self.until)}

    def halves(self) -> tuple[str, ...]:
        """Two slices that hold the same together, without overlap or gap; none when this is one second already."""
        first, last = self.created or (_FIRST_REPOSITORY, self.until.replace(microsecond=0))
        seconds = int((last - first).total_seconds())
        if seconds < 1:
            return ()
        middle = first + timedelta(seconds=(seconds - 1) // 2)
        halves = (first, middle), (middle + _SECOND, last)
        return tuple(self.model_copy(update={"created": half}).text() for half in halves)


def slices_of(searches: Sequence[str], since: datetime, until: datetime, share: float = FULL_SHARE) -> list[str]:
    """One slice per search string; commits count from `since` to `until`."""
    return [Slice(q=q, since=since, until=until, share=share).text() for q in searches]


def slices_of_repositories(
    names: Sequence[str], since: datetime, until: datetime, share: float = FULL_SHARE
) -> list[str]:
    """One slice per `owner/name`."""
    return [Slice(repository=name, since=since, until=until, share=share).text() for name in names]


def instant(at: datetime) -> str:
    """An instant as GitHub reads it, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
