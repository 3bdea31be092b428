"""Repositories as GitHub's answers hold them, and the people who work on them."""

from collections.abc import Sequence

from msgspec import field

from domain.sourcing import Contribution, Onlooker, PassedOver, Repository, SourcePage
from providers.github.api import Data
from providers.github.history import Branch, History, Tally
from providers.github.text import clean
from providers.github.values import Instant, Mark, Shape, check_instant

_ORGANIZATION = "Organization"


class _Named(Shape):
    name: str


class _Topic(Shape):
    topic: _Named


class _Topics(Shape):
    nodes: list[_Topic | None] | None = None


class _Owner(Shape):
    id: Mark
    typename: str = field(default="", name="__typename")


class SeenRepository(Shape):
    """A repository with the newest commits of its activity window."""

    id: Mark
    name_with_owner: str
    url: str
    stargazer_count: int
    fork_count: int
    is_archived: bool
    is_fork: bool
    is_private: bool
    description: str | None = None
    pushed_at: Instant | None = None
    primary_language: _Named | None = None
    owner: _Owner | None = None
    repository_topics: _Topics | None = None
    default_branch_ref: Branch | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a time outside the calendar."""
        check_instant(self.pushed_at)

    @property
    def history(self) -> History | None:
        """None for a repository without commits."""
        target = self.default_branch_ref.target if self.default_branch_ref else None
        return target.history if target else None

    @property
    def searchable(self) -> bool:
        """Whether a search should show it."""
        return not (self.is_archived or self.is_fork or self.is_private)


class NamedRepository(Data):
    """The answer to repository.graphql."""

    repository: SeenRepository | None = None


class Reading:
    """A repository whose commits are being read."""

    def __init__(self, seen: SeenRepository) -> None:
        """It begins with the commits that came with the repository."""
        self._seen = seen
        self._tally = Tally(seen.id)
        self._commits = 0
        self.cursor: str | None = None
        """Where its commits go on; None = all are read."""
        if seen.history is not None:
            self.add(seen.history)

    @property
    def identity(self) -> str:
        """The repository's identity."""
        return self._seen.id

    def add(self, history: History) -> None:
        """Count one page of commits."""
        self._commits = max(self._commits, history.total_count)
        self._tally.add(history.nodes or [])
        self.cursor = history.page_info.end_cursor if history.page_info.has_next_page else None

    def repository(self) -> Repository:
        """The repository, with what was read of it."""
        seen = self._seen
        topics = (seen.repository_topics.nodes if seen.repository_topics else None) or []
        return Repository(
            identity=seen.id,
            full_name=seen.name_with_owner,
            url=seen.url,
            description=clean(seen.description),
            language=seen.primary_language.name if seen.primary_language else "",
            topics=tuple(node.topic.name for node in topics if node is not None),
            stars=seen.stargazer_count,
            forks=seen.fork_count,
            pushed_at=seen.pushed_at,
            active_people=self._tally.people,
            commits=self._commits,
            commits_read=self._tally.read,
        )

    def contributions(self) -> list[Contribution]:
        """Its people, those with most commits first."""
        return self._tally.contributions()

    def passed_over(self) -> list[Onlooker]:
        """Who is seen here and is nobody to write to."""
        owner = self._seen.owner
        if owner is None or owner.typename != _ORGANIZATION:
            return self._tally.passed_over()
        return [*self._tally.passed_over(), Onlooker(identity=owner.id, reason=PassedOver.ORGANIZATION)]


def page_of(readings: Sequence[Reading]) -> SourcePage:
    """What was read of these repositories, every onlooker once."""
    onlookers = {onlooker.identity: onlooker for reading in readings for onlooker in reading.passed_over()}
    return SourcePage(
        repositories=tuple(reading.repository() for reading in readings),
        contributions=tuple(person for reading in readings for person in reading.contributions()),
        passed_over=tuple(onlookers.values()),
    )
