"""A large search in which every twentieth call fails: nobody missing, nobody twice, numbers without gaps."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from databases import SqliteDatabases
from local_github import LocalGitHub
from local_world import searching
from stored_campaigns import CAMPAIGN, StoredCampaigns
from temporalio.testing import ActivityEnvironment
from truth_table import addresses, assert_these, certain

from activities.discovery import DiscoveryActivities
from activities.enrichment import EnrichmentActivities
from client.adapters import github_source
from client.settings import Settings
from domain.campaign import Stage
from domain.wire import WindowResult, WindowTask
from providers.github.source import GitHubSource

REPOSITORIES = 20_000
PEOPLE = 6_000
DAYS = 90
WIDTH = 4
WINDOW = 100

TROUBLE = (
    {"action": "reply", "status": 500, "share": 0.02, "seed": 1},
    {"action": "drop", "share": 0.01, "seed": 2},
    {"action": "too_slow", "status": 502, "share": 0.01, "seed": 3},
    {"action": "partial", "share": 0.01, "seed": 4},
)


class Searching:
    """One campaign, its windows, and the activities that a worker would run for them."""

    def __init__(self, stored: StoredCampaigns, source: GitHubSource) -> None:
        self.stored = stored
        self.source = source
        self._discovery = DiscoveryActivities(stored.campaigns, stored.discoveries, source)
        self._enrichment = EnrichmentActivities(stored.campaigns, stored.discoveries, stored.people, source)

    async def plan(self) -> int:
        """How many slices there are."""
        spec = searching(languages=[], topics=[], stars="0..", active_within_days=DAYS)
        await self.stored.create(leads=0, of=spec)
        campaign = await self.stored.campaigns.get(CAMPAIGN)
        return await self.stored.discoveries.cut(CAMPAIGN, self.source.slices(spec, campaign.created_at))

    async def discover(self, slice_: int) -> WindowResult:
        while (result := await self._run(self._discovery.discover_people, Stage.DISCOVERY, slice_, slice_)).goes_on:
            pass
        return result

    async def enrich(self, first: int) -> WindowResult:
        return await self._run(self._enrichment.enrich_leads, Stage.ENRICHMENT, first, first + WINDOW - 1)

    async def _run(self, work: object, stage: Stage, first: int, last: int) -> WindowResult:
        task = WindowTask(campaign_id=CAMPAIGN, stage=stage, first=first, last=last)
        result: WindowResult = await ActivityEnvironment().run(work, task)  # type: ignore[arg-type]
        assert result.hold is None
        assert result.open == 0 or result.goes_on
        return result


@pytest.fixture
def github() -> Iterator[LocalGitHub]:
    """Many repositories, without the limits on the pace."""
    running = LocalGitHub(
        "--people", str(PEOPLE), "--repositories", str(REPOSITORIES), "--no-secondary", "--points-per-hour", "100000"
    )
    yield running
    running.end()


@pytest.fixture
async def search(github: LocalGitHub, tmp_path: Path) -> AsyncIterator[Searching]:
    """A campaign that searches all of it."""
    settings = Settings(home=tmp_path, _env_file=None, github_token="a-token", github_api_url=github.url)  # type: ignore[arg-type]
    source = github_source(settings)
    with SqliteDatabases(tmp_path).new() as url:
        stored = StoredCampaigns(url)
        yield Searching(stored, source)
        await source.close()
        await stored.database.close()


@pytest.mark.timeout(240)
async def test_five_per_cent_of_all_calls_fail_over_twenty_thousand_repositories(
    search: Searching, github: LocalGitHub
) -> None:
    github.http.timeout = 60
    slices, done, found = await search.plan(), 0, 0
    github.faults(*TROUBLE)
    while done < slices:
        batch = range(done + 1, min(done + WIDTH, slices) + 1)
        results = await asyncio.gather(*(search.discover(number) for number in batch))
        done = batch[-1]
        slices = max(result.parts or 0 for result in results)
        found = max(result.found or 0 for result in results)
    firsts = range(1, found + 1, WINDOW)
    for start in range(0, len(firsts), WIDTH):
        await asyncio.gather(*(search.enrich(first) for first in firsts[start : start + WIDTH]))

    faults = github.get("/faults")
    calls = github.get("/requests")["calls"]["graphql"]
    failed = sum(rule["applied"] for rule in faults)
    assert 0.03 * calls < failed < 0.08 * calls
    github.faults()
    campaign = await search.stored.campaigns.get(CAMPAIGN)
    answer = github.get("/truth", active_within_days=DAYS, as_of=campaign.created_at.isoformat())
    people = answer["people"]
    rows = search.stored.rows("SELECT * FROM leads ORDER BY number")
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    identities = [row["source_identity"].removeprefix("github:") for row in rows]
    assert len(identities) == len(set(identities)) == found
    assert_these(rows, people)
    reached = {row["email"].casefold() for row in rows if row["fit"] is not None}
    assert reached == addresses(people)
    assert slices > 8, "GitHub shows a thousand repositories of a search"
    seen = await search.stored.discoveries.seen(CAMPAIGN)
    assert seen.incomplete == 0
    assert seen.repositories >= len(answer["active_repositories"])
    commits = {one["id"]: sum(one["commits"].values()) for one in certain(people)}
    counted = search.stored.rows("SELECT identity, sum(commits) AS commits FROM contributions GROUP BY identity")
    assert {row["identity"]: row["commits"] for row in counted if row["identity"] in commits} == commits
