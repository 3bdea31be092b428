"""Invented repositories, drawn from the stated distributions; who contributes is drawn with them, commits are not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sandbox.github import distributions as shares
from sandbox.github.drawing import chooser, spread
from sandbox.github.ids import node_id
from sandbox.github.people import Organization, Person

_FIRST_ID = 5_000_000
_MAX_STARS = 250_000
_DAYS_OF_A_YEAR = 365
_SUBJECTS = (
    "async",
    "batch",
    "cache",
    "chart",
    "code",
    "data",
    "event",
    "file",
    "graph",
    "index",
    "job",
    "log",
    "model",
    "net",
    "parse",
    "queue",
    "schema",
    "test",
)
_KINDS = ("kit", "lib", "tool", "box", "flow", "forge", "hub", "lab", "mate", "runner", "server", "studio", "watch")
_PURPOSES = (
    "A small {kind} for {subject} work",
    "Fast {subject} handling without surprises",
    "{subject} {kind}, with types and a test suite",
    "Experiments with {subject}; see the notes",
)

_language = chooser(shares.LANGUAGES)
_activity = spread(shares.ACTIVITY)
_contributors = spread(shares.CONTRIBUTORS)
_commits = spread(shares.COMMITS)


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository; times in UTC with whole seconds, `contributors` are indices of people, the most active first."""

    index: int
    owner: Person | Organization
    name: str
    description: str | None
    language: str | None
    topics: tuple[str, ...]
    stars: int
    forks: int
    archived: bool
    fork: bool
    created_at: datetime
    pushed_at: datetime
    busy: bool
    commit_count: int
    contributors: tuple[int, ...]
    former_name: str | None
    vanished: bool

    @property
    def database_id(self) -> int:
        """The number GitHub knows the repository by."""
        return _FIRST_ID + self.index

    @property
    def id(self) -> str:
        """The global id."""
        return node_id("R", self.database_id)

    @property
    def name_with_owner(self) -> str:
        """The name under which it is found, `owner/name`."""
        return f"{self.owner.login}/{self.name}"


def index_of_repository(database_id: int) -> int:
    """Return the index of the repository with that number."""
    return database_id - _FIRST_ID


class RepositoryDrawer:
    """Draws repositories for people that are known already."""

    def __init__(
        self,
        random: Random,
        people: Sequence[Person],
        organizations: Sequence[Organization],
        as_of: datetime,
        given: shares.Distributions,
    ) -> None:
        """Draw from these; `as_of` is the moment that activity is relative to."""
        self._random = random
        self._people = people
        self._organizations = organizations
        self._as_of = as_of
        self._given = given
        self._by_language: dict[str | None, list[int]] = {}
        for person in people:
            self._by_language.setdefault(person.language, []).append(person.index)

    def draw(self, index: int, *, vanished: bool = False) -> Repository:
        """Draw one repository."""
        random, given = self._random, self._given
        focused = random.random() < given.focus
        language = given.focus_language if focused else _language(random)
        topics = tuple(name for name, share in shares.TOPICS.items() if random.random() < share)
        subject, kind = random.choice(_SUBJECTS), random.choice(_KINDS)
        pushed_at = self._as_of - timedelta(days=_activity(random), seconds=random.randrange(1, 86_400))
        stars = self._stars()
        contributors = self._contributors(language)
        empty = random.random() < given.empty
        busy = random.random() < given.busy
        return Repository(
            index=index,
            owner=self._owner(contributors),
            name=f"{subject}-{kind}-{index}",
            description=random.choice(("", *_PURPOSES, *_PURPOSES)).format(subject=subject, kind=kind) or None,
            language=language,
            topics=tuple(dict.fromkeys((*given.focus_topics, *topics))) if focused else topics,
            stars=stars,
            forks=int(stars * random.random() / 3),
            archived=random.random() < given.archived,
            fork=random.random() < given.fork,
            created_at=self._created_at(pushed_at),
            pushed_at=pushed_at,
            busy=busy,
            commit_count=0 if empty else random.randint(*shares.BUSY_COMMITS) if busy else _commits(random),
            contributors=contributors,
            former_name=f"old-{subject}-{index}" if random.random() < given.renamed else None,
            vanished=vanished,
        )

    def _stars(self) -> int:
        rarity = 1.0 - self._random.random()
        stars = self._given.stars_scale * (rarity ** (-1 / self._given.stars_exponent) - 1)
        return min(_MAX_STARS, int(stars))

    def _created_at(self, pushed_at: datetime) -> datetime:
        oldest = self._as_of - timedelta(days=self._given.years * _DAYS_OF_A_YEAR)
        return oldest + timedelta(seconds=self._random.randrange(int((pushed_at - oldest).total_seconds())))

    def _contributors(self, language: str | None) -> tuple[int, ...]:
        random = self._random
        alike = self._by_language.get(language) or range(len(self._people))
        chosen: dict[int, None] = {}
        for _ in range(_contributors(random)):
            same = random.random() < self._given.same_language
            chosen[random.choice(alike) if same else random.randrange(len(self._people))] = None
        return tuple(chosen)

    def _owner(self, contributors: Sequence[int]) -> Person | Organization:
        if self._organizations and self._random.random() < self._given.owned_by_organization:
            return self._random.choice(self._organizations)
        return self._people[contributors[0]]
