"""A pause, a cancel or a deploy waits for the requests under way, not for the page: it is asked for again."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import pytest
from scripted_github import (
    Asked,
    Json,
    Say,
    ScriptedGitHub,
    commit,
    cost,
    history,
    in_turn,
    repository,
    scripted_github,
    search,
)
from scripted_source import NOW, searching
from stored_campaigns import CAMPAIGN, StoredCampaigns
from temporalio.testing import ActivityEnvironment

from activities.discovery import DiscoveryActivities
from activities.enrichment import EnrichmentActivities
from domain.campaign import Stage
from domain.source_ports import Slice
from domain.sourcing import Contribution, SourcePage
from domain.wire import WindowResult, WindowTask
from providers.github.source import GitHubSource
from storage.discovery import DiscoveryRows
from storage.enrichment import PeopleRows

ENDLESS = history([commit("kim")] * 100, total=5000, cursor="more")
MORE: Json = {"defaultBranchRef": {"target": {"history": ENDLESS}}}
PATIENT = Say({"message": "secondary rate limit"}, status=403, headers={"retry-after": "3"})


def busy(asked: Asked) -> Say:
    """A page of repositories with more than a thousand commits each, 50 ms a request."""
    if asked.query == "Discover":
        shown = [repository(number, ENDLESS) for number in range(asked.variables["first"])]
        return Say(search(shown).body, after=0.05)
    used = {f"r{slot}": MORE for slot in range(8) if asked.variables[f"use{slot}"]}
    return Say({"data": {"rateLimit": cost(), **used}}, after=0.05)


class Searching:
    """A campaign over a scripted GitHub."""

    def __init__(self, stored: StoredCampaigns, github: ScriptedGitHub) -> None:
        self.stored = stored
        self.github = github
        self.source: GitHubSource = github.source("t")
        self.source._sizes._usual = 100
        self.environment = ActivityEnvironment()
        self.rows = DiscoveryRows(stored.database, stored.keys)
        people = PeopleRows(stored.database, stored.keys)
        self._discovery = DiscoveryActivities(stored.campaigns, self.rows, self.source)
        self._enrichment = EnrichmentActivities(stored.campaigns, self.rows, people, self.source)

    async def begin(self) -> None:
        await self.stored.create(leads=0, of=searching())
        await self.rows.cut(CAMPAIGN, self.source.slices(searching(), NOW))

    async def discover(self) -> WindowResult:
        task = WindowTask(campaign_id=CAMPAIGN, stage=Stage.DISCOVERY, first=1, last=1)
        return await self.environment.run(self._discovery.discover_people, task)

    async def enrich(self) -> WindowResult:
        task = WindowTask(campaign_id=CAMPAIGN, stage=Stage.ENRICHMENT, first=1, last=100)
        return await self.environment.run(self._enrichment.enrich_leads, task)

    async def asked(self, times: int) -> None:
        async with asyncio.timeout(20):
            while len(self.github.asked) < times:  # noqa: ASYNC110 the test's own clock
                await asyncio.sleep(0.005)


async def seconds_until_cancelled(window: "asyncio.Task[WindowResult]") -> float:
    began = monotonic()
    window.cancel()
    with pytest.raises(asyncio.CancelledError):
        await window
    return monotonic() - began


async def test_a_pause_does_not_wait_for_a_page_of_busy_repositories(stored: StoredCampaigns) -> None:
    async with scripted_github(busy) as github:
        searching_ = Searching(stored, github)
        await searching_.begin()
        window = asyncio.create_task(searching_.discover())
        await searching_.asked(12)
        assert await seconds_until_cancelled(window) < 2
        asked = len(github.asked)
        assert asked < 20, "a hundred requests were left"
        assert (await searching_.rows.seen(CAMPAIGN)).points == asked, "what they cost is counted"
        assert len(await searching_.rows.open_slices(CAMPAIGN, 1, 1)) == 1
        assert await searching_.discover() == WindowResult(counts={"done": 1}, open=0, found=1, parts=1)
        assert github.most_at_once == 4
        assert len(github.asked) == asked + 118


async def test_a_worker_that_stops_gives_the_page_back(stored: StoredCampaigns) -> None:
    async with scripted_github(busy) as github:
        searching_ = Searching(stored, github)
        await searching_.begin()
        window = asyncio.create_task(searching_.discover())
        await searching_.asked(12)
        began = monotonic()
        searching_.environment.worker_shutdown()
        assert await window == WindowResult(counts={}, open=1, found=0, parts=1)
        assert monotonic() - began < 2
        assert len(github.asked) < 20


@pytest.mark.parametrize("what", [Searching.discover, Searching.enrich])
async def test_short_waits_end_at_once(
    stored: StoredCampaigns, what: Callable[[Searching], Awaitable[WindowResult]]
) -> None:
    async with scripted_github(in_turn(PATIENT)) as github:
        searching_ = Searching(stored, github)
        await searching_.begin()
        found = Contribution(identity="U_kim", login="kim", repository="R_1", commits=1, last_commit_at=NOW)
        first = Slice(number=1, query="", cursor="")
        await searching_.rows.store_page(CAMPAIGN, first, SourcePage(contributions=(found,), next_cursor="2"), [])
        window = asyncio.ensure_future(what(searching_))
        await searching_.asked(1)
        await asyncio.sleep(0.1)
        assert await seconds_until_cancelled(window) < 0.5
        assert len(github.asked) == 1


async def test_whoever_waits_for_a_turn_stops_at_once(stored: StoredCampaigns) -> None:
    async with scripted_github(in_turn(Say(search([repository(1, [])]).body, after=2.0))) as github:
        searching_ = Searching(stored, github)
        await searching_.begin()
        (slice_,) = await searching_.rows.open_slices(CAMPAIGN, 1, 1)
        others = [asyncio.create_task(searching_.source.page(slice_.query, "")) for _ in range(4)]
        await searching_.asked(4)
        window = asyncio.create_task(searching_.discover())
        await asyncio.sleep(0.2)
        assert await seconds_until_cancelled(window) < 0.5
        await asyncio.gather(*others)
        await searching_.source.page(slice_.query, "")
        assert len(github.asked) == 5
