"""GitHub as domain.source_ports.Source: one object per process, so that its limits hold for all campaigns."""

from collections.abc import Sequence
from datetime import datetime

from domain.campaign import CampaignSpec
from domain.sourcing import Profile, ProfilePage, SourcePage
from providers.github import audience
from providers.github.answers import Outcome
from providers.github.api import GitHubApi, Reply
from providers.github.commits import read_on
from providers.github.people import Enriched
from providers.github.repositories import NamedRepository, Reading, SeenRepository, page_of
from providers.github.search_page import Discovered, shown
from providers.github.sizing import COMMITS, PageSize, fewer
from providers.github.slicing import SHOWN, Slice

MOST_IDENTITIES = 100
"""GitHub takes no more ids in one request."""


class GitHubSource:
    """See domain.source_ports.Source."""

    def __init__(self, api: GitHubApi) -> None:
        """Nothing is contacted before the first page."""
        self._api = api
        self._size = PageSize()

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    def slices(self, spec: CampaignSpec, as_of: datetime) -> list[str]:
        """See domain.source_ports.Source."""
        return audience.cut(spec, as_of)

    async def page(self, slice_: str, cursor: str) -> SourcePage:
        """See domain.source_ports.Source."""
        asked = Slice.model_validate_json(slice_)
        return await self._named(asked) if asked.repository else await self._searched(asked, cursor)

    async def profiles(self, spec: CampaignSpec, identities: Sequence[str]) -> ProfilePage:
        """See domain.source_ports.Source."""
        if len(identities) > MOST_IDENTITIES:
            raise ValueError(f"{len(identities)} people at once; GitHub takes {MOST_IDENTITIES}")
        share, points, found = audience.share_of(spec), 0, dict[str, Profile]()
        batches = [list(identities)] if identities else []
        while batches:
            batch = batches.pop()
            reply = await self._api.ask("enrich", {"ids": batch}, Enriched, share)
            points += reply.points
            users = reply.data.nodes if reply.data is not None else [None] * len(batch)
            if len(users) != len(batch):
                raise self._api.unreachable("it shows another number of people than it was asked for")
            for one, user in zip(batch, users, strict=True):
                if user is not None and user.login:
                    found[one] = user.profile(one, reply.read_at)
            unanswered = _unanswered(reply, batch)
            if unanswered and len(batch) == 1:
                raise self._api.unreachable("it cannot show a person in time")
            middle = (len(unanswered) + 1) // 2
            batches.extend(half for half in (unanswered[:middle], unanswered[middle:]) if half)
        return ProfilePage(profiles=tuple(found[one] for one in identities if one in found), points=points)

    async def _named(self, asked: Slice) -> SourcePage:
        owner, _, name = asked.repository.partition("/")
        commits, points = COMMITS, 0
        while True:
            variables = {"owner": owner, "name": name, "commits": commits, **asked.activity()}
            reply = await self._api.ask("repository", variables, NamedRepository, asked.share)
            points += reply.points
            seen = reply.data.repository if reply.data is not None else None
            if seen is None and reply.outcome in (Outcome.OK, Outcome.GONE):
                return SourcePage(gone=1, points=points)
            if seen is not None and (reply.outcome is Outcome.OK or commits == 1):
                break
            commits = self._fewer(commits)
        page = await self._read([seen], asked)
        return page.model_copy(update={"incomplete": reply.outcome is not Outcome.OK, "points": page.points + points})

    async def _searched(self, asked: Slice, cursor: str) -> SourcePage:
        commits, points = COMMITS, 0
        while True:
            first = self._size.now
            variables = {"q": asked.query, "first": first, "after": cursor or None, "commits": commits}
            reply = await self._api.ask("discover", variables | asked.activity(), Discovered, asked.share)
            points += reply.points
            search = reply.data.search if reply.data is not None else None
            if search is not None and not cursor and search.repository_count > SHOWN and (halves := asked.halves()):
                return SourcePage(split=halves, points=points)
            least = first == 1 and not fewer(commits)
            if search is not None and (part := shown(search, reply, least=least)) is not None:
                break
            if first > 1:
                self._size.shrink(first)
            else:
                commits = self._fewer(commits)
        if reply.outcome is Outcome.OK:
            self._size.grow()
        else:
            self._size.shrink(first)
        page = await self._read(part.repositories, asked)
        return page.model_copy(
            update={"next_cursor": part.next_cursor, "incomplete": part.incomplete, "points": page.points + points}
        )

    async def _read(self, repositories: Sequence[SeenRepository], asked: Slice) -> SourcePage:
        """A page of these repositories, with all their commits as far as they are read."""
        readings = [Reading(seen) for seen in repositories]
        points = await read_on(self._api, readings, asked)
        return page_of(readings).model_copy(update={"points": points})

    def _fewer(self, commits: int) -> int:
        if not (less := fewer(commits)):
            raise self._api.unreachable("it cannot show a repository in time")
        return less


def _unanswered(reply: Reply[Enriched], batch: list[str]) -> list[str]:
    """About whom the answer says nothing yet; who is not shown and not among them is there no more."""
    if reply.data is None:
        return batch
    if reply.outcome is Outcome.OK:
        return []
    gone = {error.path[1] for error in reply.errors if error.unseen and error.path[:1] == ("nodes",)}
    return [one for number, one in enumerate(batch) if reply.data.nodes[number] is None and number not in gone]
