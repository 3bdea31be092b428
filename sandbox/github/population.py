"""The whole invented GitHub of one seed: people, bots, organizations, repositories, and the histories on demand."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from random import Random
from typing import TypeVar

from sandbox.github.commits import Authors, History, derive
from sandbox.github.distributions import Distributions
from sandbox.github.ids import parsed_id
from sandbox.github.people import (
    Organization,
    Person,
    draw_bots,
    draw_organizations,
    draw_people,
    index_of_account,
)
from sandbox.github.repositories import Repository, RepositoryDrawer, index_of_repository

T = TypeVar("T")

_PEOPLE_PER_ORGANIZATION = 12
_PEOPLE_PER_BOT = 100
_HISTORIES_KEPT = 4_000
_CREATED_AT = attrgetter("created_at")


class Population:
    """Everybody and everything; the same arguments give the same population on every machine."""

    def __init__(
        self,
        people: int = 600,
        repositories: int = 400,
        seed: int = 1,
        as_of: datetime | None = None,
        distributions: Distributions | None = None,
    ) -> None:
        """Draw it; `as_of` (now if not given) is the moment that activity is relative to."""
        self.seed = seed
        self.as_of = (as_of or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
        self.distributions = distributions or Distributions()
        random = Random(f"{seed}:population")
        self.organizations = draw_organizations(random, max(1, people // _PEOPLE_PER_ORGANIZATION), self.as_of)
        self.bots = draw_bots(max(1, people // _PEOPLE_PER_BOT), self.as_of)
        self.people = draw_people(random, people, self.organizations, self.as_of, self.distributions)
        drawer = RepositoryDrawer(random, self.people, self.organizations, self.as_of, self.distributions)
        self.repositories = [drawer.draw(index) for index in range(repositories)]
        self._by_creation = sorted(self.repositories, key=_CREATED_AT)
        gone = round(repositories * self.distributions.vanished)
        self.vanished = [drawer.draw(repositories + index, vanished=True) for index in range(gone)]
        self._by_name = {repository.name_with_owner.lower(): repository for repository in self.repositories}
        self._by_former_name = {
            f"{repository.owner.login}/{repository.former_name}".lower(): repository
            for repository in self.repositories
            if repository.former_name
        }
        self._accounts: dict[str, Person | Organization] = {}
        for accounts in (self.people, self.bots, self.organizations):
            self._accounts.update((account.login.lower(), account) for account in accounts)
        self._owned: dict[str, list[Repository]] = {}
        for repository in self.repositories:
            self._owned.setdefault(repository.owner.login, []).append(repository)
        self._authors = Authors(
            seed,
            self.people,
            self.bots,
            self.distributions.commit_in_utc,
            self.distributions.authored_by_committer,
        )
        self.commits_of = lru_cache(maxsize=_HISTORIES_KEPT)(self._derive)

    def _derive(self, index: int) -> History:
        """Return the history of a repository by its index."""
        return derive(self.repositories[index], self._authors)

    def histories(self) -> Iterator[tuple[Repository, History]]:
        """Yield every repository with its history, without keeping the histories."""
        for repository in self.repositories:
            yield repository, derive(repository, self._authors)

    def repository(self, owner: str, name: str) -> tuple[Repository, bool] | None:
        """Find a repository by its name in any case; the flag says that it was renamed. None when there is none."""
        wanted = f"{owner}/{name}".lower()
        if wanted in self._by_name:
            return self._by_name[wanted], False
        return (self._by_former_name[wanted], True) if wanted in self._by_former_name else None

    def created_between(self, first: datetime, last: datetime) -> list[Repository]:
        """Return the repositories that were created then, ends included, the oldest first.

        Searches are cut by this: whoever reads all of a large population asks for hundreds of short times.
        """
        start = bisect_left(self._by_creation, first, key=_CREATED_AT)
        return self._by_creation[start : bisect_right(self._by_creation, last, lo=start, key=_CREATED_AT)]

    def owned_by(self, login: str) -> list[Repository]:
        """Return the repositories of an account."""
        return self._owned.get(login, [])

    def account(self, login: str) -> Person | Organization | None:
        """Find an account by its login in any case; one that vanished is not found."""
        account = self._accounts.get(login.lower())
        return None if isinstance(account, Person) and account.kind == "vanished" else account

    def by_id(self, text: str) -> Person | Organization | Repository | None:
        """Find an account or a repository by its global id; what vanished is not found."""
        parsed = parsed_id(text)
        if parsed is None:
            return None
        kind, database_id = parsed
        if kind == "R":
            return _at(self.repositories, index_of_repository(database_id))
        which, index = index_of_account(database_id)
        found: Person | Organization | None = None
        if (kind, which) == ("U", "person"):
            found = _at(self.people, index)
        elif (kind, which) == ("BOT", "bot"):
            found = _at(self.bots, index)
        elif (kind, which) == ("O", "organization"):
            found = _at(self.organizations, index)
        return None if isinstance(found, Person) and found.kind == "vanished" else found


def _at(items: list[T], index: int) -> T | None:
    return items[index] if 0 <= index < len(items) else None
