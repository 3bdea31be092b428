"""Each page of a window is asked for once; a pause waits for the page in hand, and a wait comes back as a hold."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from scripted_source import ScriptedSource, page, searching
from stored_campaigns import CAMPAIGN, StoredCampaigns
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.discovery import DiscoveryActivities
from domain.campaign import CampaignSpec, Stage
from domain.errors import InputError, SourceWait, Unreachable
from domain.sourcing import SourcePage
from domain.wire import NOT_UNDERSTOOD, Hold, HoldReason, WindowResult, WindowTask
from storage.discovery import DiscoveryRows

LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=20)
PAGES = {
    ("a", ""): page(["ada", "bo"], "2"),
    ("a", "2"): page(["bo", "cy"], "3"),
    ("a", "3"): page(["di"]),
    ("b", ""): page(["ada", "ed"]),
}
TURNS = [("a", ""), ("a", "2"), ("a", "3"), ("b", "")]


def long_slice() -> dict[tuple[str, str], SourcePage]:
    """Four pages with 120 people each."""
    people = [f"robin-{number}" for number in range(480)]
    return {
        ("a", ""): page(people[:120], "2"),
        ("a", "2"): page(people[120:240], "3"),
        ("a", "3"): page(people[240:360], "4"),
        ("a", "4"): page(people[360:]),
    }


class Discovering:
    """One campaign, its source, and the activity in its environment."""

    def __init__(self, stored: StoredCampaigns, seconds: float = 0.0) -> None:
        self.stored = stored
        self.source = ScriptedSource(PAGES, seconds=seconds)
        self.environment = ActivityEnvironment()
        self.rows = DiscoveryRows(stored.database, stored.keys)
        self._activities = DiscoveryActivities(stored.campaigns, self.rows, self.source)

    async def begin(self, of: CampaignSpec | None = None) -> None:
        """Plan the campaign."""
        spec = of or searching()
        await self.stored.create(leads=0, of=spec)
        await self.rows.cut(CAMPAIGN, self.source.slices(spec, LATER))

    async def discover(self, first: int = 1, last: int = 2) -> WindowResult:
        task = WindowTask(campaign_id=CAMPAIGN, stage=Stage.DISCOVERY, first=first, last=last)
        return await self.environment.run(self._activities.discover_people, task)

    def logins(self) -> list[str]:
        return [row["login"] for row in self.stored.rows("SELECT login FROM leads ORDER BY number")]


async def test_a_window_is_gone_through_page_by_page(stored: StoredCampaigns) -> None:
    discovering = Discovering(stored)
    await discovering.begin()
    assert await discovering.discover() == WindowResult(counts={"done": 2}, open=0, found=5, parts=2)
    assert discovering.source.pages_asked == TURNS
    assert discovering.logins() == ["ada", "bo", "cy", "di", "ed"]
    assert (await discovering.discover()).counts == {"done": 2}
    assert discovering.source.pages_asked == TURNS, "what is stored is not asked for again"


async def test_a_window_comes_back_with_what_it_found_and_goes_on(stored: StoredCampaigns) -> None:
    discovering = Discovering(stored)
    discovering.source.pages = long_slice()
    await discovering.begin()
    assert await discovering.discover(1, 1) == WindowResult(counts={}, open=1, found=120, parts=1, goes_on=True)
    assert len(discovering.source.pages_asked) == 1, "the first people of a campaign are handed on at once"
    assert await discovering.discover(1, 1) == WindowResult(counts={}, open=1, found=360, parts=1, goes_on=True)
    assert len(discovering.source.pages_asked) == 3
    assert await discovering.discover(1, 1) == WindowResult(counts={"done": 1}, open=0, found=480, parts=1)
    assert len(discovering.source.pages_asked) == 4


@pytest.mark.parametrize("score", [{"top": 10}, {"minimum": 0.1}])
async def test_where_scores_decide_the_window_is_seen_to_its_end_first(
    stored: StoredCampaigns, score: dict[str, float]
) -> None:
    discovering = Discovering(stored)
    discovering.source.pages = long_slice()
    await discovering.begin(searching(score=score))
    assert await discovering.discover(1, 1) == WindowResult(counts={"done": 1}, open=0, found=480, parts=1)


async def test_windows_keep_to_their_slices(stored: StoredCampaigns) -> None:
    discovering = Discovering(stored)
    await discovering.begin()
    assert await discovering.discover(2, 2) == WindowResult(counts={"done": 1}, open=0, found=2, parts=2)
    assert discovering.source.pages_asked == [("b", "")]


async def test_parts_of_a_slice_come_back_as_higher_numbers(stored: StoredCampaigns) -> None:
    discovering = Discovering(stored)
    await discovering.begin()
    discovering.source.pages["b", ""] = SourcePage(split=("b1", "b2"))
    assert await discovering.discover(2, 2) == WindowResult(counts={"split": 1}, open=0, found=0, parts=4)
    discovering.source.pages |= {("b1", ""): page(["flo"]), ("b2", ""): page(["gil"])}
    assert await discovering.discover(3, 4) == WindowResult(counts={"done": 2}, open=0, found=2, parts=4)


async def test_nothing_is_asked_for_once_enough_people_are_known(stored: StoredCampaigns) -> None:
    discovering = Discovering(stored)
    await discovering.begin(searching(max_leads=2))
    assert (await discovering.discover(1, 1)).found == 4
    assert await discovering.discover(2, 2) == WindowResult(counts={"done": 1}, open=0, found=5, parts=2), (
        "five people found, but nobody knows of one who can be written to"
    )
    stored.execute("UPDATE leads SET fit = 0.5 WHERE number < 3")
    stored.execute("UPDATE slices SET state = 'open'")
    asked = len(discovering.source.pages_asked)
    assert await discovering.discover() == WindowResult(counts={"not_needed": 2}, open=0, found=5, parts=2)
    assert len(discovering.source.pages_asked) == asked


async def test_excluded_logins_are_counted_and_not_found(stored: StoredCampaigns) -> None:
    discovering = Discovering(stored)
    await discovering.begin(searching(exclude={"logins": ["bo"]}))
    assert (await discovering.discover()).found == 4
    assert discovering.logins() == ["ada", "cy", "di", "ed"]
    assert (await discovering.rows.seen(CAMPAIGN)).looked_at == 5


@pytest.mark.parametrize(
    "reason", [HoldReason.SOURCE_LIMITED, HoldReason.SOURCE_UNREACHABLE, HoldReason.SOURCE_REFUSED]
)
async def test_a_source_that_cannot_be_asked_holds_the_stage_visibly(
    stored: StoredCampaigns, reason: HoldReason
) -> None:
    discovering = Discovering(stored)
    await discovering.begin()
    await discovering.source.page("a", "")
    discovering.source.waits = [SourceWait("the source said so", LATER, reason)]
    result = await discovering.discover()
    assert result == WindowResult(counts={}, open=2, hold=Hold(until=LATER, reason=reason), found=0, parts=2)
    waits = (await stored.campaigns.get(CAMPAIGN)).waits
    assert waits is not None
    assert (waits.stage, waits.reason, waits.until) == (Stage.DISCOVERY, reason, LATER)
    assert (await discovering.discover()).open == 0
    assert (await stored.campaigns.get(CAMPAIGN)).waits is None


async def test_a_request_that_is_not_understood_pauses_the_campaign(stored: StoredCampaigns) -> None:
    discovering = Discovering(stored)
    await discovering.begin()
    discovering.source.waits = [InputError("does not understand")]
    assert await discovering.discover() == WindowResult(counts={}, open=2, trip=NOT_UNDERSTOOD, found=0, parts=2)
    assert (await discovering.discover()).open == 0


async def test_what_a_page_cost_that_was_not_read_to_its_end_is_counted(stored: StoredCampaigns) -> None:
    discovering = Discovering(stored)
    await discovering.begin()
    discovering.source.waits = [SourceWait("the source said so", LATER, "source_limited", points=17)]
    await discovering.discover()
    assert (await discovering.rows.seen(CAMPAIGN)).points == 17


async def test_a_page_that_fails_is_asked_for_again_and_the_ones_before_it_are_not(stored: StoredCampaigns) -> None:
    discovering = Discovering(stored)
    await discovering.begin()
    broken = discovering.source.pages.pop(("a", "3"))
    with pytest.raises(ApplicationError, match=r"^KeyError: KeyError$"):
        await discovering.discover()
    assert discovering.logins() == ["ada", "bo", "cy"]
    discovering.source.pages["a", "3"] = broken
    assert (await discovering.discover()).found == 5
    assert discovering.source.pages_asked == [*TURNS[:3], *TURNS[2:]]


@pytest.mark.parametrize("times", [1, 3])
async def test_a_cancelled_window_finishes_the_page_in_hand_and_reraises(stored: StoredCampaigns, times: int) -> None:
    discovering = Discovering(stored, seconds=0.2)
    await discovering.begin()
    window = asyncio.create_task(discovering.discover())
    await discovering.source.asked(2)
    for _ in range(times):
        window.cancel()
        await asyncio.sleep(0.02)
    with pytest.raises(asyncio.CancelledError):
        await window
    assert discovering.logins() == ["ada", "bo", "cy"]
    assert discovering.source.pages_asked == TURNS[:2], "nothing new was begun"
    assert (await discovering.discover()).found == 5
    assert discovering.source.pages_asked == TURNS


async def test_a_wait_that_comes_while_cancelled_is_a_cancellation(stored: StoredCampaigns) -> None:
    discovering = Discovering(stored, seconds=0.1)
    await discovering.begin()
    asked = asyncio.Event()

    async def refuse(slice_: str, cursor: str, stop: asyncio.Event | None = None) -> SourcePage:  # noqa: ARG001 the port's names
        asked.set()
        await asyncio.sleep(0.1)
        raise SourceWait(f"no {slice_}{cursor}", LATER, "source_limited")

    discovering.source.page = refuse  # type: ignore[method-assign]
    window = asyncio.create_task(discovering.discover())
    await asked.wait()
    discovering.environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await window


async def test_a_worker_that_shuts_down_gives_back_the_other_pages(stored: StoredCampaigns) -> None:
    discovering = Discovering(stored, seconds=0.1)
    await discovering.begin()
    window = asyncio.create_task(discovering.discover())
    await discovering.source.asked(2)
    discovering.environment.worker_shutdown()
    assert await window == WindowResult(counts={}, open=2, found=3, parts=2)
    assert discovering.source.pages_asked == TURNS[:2]


async def test_two_attempts_at_one_window_find_everybody_once(stored: StoredCampaigns) -> None:
    discovering = Discovering(stored, seconds=0.02)
    zombie = Discovering(stored, seconds=0.03)
    await discovering.begin()
    results = await asyncio.gather(discovering.discover(), zombie.discover())
    assert [result.found for result in results] == [5, 5]
    assert sorted(discovering.logins()) == ["ada", "bo", "cy", "di", "ed"]
    assert [tuple(row.values()) for row in stored.rows("SELECT slice, cursor FROM pages ORDER BY slice, cursor")] == [
        (1, ""),
        (1, "2"),
        (1, "3"),
        (2, ""),
    ]


async def test_a_campaign_whose_people_are_in_a_file_searches_nobody(stored: StoredCampaigns) -> None:
    await stored.create(leads=2)
    discovering = Discovering(stored)
    with pytest.raises(ApplicationError) as refused:
        await discovering.discover()
    assert refused.value.non_retryable


def test_a_wait_is_something_outside_that_does_not_answer() -> None:
    assert isinstance(SourceWait("", LATER, "source_limited"), Unreachable)
