"""GitHub as domain.source_ports.Source: one object per process, so that its limits hold for all campaigns."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from domain.campaign import CampaignSpec
from domain.errors import SourceWait
from domain.sourcing import ProfilePage, SourcePage
from providers.github import audience
from providers.github.answers import Outcome
from providers.github.api import GitHubApi
from providers.github.asking import Asking
from providers.github.commits import read_on
from providers.github.profiles import read_profiles
from providers.github.repositories import NamedRepository, Reading, SeenRepository, page_of
from providers.github.resting import LIMITED
from providers.github.search_page import Discovered, Shown, shown
from providers.github.sizing import COMMITS, PageSize, PageSizes, affordable, fewer
from providers.github.slicing import SHOWN, Slice
from providers.github.stubborn import Stubborn

MOST_IDENTITIES = 100
"""GitHub takes no more ids in one request."""


class GitHubSource:
    """See domain.source_ports.Source."""

    def __init__(self, api: GitHubApi) -> None:
        """Nothing is contacted before the first page."""
        self._api = api
        self._sizes = PageSizes()
        self._stubborn = Stubborn()

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    def slices(self, spec: CampaignSpec, as_of: datetime) -> list[str]:
        """See domain.source_ports.Source."""
        return audience.cut(spec, as_of)

    async def page(self, slice_: str, cursor: str, stop: asyncio.Event | None = None) -> SourcePage:
        """See domain.source_ports.Source."""
        asked = Slice.model_validate_json(slice_)
        asking = Asking(self._api, asked.share, stop)
        with asking.charged():
            page = await (self._named(asking, asked) if asked.repository else self._searched(asking, asked, cursor))
        return page.model_copy(update={"points": asking.points})

    async def profiles(
        self, spec: CampaignSpec, identities: Sequence[str], stop: asyncio.Event | None = None
    ) -> ProfilePage:
        """See domain.source_ports.Source."""
        if len(identities) > MOST_IDENTITIES:
            raise ValueError(f"{len(identities)} people at once; GitHub takes {MOST_IDENTITIES}")
        asking = Asking(self._api, audience.share_of(spec), stop)
        with asking.charged():
            return await read_profiles(asking, identities, self._stubborn)

    async def _named(self, asking: Asking, asked: Slice) -> SourcePage:
        owner, _, name = asked.repository.partition("/")
        commits = COMMITS
        while True:
            variables = {"owner": owner, "name": name, "commits": commits, **asked.activity()}
            reply = await asking.ask("repository", variables, NamedRepository)
            seen = reply.data.repository if reply.data is not None else None
            if (seen is None and reply.outcome in (Outcome.OK, Outcome.GONE)) or (seen is not None and seen.is_private):
                return SourcePage(gone=1)  # what only our token may see goes into no rows and no mails
            if seen is not None and (reply.outcome is Outcome.OK or commits == 1):
                break
            if not (commits := fewer(commits)):
                await self._not_shown(asking, asked.repository, "it cannot show a repository in time")
                return SourcePage(incomplete=True)
        self._stubborn.shown(asked.repository)
        page = await self._read(asking, [seen], asked)
        return page.model_copy(update={"incomplete": page.incomplete or reply.outcome is not Outcome.OK})

    async def _searched(self, asking: Asking, asked: Slice, cursor: str) -> SourcePage:
        size = self._sizes.of(asked)
        found = await self._found(asking, asked, cursor, size)
        if isinstance(found, SourcePage):
            self._sizes.done(asked)
            return found
        try:
            page = await self._read(asking, found.repositories, asked)
        except SourceWait:
            size.shrink(len(found.repositories))
            raise
        if found.next_cursor is None:
            self._sizes.done(asked)
        incomplete = page.incomplete or found.incomplete
        return page.model_copy(update={"next_cursor": found.next_cursor, "incomplete": incomplete})

    async def _found(self, asking: Asking, asked: Slice, cursor: str, size: PageSize) -> Shown | SourcePage:
        """The repositories that come next in a search; or what becomes of a search that shows none."""
        commits, history, here = COMMITS, True, f"{asked.text()} {cursor}"
        while True:
            first = min(size.now, affordable(asking.left)) if history else 1
            variables = {"q": asked.query, "first": first, "after": cursor or None, "commits": commits}
            variables |= asked.activity() | ({} if history else {"history": False})
            reply = await asking.ask("discover", variables, Discovered)
            search = reply.data.search if reply.data is not None else None
            if search is not None and not cursor and search.repository_count > SHOWN and (halves := asked.halves()):
                return SourcePage(split=halves)
            least = first == 1 and not fewer(commits)
            if search is not None and (part := shown(search, reply, least=least)) is not None:
                self._stubborn.shown(here)
                size.answered(first, whole=reply.outcome is Outcome.OK)
                return part if history else replace(part, incomplete=True)
            if first > 1:
                size.shrink(first)
            elif not history:
                return SourcePage(incomplete=True)
            elif not (commits := fewer(commits)):
                await self._not_shown(asking, here, "it cannot show a part of a search in time")
                commits, history = 1, False

    async def _read(self, asking: Asking, repositories: Sequence[SeenRepository], asked: Slice) -> SourcePage:
        """A page of these repositories, with all their commits as far as they are read.

        When the points of the hour end in the middle, that is as far as it goes: a page must not need more points than
        there are. After every other wait it can be asked for again.
        """
        readings = [Reading(seen) for seen in repositories]
        try:
            await read_on(asking, readings, asked)
        except SourceWait as wait:
            if wait.reason != LIMITED or asking.left:
                raise
            return page_of(readings).model_copy(update={"incomplete": True})
        return page_of(readings)

    async def _not_shown(self, asking: Asking, what: str, why: str) -> None:
        """Raises SourceWait for the one campaign that asks, until this was tried often enough to do without it."""
        if not await self._stubborn.gives_up(asking, what):
            raise asking.not_shown(why)
