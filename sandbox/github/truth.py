"""Who should be found, computed by loops over the population and never by a search or a query."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.github.people import Person
from sandbox.github.population import Population
from sandbox.github.repositories import Repository

DEFAULT_DAYS = 90


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; forks, archived repositories and those without a commit in the window never count.

    `as_of` is the end of the window (the population's own if None); stars include both ends.
    """

    language: str | None = None
    topic: str | None = None
    stars_min: int = 0
    stars_max: int | None = None
    active_within_days: int = DEFAULT_DAYS
    as_of: datetime | None = None

    def takes(self, repository: Repository) -> bool:
        """Tell whether the repository is one of those looked at."""
        if repository.fork or repository.archived or repository.vanished:
            return False
        if self.language is not None and (repository.language or "").lower() != self.language.lower():
            return False
        if self.topic is not None and self.topic.lower() not in repository.topics:
            return False
        return self.stars_min <= repository.stars and (self.stars_max is None or repository.stars <= self.stars_max)


@dataclass(slots=True)
class _Found:
    """One account with its commits in the window."""

    account: Person
    commits: Counter[str] = field(default_factory=Counter)
    offsets: Counter[int] = field(default_factory=Counter)
    last_commit: int = 0


def truth(population: Population, wanted: Wanted) -> dict[str, object]:
    """Return everybody who has commits in the window, what their profiles publish, and the sums.

    `people` are accounts of any kind (`user`, `vanished`, `organization`, `bot`); `offsets` count commits by minutes
    east of UTC; `shares_address_with` names all others of the whole answer with the same published address.
    """
    end = wanted.as_of or population.as_of
    until = int(end.timestamp())
    since = int((end - timedelta(days=wanted.active_within_days)).timestamp())
    found: dict[str, _Found] = {}
    repositories: list[str] = []
    active: list[str] = []
    nobody = Counter[str]()
    for repository, history in population.histories():
        if not wanted.takes(repository):
            continue
        name = repository.name_with_owner
        repositories.append(name)
        inside = [commit for commit in history if since <= commit.committed <= until]
        if inside:
            active.append(name)
        for commit in inside:
            if commit.author_kind in {"app", "unknown"}:
                nobody[commit.author_kind] += 1
                continue
            account = (population.people if commit.author_kind == "person" else population.bots)[commit.author]
            entry = found.setdefault(account.login, _Found(account))
            entry.commits[name] += 1
            entry.offsets[commit.offset] += 1
            entry.last_commit = max(entry.last_commit, commit.committed)
    people = [_entry(entry) for _, entry in sorted(found.items())]
    _mark_shared(people)
    return {
        "as_of": end.isoformat(),
        "since": since,
        "repositories": sorted(repositories),
        "active_repositories": sorted(active),
        "commits_without_account": dict(nobody),
        "by_kind": dict(Counter(str(person["kind"]) for person in people)),
        "by_address": dict(Counter(str(person["address"]) for person in people if person["kind"] == "user")),
        "people": people,
    }


def _entry(found: _Found) -> dict[str, object]:
    account = found.account
    return {
        "id": account.id,
        "database_id": account.database_id,
        "login": account.login,
        "kind": account.kind,
        "name": account.name,
        "email": account.email,
        "address": _class_of(account),
        "time_zone": account.zone,
        "location": account.location,
        "company": account.company,
        "commits": dict(found.commits),
        "offsets": {str(offset): count for offset, count in found.offsets.items()},
        "last_commit": found.last_commit,
    }


def _class_of(account: Person) -> str:
    """Return `public`, `hidden`, `noreply` or `invalid`: a shared address is a public one too."""
    return "public" if account.address == "shared" else account.address


def _mark_shared(people: list[dict[str, object]]) -> None:
    by_address: dict[str, list[str]] = {}
    for person in people:
        if person["kind"] == "user" and person["address"] == "public":
            by_address.setdefault(str(person["email"]).lower(), []).append(str(person["login"]))
    for person in people:
        alike = by_address.get(str(person["email"]).lower(), [])
        person["shares_address_with"] = [login for login in alike if login != person["login"]]
