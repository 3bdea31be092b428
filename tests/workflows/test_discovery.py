"""People are found while others are written to already, and nobody who was found is lost."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

from campaign_server import CampaignServer, when
from temporalio.exceptions import ApplicationError
from window_activities import WindowActivities, done

from domain.campaign import CampaignStatus, Stage
from domain.wire import (
    NOT_UNDERSTOOD,
    Breaker,
    CampaignProgress,
    Hold,
    HoldReason,
    SearchAttribute,
    WindowResult,
    WindowTask,
)

PEOPLE_PER_SLICE = 130


class Slices:
    """What a source's rows would say: slices that find people, and some that fall into two first."""

    def __init__(self, slices: int, *, split: frozenset[int] = frozenset()) -> None:
        """`split` are the slices that are too large."""
        self.slices = slices
        self.people = 0
        self._split = split
        self._stored: set[int] = set()

    def store(self, slice_: int) -> None:
        """As the rows: what is stored twice changes nothing."""
        if slice_ in self._stored:
            return
        self._stored.add(slice_)
        if slice_ in self._split:
            self.slices += 2
        else:
            self.people += PEOPLE_PER_SLICE

    def result(self) -> WindowResult:
        """The marks as they are now."""
        return WindowResult(counts={"done": 1}, parts=self.slices, found=self.people)

    async def discover(self, task: WindowTask) -> WindowResult:
        """One slice, one answer."""
        await asyncio.sleep(0.01)
        self.store(task.first)
        return self.result()


def has_begun(windows: int, progress: CampaignProgress) -> bool:
    discovery = progress.stages.get(Stage.DISCOVERY)
    return discovery is not None and discovery.windows >= windows


def stands_still(progress: CampaignProgress) -> bool:
    return progress.paused is not None and not any(stage.running for stage in progress.stages.values())


def whole(leads: int) -> dict[str, int]:
    return {"done": leads}


async def test_everybody_who_is_found_goes_through_every_stage_once(server: CampaignServer) -> None:
    source = Slices(9, split=frozenset({2, 11}))
    activities = WindowActivities(leads=0)
    activities.searches(9, source.discover)
    ended = await server.run(activities)
    people = (9 - 1 + 2 - 1 + 2) * PEOPLE_PER_SLICE
    assert source.people == people
    assert ended.result.counts[Stage.DISCOVERY] == {"done": 9 + 2 + 2}
    assert activities.leads(Stage.DISCOVERY) == list(range(1, 14))
    for stage in (Stage.ENRICHMENT, Stage.PERSONALIZATION, Stage.SENDING):
        assert ended.result.counts[stage] == whole(people)
        assert activities.leads(stage) == list(range(1, people + 1))


async def test_stages_overlap_while_people_are_still_searched(server: CampaignServer) -> None:
    somebody_sent = asyncio.Event()
    source = Slices(6)

    async def discover(task: WindowTask) -> WindowResult:
        if task.first == 6:
            await asyncio.wait_for(somebody_sent.wait(), 20)
        return await source.discover(task)

    async def send(task: WindowTask) -> WindowResult:
        somebody_sent.set()
        return await done(task)

    activities = WindowActivities(leads=0, send=send)
    activities.searches(6, discover)
    assert (await server.run(activities)).result.counts[Stage.SENDING] == whole(6 * PEOPLE_PER_SLICE)


async def test_people_of_a_slice_go_on_while_it_is_searched(server: CampaignServer) -> None:
    """A window that came back with pages left starts again at once, and counts when it is through."""
    somebody_sent = asyncio.Event()
    asked: list[int] = []

    async def discover(task: WindowTask) -> WindowResult:
        asked.append(task.first)
        if len(asked) < 4:
            return WindowResult(counts={}, open=1, found=PEOPLE_PER_SLICE * len(asked), parts=1, goes_on=True)
        await asyncio.wait_for(somebody_sent.wait(), 20)
        return WindowResult(counts={"done": 1}, found=PEOPLE_PER_SLICE * 4, parts=1)

    async def send(task: WindowTask) -> WindowResult:
        somebody_sent.set()
        return await done(task)

    activities = WindowActivities(leads=0, send=send)
    activities.searches(1, discover)
    counts = (await server.run(activities)).result.counts
    assert asked == [1, 1, 1, 1]
    assert counts[Stage.DISCOVERY] == {"done": 1}
    assert counts[Stage.SENDING] == whole(4 * PEOPLE_PER_SLICE)


async def test_nobody_is_looked_for_while_enough_people_are_not_judged_yet(server: CampaignServer) -> None:
    """With room for 200, two slices of 130 at a time; a third begins when enrichment is through with one."""
    source = Slices(8)
    judged = 0
    ahead: list[int] = []

    async def discover(task: WindowTask) -> WindowResult:
        ahead.append(source.people - judged)
        return await source.discover(task)

    async def enrich(task: WindowTask) -> WindowResult:
        nonlocal judged
        await asyncio.sleep(0.05)
        judged += task.last - task.first + 1
        return await done(task)

    activities = WindowActivities(leads=0, width=1)
    activities.searches(8, discover)
    activities.plan = activities.plan.model_copy(update={"ahead": 200})
    activities.enrich = enrich
    counts = (await server.run(activities)).result.counts
    assert counts[Stage.SENDING] == whole(8 * PEOPLE_PER_SLICE)
    assert max(ahead) < 200
    assert activities.most_running[Stage.DISCOVERY] == 1


async def test_only_the_best_are_drafted_once_everybody_is_known(server: CampaignServer) -> None:
    source = Slices(4)
    activities = WindowActivities(leads=0)
    activities.searches(4, source.discover, ranked=True)
    await server.run(activities)
    stages = [task.stage for task in activities.asked]
    assert stages.index(Stage.PERSONALIZATION) > max(
        place for place, stage in enumerate(stages) if stage is Stage.ENRICHMENT
    )
    assert activities.leads(Stage.PERSONALIZATION) == list(range(1, 4 * PEOPLE_PER_SLICE + 1))


async def test_a_slice_whose_window_failed_after_it_was_stored_loses_nobody(server: CampaignServer) -> None:
    """The answer was lost, the rows were not: the next window's high-water mark has them."""
    source = Slices(5, split=frozenset({5}))
    lost: set[int] = set()

    async def discover(task: WindowTask) -> WindowResult:
        source.store(task.first)
        if task.first not in lost:
            lost.add(task.first)
            raise ApplicationError("killed after the commit")
        return source.result()

    activities = WindowActivities(leads=0)
    activities.searches(5, discover)
    counts = (await server.run(activities)).result.counts
    assert counts[Stage.SENDING] == whole(6 * PEOPLE_PER_SLICE)
    assert activities.leads(Stage.ENRICHMENT) == list(range(1, 6 * PEOPLE_PER_SLICE + 1))


async def test_a_source_that_wants_to_be_left_alone_is_waited_for_and_the_others_go_on(
    server: CampaignServer,
) -> None:
    source = Slices(3)
    until: list[datetime] = []

    async def discover(task: WindowTask) -> WindowResult:
        if task.first == 2 and not until:
            until.append(datetime.now(UTC) + timedelta(seconds=3))
            hold = Hold(until=until[0], reason=HoldReason.SOURCE_LIMITED)
            return WindowResult(counts={}, open=1, hold=hold, found=source.people, parts=source.slices)
        return await source.discover(task)

    activities = WindowActivities(leads=0, width=1)
    activities.searches(3, discover)
    async with server.campaign(activities) as handle:
        progress = await when(handle, lambda one: one.status == CampaignStatus.WAITING)
        (wait,) = progress.waiting_for
        assert (wait.stage, wait.reason, wait.who) == (Stage.DISCOVERY, HoldReason.SOURCE_LIMITED, "nobody")
        assert progress.messages == {"sent": PEOPLE_PER_SLICE}, "who was found before is written to meanwhile"
        assert progress.leads == PEOPLE_PER_SLICE
        assert (await handle.result()).counts[Stage.SENDING] == whole(3 * PEOPLE_PER_SLICE)
    assert datetime.now(UTC) >= until[0]


async def test_a_search_that_is_not_understood_pauses_the_campaign_at_once_and_says_so(server: CampaignServer) -> None:
    source = Slices(2)
    refused: list[int] = []

    async def discover(task: WindowTask) -> WindowResult:
        if task.first == 2 and not refused:
            refused.append(task.first)
            return WindowResult(counts={}, open=1, trip=NOT_UNDERSTOOD, found=source.people, parts=source.slices)
        return await source.discover(task)

    activities = WindowActivities(leads=0, width=1)
    activities.searches(2, discover)
    async with server.campaign(activities) as handle:
        progress = await when(handle, stands_still)
        assert progress.paused is not None
        assert progress.paused.breaker == Breaker.REQUEST
        assert "does not understand the request" in progress.paused.reason
        await handle.signal("resume")
        assert (await handle.result()).counts[Stage.SENDING] == whole(2 * PEOPLE_PER_SLICE)


async def test_new_runs_of_the_workflow_and_pauses_lose_and_double_nobody(impatient_server: CampaignServer) -> None:
    source = Slices(20, split=frozenset({3, 7, 21}))
    activities = WindowActivities(leads=0)
    activities.searches(20, source.discover)
    async with impatient_server.campaign(activities) as handle:
        for windows in (3, 9, 16):
            await when(handle, partial(has_begun, windows))
            await handle.signal("pause")
            await when(handle, stands_still)
            await handle.signal("resume")
        result = await handle.result()
    people = (20 + 3) * PEOPLE_PER_SLICE
    assert source.people == people
    for stage in (Stage.ENRICHMENT, Stage.PERSONALIZATION, Stage.SENDING):
        assert result.counts[stage] == whole(people)
    assert len(await impatient_server.histories(handle)) >= 2


async def test_lists_of_workflows_show_how_many_were_found_without_an_event_for_each_window(
    server: CampaignServer,
) -> None:
    source = Slices(30)
    activities = WindowActivities(leads=0)
    activities.searches(30, source.discover)
    ended = await server.run(activities)
    (history,) = await server.histories(ended.handle)
    upserts = [
        event for event in history.events if event.HasField("upsert_workflow_search_attributes_event_attributes")
    ]
    assert len(upserts) <= 40
    description = await ended.handle.describe()
    found = [
        value
        for key, value in ((pair.key.name, pair.value) for pair in description.typed_search_attributes)
        if key == SearchAttribute.LEADS_FOUND
    ]
    assert found == [30 * PEOPLE_PER_SLICE]


async def test_slices_take_turns_and_halves_come_before_their_neighbours(server: CampaignServer) -> None:
    """Six pages a slice: all end within one turn of each other, and none is left over alone."""
    left = dict.fromkeys(range(2, 6), 6)
    source = Slices(3, split=frozenset({1}))
    order: list[int] = []

    async def discover(task: WindowTask) -> WindowResult:
        order.append(task.first)
        if task.first == 1:
            source.slices = 5
            return source.result()
        left[task.first] -= 1
        return WindowResult(counts={}, goes_on=bool(left[task.first]), parts=source.slices)

    activities = WindowActivities(leads=0, width=1)
    activities.searches(3, discover)
    await server.run(activities)
    assert order == [1, 4, 5, *[2, 3, 4, 5] * 5, 2, 3]
    assert not any(left.values())


async def test_in_plans_of_older_histories_the_lowest_slice_comes_first(server: CampaignServer) -> None:
    left = dict.fromkeys(range(1, 4), 2)
    order: list[int] = []

    async def discover(task: WindowTask) -> WindowResult:
        order.append(task.first)
        left[task.first] -= 1
        return WindowResult(counts={}, goes_on=bool(left[task.first]), parts=3)

    activities = WindowActivities(leads=0, width=1)
    activities.searches(3, discover)
    activities.plan = activities.plan.model_copy(update={"takes_turns": False})
    await server.run(activities)
    assert order == [1, 1, 2, 2, 3, 3]
