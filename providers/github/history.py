"""Commits of a repository's default branch, and whose they are."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from domain.sourcing import Contribution, Onlooker, PassedOver
from providers.github.values import Instant, Mark, Shape, check_instant

_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
_WIDEST = 14 * 60
"""Minutes; no place on Earth is further from UTC."""

_BOT_IDS = ("BOT_", "MDM6Qm90")
_BOT_LOGIN = "[bot]"


class PageInfo(Shape):
    """Whether a connection goes on, and where."""

    has_next_page: bool
    end_cursor: Mark | None = None


class Account(Shape):
    """Whose commit it is."""

    id: Mark
    login: str


class Author(Shape):
    """Who wrote a commit. Its name and address are not asked for."""

    date: str | None = None
    user: Account | None = None


class Commit(Shape):
    """A commit, as far as anybody needs it."""

    committed_date: Instant
    author: Author | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a time outside the calendar."""
        check_instant(self.committed_date)


_NOBODY = Author()


class History(Shape):
    """Commits inside the activity window, newest first."""

    total_count: int
    page_info: PageInfo
    nodes: list[Commit | None] | None = None

    @property
    def whole(self) -> bool:
        """Whether no commit of the page was left out."""
        return self.nodes is not None and None not in self.nodes


class Target(Shape):
    """What a branch points at; something else than a commit has no history."""

    history: History | None = None


class Branch(Shape):
    """The default branch."""

    target: Target | None = None


class _Person:
    __slots__ = ("commits", "last", "login", "offsets")

    def __init__(self, login: str, last: datetime) -> None:
        self.login = login
        self.last = last
        self.commits = 0
        self.offsets: Counter[int] = Counter()

    def count(self, committed_at: datetime, written_at: str | None) -> None:
        self.commits += 1
        self.last = max(self.last, committed_at)
        offset = offset_minutes(written_at[19:]) if written_at else None
        if offset is not None:
            self.offsets[offset] += 1


class Tally:
    """Who has how many commits in one repository."""

    def __init__(self, repository: str) -> None:
        """`repository` is its identity."""
        self._repository = repository
        self._people: dict[str, _Person] = {}
        self._onlookers: dict[str, Onlooker] = {}
        self.read = 0

    def add(self, commits: Sequence[Commit | None]) -> None:
        """Count a page of commits; one that was left out is nobody's."""
        for commit in commits:
            if commit is None:
                continue
            self.read += 1
            committed_at, author = commit.committed_date, commit.author or _NOBODY
            user = author.user
            if user is None:
                self._pass_over(f"unknown:{self._repository}", PassedOver.UNKNOWN_ACCOUNT)
            elif (person := self._people.get(user.id)) is not None:
                person.count(committed_at, author.date)
            elif _is_bot(user):
                self._pass_over(user.id, PassedOver.BOT)
            else:
                person = self._people[user.id] = _Person(user.login, committed_at)
                person.count(committed_at, author.date)

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

    def _pass_over(self, identity: str, reason: PassedOver) -> None:
        if identity not in self._onlookers:
            self._onlookers[identity] = Onlooker(identity=identity, reason=reason)


def _is_bot(account: Account) -> bool:
    return account.login.endswith(_BOT_LOGIN) or account.id.startswith(_BOT_IDS)


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
