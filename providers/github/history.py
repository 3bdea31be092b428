"""Commits of a repository's default branch, and whose they are."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from domain.sourcing import Contribution, Onlooker, PassedOver
from providers.github.values import Instant, Mark

_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
_WIDEST = 14 * 60
"""Minutes; no place on Earth is further from UTC."""

_BOT_IDS = ("BOT_", "MDM6Qm90")
_BOT_LOGIN = "[bot]"


class Shape(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


class PageInfo(Shape):
    """Whether a connection goes on, and where."""

    has_next_page: bool
    end_cursor: Mark | None = None


class Account(Shape):
    """Whose commit it is."""

    id: Mark
    login: str

    @property
    def bot(self) -> bool:
        """Whether no person is behind it."""
        return self.login.endswith(_BOT_LOGIN) or self.id.startswith(_BOT_IDS)


class Author(Shape):
    """Who wrote a commit. Its name and address are not asked for."""

    date: str | None = None
    user: Account | None = None


class Commit(Shape):
    """A commit, as far as anybody needs it."""

    committed_date: Instant
    author: Author | None = None


class History(Shape):
    """Commits inside the activity window, newest first."""

    total_count: int
    page_info: PageInfo
    nodes: list[Commit | None] | None = None


class Target(Shape):
    """What a branch points at; something else than a commit has no history."""

    history: History | None = None


class Branch(Shape):
    """The default branch."""

    target: Target | None = None


@dataclass(slots=True)
class _Person:
    login: str
    last: datetime
    commits: int = 0
    offsets: Counter[int] = field(default_factory=Counter)


class Tally:
    """Who has how many commits in one repository."""

    def __init__(self, repository: str) -> None:
        """`repository` is its identity."""
        self._repository = repository
        self._people: dict[str, _Person] = {}
        self._onlookers: dict[str, Onlooker] = {}
        self.read = 0

    def add(self, commits: Sequence[Commit | None]) -> None:
        """Count a page of commits."""
        self.read += len(commits)
        for commit in commits:
            account = commit.author.user if commit is not None and commit.author is not None else None
            if account is None:
                self._pass_over(f"unknown:{self._repository}", PassedOver.UNKNOWN_ACCOUNT)
            elif account.bot:
                self._pass_over(account.id, PassedOver.BOT)
            elif commit is not None and commit.author is not None:
                self._count(account, commit.committed_date, commit.author.date)

    @property
    def people(self) -> int:
        """How many people have commits."""
        return len(self._people)

    def contributions(self) -> list[Contribution]:
        """One per person, those with most commits first."""
        return [
            Contribution(
                identity=identity,
                login=person.login,
                repository=self._repository,
                commits=person.commits,
                last_commit_at=person.last,
                offsets=dict(person.offsets),
            )
            for identity, person in sorted(self._people.items(), key=lambda item: -item[1].commits)
        ]

    def passed_over(self) -> list[Onlooker]:
        """Who had commits and is nobody to write to."""
        return list(self._onlookers.values())

    def _count(self, account: Account, committed_at: datetime, written_at: str | None) -> None:
        person = self._people.setdefault(account.id, _Person(account.login, committed_at))
        person.commits += 1
        person.last = max(person.last, committed_at)
        offset = offset_minutes(written_at[19:]) if written_at else None
        if offset is not None:
            person.offsets[offset] += 1

    def _pass_over(self, identity: str, reason: PassedOver) -> None:
        self._onlookers.setdefault(identity, Onlooker(identity=identity, reason=reason))


@lru_cache(maxsize=256)
def offset_minutes(zone: str) -> int | None:
    """Minutes east of UTC of the end of a time such as `+02:00` or `Z`; None for one no clock on Earth shows."""
    if zone.endswith("Z"):
        return 0
    parts = _OFFSET.search(zone)
    if parts is None:
        return None
    minutes = int(parts[2]) * 60 + int(parts[3])
    return (-minutes if parts[1] == "-" else minutes) if minutes <= _WIDEST else None
