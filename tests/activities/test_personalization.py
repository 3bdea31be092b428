"""A window is drafted slice by slice: a pause waits for the slice in hand, and what is stored stays."""

import asyncio
from collections.abc import Sequence

import pytest
from local_world import spec
from stored_campaigns import CAMPAIGN, StoredCampaigns
from temporalio.testing import ActivityEnvironment

from activities.personalization import PersonalizationActivities
from domain.campaign import CampaignSpec, Stage
from domain.wire import WindowResult, WindowTask
from providers.writing.author import AuthoredText, Problem, Rejected
from providers.writing.facts import Facts
from providers.writing.graph import DraftingGraph
from providers.writing.templates import TemplateAuthor


class SlowAuthor:
    """The template author, five people at once, each time after a moment. `asked` are the sizes of its windows."""

    at_once = 5

    def __init__(self, seconds: float) -> None:
        self.asked: list[int] = []
        self._seconds = seconds
        self._templates = TemplateAuthor()

    async def draft(self, of: CampaignSpec, people: Sequence[Facts]) -> list[AuthoredText | Problem]:
        self.asked.append(len(people))
        await asyncio.sleep(self._seconds)
        return await self._templates.draft(of, people)

    async def repair(self, of: CampaignSpec, rejected: Sequence[Rejected]) -> list[AuthoredText | Problem]:
        return await self._templates.repair(of, rejected)

    async def begun(self, windows: int) -> None:
        """Wait until it was asked so often."""
        async with asyncio.timeout(20):
            while len(self.asked) < windows:  # noqa: ASYNC110 the test's own clock
                await asyncio.sleep(0.005)


class Drafting:
    """One campaign, its author, and the activity in its environment."""

    def __init__(self, stored: StoredCampaigns, seconds: float) -> None:
        self.stored = stored
        self.author = SlowAuthor(seconds)
        self.environment = ActivityEnvironment()
        writer = DraftingGraph(self.author)
        self._activities = PersonalizationActivities(
            stored.campaigns, stored.leads, stored.people, writer, "http://127.0.0.1:8026"
        )

    async def draft(self, first: int, last: int) -> WindowResult:
        task = WindowTask(campaign_id=CAMPAIGN, stage=Stage.PERSONALIZATION, first=first, last=last)
        return await self.environment.run(self._activities.draft_messages, task)

    def drafted(self) -> list[int]:
        return [row["number"] for row in self.stored.rows("SELECT number FROM drafts ORDER BY number")]


async def test_a_window_is_drafted_in_slices_and_counted_as_a_whole(stored: StoredCampaigns) -> None:
    await stored.create(leads=12)
    drafting = Drafting(stored, 0)
    result = await drafting.draft(1, 12)
    assert (result.counts, result.open) == ({"done": 12}, 0)
    assert drafting.author.asked == [5, 5, 2]
    assert (await drafting.draft(1, 12)).counts == {"done": 12}
    assert drafting.author.asked == [5, 5, 2], "what is drafted is not drafted again"


@pytest.mark.parametrize("times", [1, 3])
async def test_a_cancelled_window_finishes_the_slice_in_hand_and_reraises(stored: StoredCampaigns, times: int) -> None:
    await stored.create(leads=20)
    drafting = Drafting(stored, 0.2)
    window = asyncio.create_task(drafting.draft(1, 20))
    await drafting.author.begun(2)
    for _ in range(times):
        window.cancel()
        await asyncio.sleep(0.02)
    with pytest.raises(asyncio.CancelledError):
        await window
    assert drafting.drafted() == list(range(1, 11))
    assert drafting.author.asked == [5, 5], "nothing new was begun"
    assert (await drafting.draft(1, 20)).counts == {"done": 20}


async def test_temporals_own_cancellation_is_no_other(stored: StoredCampaigns) -> None:
    await stored.create(leads=20)
    drafting = Drafting(stored, 0.1)
    window = asyncio.create_task(drafting.draft(1, 20))
    await drafting.author.begun(1)
    drafting.environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await window
    assert drafting.drafted() == list(range(1, 6))


async def test_a_worker_that_shuts_down_gives_back_what_is_not_drafted(stored: StoredCampaigns) -> None:
    await stored.create(leads=20)
    drafting = Drafting(stored, 0.1)
    window = asyncio.create_task(drafting.draft(1, 20))
    await drafting.author.begun(2)
    drafting.environment.worker_shutdown()
    result = await window
    assert (result.counts, result.open, result.again_at) == ({"done": 10}, 10, None)
    assert drafting.drafted() == list(range(1, 11))


@pytest.mark.parametrize(
    ("review", "decision"),
    [({"mode": "none"}, ("approved", "review: none")), ({"mode": "all"}, (None, None))],
    ids=["none", "all"],
)
async def test_drafts_are_born_approved_only_where_the_spec_says_so(
    stored: StoredCampaigns, review: dict[str, str], decision: tuple[str | None, str | None]
) -> None:
    of = CampaignSpec.model_validate({**spec().model_dump(mode="json"), "review": review})
    await stored.create(leads=3, of=of)
    await Drafting(stored, 0).draft(1, 3)
    rows = stored.rows("SELECT decision, decided_by FROM drafts")
    assert [(row["decision"], row["decided_by"]) for row in rows] == [decision] * 3
