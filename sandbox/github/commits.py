"""The commits of a repository's default branch, derived from the seed whenever they are asked for."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from itertools import accumulate, islice, takewhile
from random import Random
from typing import Literal, NamedTuple, overload
from zoneinfo import ZoneInfo

from sandbox.github import distributions as shares
from sandbox.github.drawing import chooser
from sandbox.github.people import Person
from sandbox.github.repositories import Repository

AuthorKind = Literal["person", "app", "bot", "unknown"]

_author = chooser(shares.AUTHORS)
_DAY = 86_400
_ELSEWHERE = ("Asia/Tokyo", "Europe/Lisbon", "America/Denver")
_BUSY_GAP = _DAY / 3
_SLOWEST_GAP = 20 * _DAY
_FASTEST_GAP = _DAY
_REBASED_AFTER = 2 * _DAY
"""Seconds at most between writing and committing a commit that somebody else committed."""


class Commit(NamedTuple):
    """One commit. Times are epoch seconds, `offset` minutes east of UTC, `author` an index of people or bots."""

    committed: int
    authored: int
    offset: int
    author_kind: AuthorKind
    author: int
    by_committer: bool

    def author_date(self) -> str:
        """Return the author's date as a GitTimestamp: in the author's own offset."""
        zone = timezone(timedelta(minutes=self.offset))
        return datetime.fromtimestamp(self.authored, zone).isoformat()


@dataclass(frozen=True, slots=True)
class Authors:
    """Everybody who may have written a commit."""

    seed: int
    people: list[Person]
    bots: list[Person]
    commit_in_utc: float
    authored_by_committer: float


def oid(seed: int, repository: int, position: int) -> str:
    """Return the object id of a commit by its position in the history."""
    return hashlib.sha1(f"{seed}:{repository}:{position}".encode(), usedforsecurity=False).hexdigest()


class History(Sequence[Commit]):
    """Commits, newest first; a commit is derived when somebody looks so far back, and then remembered."""

    def __init__(self, length: int, coming: Iterator[Commit]) -> None:
        """`coming` yields `length` commits."""
        self._length = length
        self._coming = coming
        self._derived: list[Commit] = []

    def __len__(self) -> int:
        """All of them."""
        return self._length

    @overload
    def __getitem__(self, position: int) -> Commit: ...
    @overload
    def __getitem__(self, position: slice) -> list[Commit]: ...
    def __getitem__(self, position: int | slice) -> Commit | list[Commit]:
        """By position, 0 for the newest."""
        last = position if isinstance(position, int) and position >= 0 else self._length
        self._derived += islice(self._coming, max(0, last + 1 - len(self._derived)))
        return self._derived[position]

    def back_to(self, moment: float) -> Iterator[Commit]:
        """Those that were committed at this time, in epoch seconds, or later."""
        return takewhile(lambda commit: commit.committed >= moment, self)


def derive(repository: Repository, authors: Authors) -> History:
    """Return the whole history; the newest commit is from the moment of the last push, each other one earlier."""
    random = Random(f"{authors.seed}:commits:{repository.index}")
    gap = _BUSY_GAP if repository.busy else random.uniform(_FASTEST_GAP, _SLOWEST_GAP)
    moment = int(repository.pushed_at.timestamp())
    weights = list(accumulate(1 / (rank + 1) for rank in range(len(repository.contributors))))
    return History(repository.commit_count, _history(random, repository, authors, moment, gap, weights))


def _history(  # noqa: PLR0913, PLR0917 - the state of one walk back through time
    random: Random, repository: Repository, authors: Authors, moment: int, gap: float, weights: list[float]
) -> Iterator[Commit]:
    for position in range(repository.commit_count):
        kind = _author(random) if authors.bots else "person"
        by_committer = random.random() < authors.authored_by_committer
        authored = moment if by_committer else moment - random.randrange(1, _REBASED_AFTER)
        if kind == "person":
            author = random.choices(repository.contributors, cum_weights=weights)[0]
            utc = random.random() < authors.commit_in_utc
            offset = 0 if utc else _offset(authors.people[author], authored, position)
        else:
            author = random.randrange(len(authors.bots)) if authors.bots else 0
            offset = 0
        yield Commit(moment, authored, offset, _kind(kind), author, by_committer)
        moment -= 1 + int(random.expovariate(1 / gap))


def _kind(name: str) -> AuthorKind:
    kinds: dict[str, AuthorKind] = {"person": "person", "app": "app", "bot": "bot", "unknown": "unknown"}
    return kinds[name]


def _offset(person: Person, moment: int, position: int) -> int:
    away = person.traveller and position % 4 == 0
    zone = _ELSEWHERE[person.index % len(_ELSEWHERE)] if away else person.zone
    return _offset_of_day(zone, moment // _DAY)


@lru_cache(maxsize=200_000)
def _offset_of_day(zone: str, day: int) -> int:
    """Return the offset at noon UTC of that day, in minutes; a change of the clock counts from the day on."""
    offset = datetime.fromtimestamp(day * _DAY + _DAY // 2, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return int(offset.total_seconds()) // 60 if offset else 0
