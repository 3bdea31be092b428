"""Windows go through the stages overlapped, and every lead is worked on and counted once, whatever happens."""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from campaign_server import CampaignServer, when
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from window_activities import WindowActivities, done

from domain.campaign import Stage
from domain.wire import Hold, HoldReason, WindowResult, WindowTask
from worker.build import workflow_runner
from workflows import options

DRAFTING, SENDING = Stage.PERSONALIZATION, Stage.SENDING
EVENTS_PER_THOUSAND = 60


def whole(leads: int) -> dict[str, dict[str, int]]:
    return {DRAFTING: {"done": leads}, SENDING: {"done": leads}}


def events(history: WorkflowHistory, kind: EventType.ValueType) -> int:
    return sum(1 for event in history.events if event.event_type == kind)


@pytest.fixture
def impatient_runner(monkeypatch: pytest.MonkeyPatch) -> SandboxedWorkflowRunner:
    """The product's sandbox with short rests after a failed window, and few of them. Only here options are let in."""
    monkeypatch.setattr(options, "FAILED_WINDOW_PAUSE", timedelta(milliseconds=50))
    monkeypatch.setattr(options, "FAILED_WINDOW_LONGEST_PAUSE", timedelta(milliseconds=200))
    monkeypatch.setattr(options, "FAILED_WINDOW_LIMIT", 5)
    runner = workflow_runner()
    passed = runner.restrictions.passthrough_modules | {"workflows.options"}
    return dataclasses.replace(
        runner, restrictions=dataclasses.replace(runner.restrictions, passthrough_modules=passed)
    )


async def test_every_lead_goes_through_every_stage_once(server: CampaignServer) -> None:
    activities = WindowActivities(leads=1_050)
    ended = await server.run(activities)
    assert ended.result.counts == whole(1_050)
    assert ended.result.status == "completed"
    for stage in (DRAFTING, SENDING):
        assert activities.leads(stage) == list(range(1, 1_051))
        assert max(activities.windows(stage)) == (1_001, 1_050)
    assert [report.failed_stage for report in activities.reports] == [None]


async def test_stages_overlap_and_no_more_windows_run_than_the_plan_says(server: CampaignServer) -> None:
    first_window_sent = asyncio.Event()
    four_at_once = asyncio.Barrier(4)

    async def draft(task: WindowTask) -> WindowResult:
        if task.last <= 400:
            await asyncio.wait_for(four_at_once.wait(), 20)
        if task.first == 701:
            await asyncio.wait_for(first_window_sent.wait(), 20)
        return await done(task)

    async def send(task: WindowTask) -> WindowResult:
        first_window_sent.set()
        return await done(task)

    activities = WindowActivities(leads=800, draft=draft, send=send)
    assert (await server.run(activities)).result.counts == whole(800)
    assert activities.most_running[DRAFTING] == 4
    assert activities.most_running[SENDING] <= 4


async def test_parts_of_windows_wait_for_the_rest_of_them_while_their_stage_has_work(server: CampaignServer) -> None:
    all_drafted = asyncio.Event()

    async def draft(task: WindowTask) -> WindowResult:
        await asyncio.sleep(0.05 if task.first % 200 == 1 else 0.1)
        if task.last == 1_000:
            all_drafted.set()
        return await done(task)

    async def send(task: WindowTask) -> WindowResult:
        if task == next(one for one in activities.asked if one.stage is SENDING):
            await asyncio.wait_for(all_drafted.wait(), 20)
        return await done(task)

    activities = WindowActivities(leads=1_000, draft=draft, send=send)
    activities.plan = activities.plan.model_copy(update={"send_window": 200})
    assert (await server.run(activities)).result.counts == whole(1_000)
    parts = [(first, last) for first, last in activities.windows(SENDING) if last - first + 1 < 200]
    assert len(parts) <= 3, "the first window, when nothing else ran, and what is left at the end"
    assert activities.leads(SENDING) == list(range(1, 1_001))


async def test_the_first_windows_are_small_and_double(server: CampaignServer) -> None:
    activities = WindowActivities(leads=1_000, width=1)
    activities.plan = activities.plan.model_copy(update={"draft_window": 200, "send_window": 200, "first_window": 50})
    assert (await server.run(activities)).result.counts == whole(1_000)
    sizes = [last - first + 1 for first, last in activities.windows(DRAFTING)]
    assert sizes == [50, 100, 200, 200, 200, 200, 50]
    assert activities.windows(SENDING)[0] == (1, 50), "the first people are not kept waiting for the others"


async def test_plans_of_older_histories_start_parts_at_once(server: CampaignServer) -> None:
    second_part_sent = asyncio.Event()

    async def draft(task: WindowTask) -> WindowResult:
        if task.first == 101:
            await asyncio.sleep(0.2)
        if task.first == 201:
            await asyncio.wait_for(second_part_sent.wait(), 20)
        return await done(task)

    async def send(task: WindowTask) -> WindowResult:
        if task.first == 101:
            second_part_sent.set()
        await asyncio.wait_for(second_part_sent.wait(), 20)
        return await done(task)

    activities = WindowActivities(leads=300, width=2, draft=draft, send=send)
    activities.plan = activities.plan.model_copy(update={"send_window": 200, "full_windows": False})
    assert (await server.run(activities)).result.counts == whole(300)
    assert activities.windows(SENDING) == [(1, 100), (101, 200), (201, 300)]


async def test_a_campaign_without_leads_ends_with_its_report(server: CampaignServer) -> None:
    activities = WindowActivities(leads=0)
    assert (await server.run(activities)).result.counts == {DRAFTING: {}, SENDING: {}}
    assert len(activities.reports) == 1


async def test_a_held_stage_sleeps_on_a_timer_while_the_others_go_on(server: CampaignServer) -> None:
    held_until = datetime.max.replace(tzinfo=UTC)
    started: list[datetime] = []

    async def send(task: WindowTask) -> WindowResult:
        nonlocal held_until
        started.append(datetime.now(UTC))
        if len(started) == 1:
            held_until = datetime.now(UTC) + timedelta(seconds=1)
            hold = Hold(until=held_until, reason=HoldReason.RELAY_UNREACHABLE)
            return WindowResult(counts={}, open=100, again_at=datetime.now(UTC), hold=hold)
        return await done(task)

    activities = WindowActivities(leads=300, width=1, send=send)
    ended = await server.run(activities)
    assert ended.result.counts == whole(300)
    assert min(started[1:]) >= held_until
    assert [task.holds for task in activities.asked if task.stage is SENDING] == [0, 1, 0, 0]
    (history,) = await server.histories(ended.handle)
    assert events(history, EventType.EVENT_TYPE_TIMER_STARTED) >= 1


async def test_holds_in_a_row_are_counted_once_for_all_windows_that_were_held_together(
    server: CampaignServer,
) -> None:
    rounds: list[int] = []

    async def send(task: WindowTask) -> WindowResult:
        rounds.append(task.holds)
        if task.holds < 2:
            hold = Hold(until=datetime.now(UTC) + timedelta(seconds=0.3), reason=HoldReason.RELAY_UNREACHABLE)
            return WindowResult(counts={}, open=100, hold=hold)
        return await done(task)

    activities = WindowActivities(leads=300, send=send)
    assert (await server.run(activities)).result.counts == whole(300)
    assert rounds == sorted(rounds)
    assert max(rounds) == 2


async def test_a_window_with_something_left_comes_back_and_is_counted_once(server: CampaignServer) -> None:
    visits: dict[int, list[datetime]] = {}
    due: dict[int, datetime] = {}

    async def send(task: WindowTask) -> WindowResult:
        visit = visits.setdefault(task.first, [])
        visit.append(datetime.now(UTC))
        if len(visit) < 3:
            due[task.first] = datetime.now(UTC) + timedelta(seconds=0.3)
            return WindowResult(counts={"done": 30 * len(visit), "failed": 5}, open=20, again_at=due[task.first])
        assert datetime.now(UTC) >= due[task.first]
        return WindowResult(counts={"done": 95, "failed": 5})

    activities = WindowActivities(leads=600, send=send)
    ended = await server.run(activities)
    assert ended.result.counts[SENDING] == {"done": 570, "failed": 30}
    assert [len(visit) for visit in visits.values()] == [3] * 6
    assert sorted(set(activities.windows(SENDING))) == [(first, first + 99) for first in range(1, 601, 100)]


async def test_a_window_that_is_due_at_once_is_not_asked_again_without_a_pause(server: CampaignServer) -> None:
    """A worker's clock may be behind: what it calls due now must not become a thousand activities."""
    asked: list[datetime] = []

    async def send(task: WindowTask) -> WindowResult:
        asked.append(datetime.now(UTC))
        if len(asked) < 3:
            hour_ago = datetime.now(UTC) - timedelta(hours=1)
            hold = Hold(until=hour_ago, reason=HoldReason.CONTROL) if len(asked) == 1 else None
            return WindowResult(counts={}, open=100, again_at=hour_ago, hold=hold)
        return await done(task)

    assert (await server.run(WindowActivities(leads=100, send=send))).result.counts == whole(100)
    assert all(later - earlier >= timedelta(seconds=0.9) for earlier, later in pairwise(asked))
    assert len(asked) == 3


async def test_a_window_that_used_up_its_attempts_goes_back_and_the_stage_goes_on(
    server: CampaignServer, impatient_runner: SandboxedWorkflowRunner
) -> None:
    failures: list[int] = []

    async def draft(task: WindowTask) -> WindowResult:
        if task.first in (101, 301) and failures.count(task.first) < 2:
            failures.append(task.first)
            raise ApplicationError("broken", non_retryable=True)
        return await done(task)

    activities = WindowActivities(leads=500, width=1, draft=draft)
    async with server.campaign(activities, runner=impatient_runner) as handle:
        result = await handle.result()
    assert result.counts == whole(500)
    assert failures == [101, 101, 301, 301]
    assert {(note.stage, note.hold.reason) for note in activities.notes} == {(DRAFTING, HoldReason.ACTIVITY_FAILED)}
    assert len(activities.notes) == 4, "each rest is told to people"
    assert set(activities.leads(DRAFTING)) == set(range(1, 501))
    assert activities.leads(SENDING) == list(range(1, 501))


async def test_after_too_many_failures_in_a_row_the_campaign_pauses_itself_and_a_person_lets_it_go_on(
    server: CampaignServer, impatient_runner: SandboxedWorkflowRunner
) -> None:
    mended = False

    async def send(task: WindowTask) -> WindowResult:
        if not mended:
            raise ApplicationError("broken", type="DatabaseGone", non_retryable=True)
        return await done(task)

    activities = WindowActivities(leads=300, width=1, send=send)
    async with server.campaign(activities, runner=impatient_runner) as handle:
        progress = await when(handle, lambda one: one.paused is not None)
        assert progress.paused is not None
        assert progress.paused.breaker == "failures"
        assert progress.paused.reason == "sending failed 5 times in a row, last with DatabaseGone"
        assert len(activities.windows(SENDING)) == options.FAILED_WINDOW_LIMIT
        mended = True
        await handle.signal("resume", args=["the disk was full", "dana"])
        assert (await handle.result()).counts == whole(300)
    assert [change.by for task in activities.controls for change in task.changes] == ["breaker failures", "dana"]
    assert [report.failed_stage for report in activities.reports] == [None]


async def test_windows_whose_workers_die_go_back_at_once_and_only_very_many_pause_the_campaign(
    server: CampaignServer, impatient_runner: SandboxedWorkflowRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "HEARTBEAT_TIMEOUT", timedelta(milliseconds=300))
    monkeypatch.setattr(options, "RETRIES", RetryPolicy(maximum_attempts=1))
    monkeypatch.setattr(options, "DEATHS_LIMIT", 3)
    deadly = True

    async def send(task: WindowTask) -> WindowResult:
        if deadly:
            await asyncio.sleep(60)
        return await done(task)

    activities = WindowActivities(leads=100, width=1, send=send)
    activities.silent = {1}
    async with server.campaign(activities, runner=impatient_runner) as handle:
        progress = await when(handle, lambda one: one.paused is not None)
        assert progress.paused is not None
        assert progress.paused.reason == "sending windows end with their worker"
        assert [note.hold.reason for note in activities.notes] == [HoldReason.WORKERS_DIED] * 2
        deadly = False
        await handle.signal("resume")
        assert (await handle.result()).counts == whole(100)


async def test_windows_that_fail_together_count_as_one_failure(
    server: CampaignServer, impatient_runner: SandboxedWorkflowRunner
) -> None:
    """Width 4 over 4 rounds are 16 failed windows, and still no reason to give up after 5."""
    rounds = 0
    together = asyncio.Barrier(4)

    async def draft(task: WindowTask) -> WindowResult:
        nonlocal rounds
        if rounds < 4:
            await asyncio.wait_for(together.wait(), 20)
            rounds += task.first == 1
            raise ApplicationError("broken", non_retryable=True)
        return await done(task)

    activities = WindowActivities(leads=400, draft=draft)
    async with server.campaign(activities, runner=impatient_runner) as handle:
        result = await handle.result()
    assert result.counts == whole(400)
    assert len(activities.notes) == 4


async def test_new_runs_of_the_workflow_lose_and_double_nothing(impatient_server: CampaignServer) -> None:
    put_off: set[int] = set()

    async def send(task: WindowTask) -> WindowResult:
        if task.first % 500 == 1 and task.first not in put_off:
            put_off.add(task.first)
            again_at = datetime.now(UTC) + timedelta(seconds=0.5)
            return WindowResult(counts={"done": 50}, open=50, again_at=again_at)
        return await done(task)

    activities = WindowActivities(leads=3_000, send=send)
    ended = await impatient_server.run(activities)
    assert ended.result.counts == whole(3_000)
    assert activities.leads(DRAFTING) == list(range(1, 3_001))
    assert len(activities.windows(SENDING)) == 30 + len(put_off) == 36
    assert len(await impatient_server.histories(ended.handle)) >= 3
    assert len(activities.reports) == 1


async def test_a_workflow_that_is_replayed_at_every_step_comes_to_the_same_end(
    impatient_server: CampaignServer,
) -> None:
    activities = WindowActivities(leads=1_000)
    ended = await impatient_server.run(activities, max_cached_workflows=0)
    assert ended.result.counts == whole(1_000)
    assert activities.leads(SENDING) == list(range(1, 1_001))


async def test_a_thousand_leads_cost_few_events(server: CampaignServer) -> None:
    ended = await server.run(WindowActivities(leads=2_000))
    (history,) = await server.histories(ended.handle)
    assert len(history.events) / (2 * 2) <= EVENTS_PER_THOUSAND
