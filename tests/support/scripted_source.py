"""A source of people that says what a test has written down, and remembers what it was asked."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from local_world import spec

from domain.campaign import CampaignSpec
from domain.errors import InputError, SourceWait
from domain.sourcing import Contribution, Profile, ProfilePage, Repository, SourcePage

NOW = datetime.now(UTC).replace(microsecond=0)


def searching(max_leads: int = 1000, **audience: object) -> CampaignSpec:
    """A campaign that searches GitHub; `audience` are further fields of it."""
    searched = {"source": "github", "languages": ["python"], "max_leads": max_leads, **audience}
    return CampaignSpec.model_validate({**spec().model_dump(mode="json", exclude_unset=True), "audience": searched})


def repository(name: str = "widgets", stars: int = 100, commits: int = 50) -> Repository:
    """A repository whose identity is made of its name."""
    return Repository(
        identity=f"R_{name}",
        full_name=f"example-org/{name}",
        url=f"https://github.com/example-org/{name}",
        stars=stars,
        commits=commits,
    )


def contribution(
    who: str, where: str = "widgets", commits: int = 5, days_ago: int = 1, offsets: Mapping[int, int] | None = None
) -> Contribution:
    """Somebody's commits, by their login and the repository's name."""
    return Contribution(
        identity=f"U_{who}",
        login=who,
        repository=f"R_{where}",
        commits=commits,
        last_commit_at=NOW - timedelta(days=days_ago),
        offsets=dict(offsets or {120: commits}),
    )


def page(who: Iterable[str], next_cursor: str | None = None, where: str = "widgets") -> SourcePage:
    """A page of one repository on which these people work."""
    return SourcePage(
        repositories=(repository(where),),
        contributions=tuple(contribution(one, where) for one in who),
        next_cursor=next_cursor,
        points=1,
    )


def profile(who: str, email: str | None = None, **said: object) -> Profile:
    """What somebody publishes; left out, an address of their own."""
    address = f"{who}@example.com" if email is None else email
    facts = {"identity": f"U_{who}", "login": who, "name": f"{who.title()} Example", "email": address, "read_at": NOW}
    return Profile.model_validate({**facts, **said})


class ScriptedSource:
    """domain.source_ports.Source from a script: pages by (slice, cursor), profiles by identity.

    `waits` are raised first, one for each question; every answer takes `seconds`.
    """

    def __init__(
        self,
        pages: Mapping[tuple[str, str], SourcePage] | None = None,
        profiles: Iterable[Profile] = (),
        seconds: float = 0.0,
    ) -> None:
        self.pages = dict(pages or {})
        self.published = {one.identity: one for one in profiles}
        self.unread: set[str] = set()
        self.unreadable: set[str] = set()
        self.waits: list[SourceWait | InputError] = []
        self.pages_asked: list[tuple[str, str]] = []
        self.people_asked: list[list[str]] = []
        self._seconds = seconds

    def slices(self, spec: CampaignSpec, as_of: datetime) -> list[str]:  # noqa: ARG002 the script says it all
        return list(dict.fromkeys(slice_ for slice_, _ in self.pages))

    async def page(self, slice_: str, cursor: str, stop: asyncio.Event | None = None) -> SourcePage:  # noqa: ARG002 as above
        self.pages_asked.append((slice_, cursor))
        await self._answer()
        return self.pages[slice_, cursor]

    async def profiles(
        self,
        spec: CampaignSpec,  # noqa: ARG002 the port's names
        identities: Sequence[str],
        stop: asyncio.Event | None = None,  # noqa: ARG002 as above
    ) -> ProfilePage:
        self.people_asked.append(list(identities))
        await self._answer()
        return ProfilePage(
            profiles=tuple(
                self.published[one]
                for one in identities
                if one in self.published.keys() - self.unread - self.unreadable
            ),
            unread=tuple(one for one in identities if one in self.unread),
            unreadable=tuple(one for one in identities if one in self.unreadable),
            points=1,
        )

    async def asked(self, times: int) -> None:
        """Wait until it was asked so often."""
        async with asyncio.timeout(20):
            while len(self.pages_asked) + len(self.people_asked) < times:  # noqa: ASYNC110 the test's own clock
                await asyncio.sleep(0.005)

    async def _answer(self) -> None:
        if self.waits:
            raise self.waits.pop(0)
        await asyncio.sleep(self._seconds)
