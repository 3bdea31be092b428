"""Pause, resume and cancel: at once, without loss, whatever is sent, by whatever way it comes."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from campaign_server import CampaignHandle, CampaignServer, when
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError, CancelledError
from window_activities import WindowActivities, done

from domain.campaign import Stage
from domain.wire import (
    Answer,
    CampaignProgress,
    ChangeKind,
    Control,
    Hold,
    HoldReason,
    MessageTally,
    Pause,
    WindowResult,
    WindowTask,
)

LONGEST_SECONDS = 2.0
"""From a pause to the begin of the last tool call."""

DRAFTING, REVIEW, SENDING = Stage.PERSONALIZATION, Stage.REVIEW, Stage.SENDING


class Tools:
    """Windows whose every lead costs a call of 50 ms and is done once; a cancelled window goes on where it stopped."""

    def __init__(self, leads: int, window: int = 10) -> None:
        self.done: Counter[tuple[Stage, int]] = Counter()
        self.last_call = 0.0
        self.calls = 0
        self.activities = WindowActivities(leads=leads, window=window, draft=self.work, send=self.work)
        self.leads = leads

    async def work(self, task: WindowTask) -> WindowResult:
        for number in range(task.first, task.last + 1):
            if self.done[task.stage, number]:
                continue
            self.calls += 1
            self.last_call = asyncio.get_running_loop().time()
            call = asyncio.create_task(asyncio.sleep(0.05))
            try:
                await asyncio.shield(call)
            except asyncio.CancelledError:
                await call
                self.done[task.stage, number] += 1
                raise
            self.done[task.stage, number] += 1
        return WindowResult(counts={"done": task.last - task.first + 1})

    def assert_exact(self) -> None:
        expected = {(stage, number) for stage in (DRAFTING, SENDING) for number in range(1, self.leads + 1)}
        assert set(self.done) == expected
        assert set(self.done.values()) == {1}


def changes(activities: WindowActivities) -> list[tuple[ChangeKind, str, str]]:
    """What the campaign's row was told, in order."""
    return [(change.kind, change.by, change.reason) for task in activities.controls for change in task.changes]


def has_sent(more_than: int, progress: CampaignProgress) -> bool:
    return progress.messages.get("sent", 0) > more_than


async def has_stopped(tools: Tools) -> None:
    """Nothing is called any more."""
    calls = tools.calls
    await asyncio.sleep(0.4)
    assert tools.calls == calls


async def assert_cancelled(handle: CampaignHandle, activities: WindowActivities) -> None:
    """Canceled in Temporal, with the rest ended before the report of a cancelled campaign."""
    with pytest.raises(WorkflowFailureError) as failure:
        await handle.result()
    assert isinstance(failure.value.cause, CancelledError)
    assert (await handle.describe()).status is WorkflowExecutionStatus.CANCELED
    assert activities.cancelled == 1
    assert [report.cancelled for report in activities.reports] == [True]
    assert all(task.control is Control.END for task in activities.controls[-1:])


async def test_a_pause_stops_windows_in_flight_and_a_resumption_completes_exactly(server: CampaignServer) -> None:
    tools = Tools(leads=120)
    tools.activities.tally = MessageTally(counts={"sent": 17, "scheduled": 103})
    async with server.campaign(tools.activities) as handle:
        await when(handle, lambda one: one.messages.get("sent", 0) > 0)
        await handle.signal("pause", args=["typo in step 2", "dana"])
        progress = await when(
            handle, lambda one: one.paused is not None and not any(stage.running for stage in one.stages.values())
        )
        assert progress.status == "paused"
        assert progress.paused is not None
        assert (progress.paused.by, progress.paused.reason) == ("dana", "typo in step 2")
        assert progress.waiting_for[0].command == f"outrider resume {progress.campaign_id}"
        await has_stopped(tools)
        await when(handle, lambda one: one.messages.get("sent", 0) >= 17)
        await handle.signal("resume", args=["mended", "iris"])
        result = await handle.result()
    assert result.counts == {DRAFTING: {"done": 120}, SENDING: {"done": 120}}
    tools.assert_exact()
    assert changes(tools.activities) == [("paused", "dana", "typo in step 2"), ("resumed", "iris", "mended")]
    assert [task.control for task in tools.activities.controls] == [Control.HOLD, Control.RUN]


@pytest.mark.parametrize(
    ("arguments", "by", "reason"),
    [
        ([], "a signal", ""),
        (["checked", "dana"], "dana", "checked"),
        (["checked", "dana", "and a third"], "dana", "checked"),
        ([17], "a signal", ""),
        ([None], "a signal", ""),
        ([["a", "list"]], "a signal", ""),
        ([{"reason": "an object", "by": "dana"}], "dana", "an object"),
        ([{"some": {"other": "object"}}], "a signal", ""),
        (["\x1b[2J two\nlines " + "x" * 500], "a signal", "[2J two lines " + "x" * 186),
    ],
)
async def test_whatever_comes_with_a_pause_the_campaign_is_paused(
    server: CampaignServer, arguments: list[object], by: str, reason: str
) -> None:
    tools = Tools(leads=40)
    async with server.campaign(tools.activities) as handle:
        await handle.signal("pause", args=arguments)
        progress = await when(handle, lambda one: one.paused is not None)
        assert progress.paused is not None
        assert (progress.paused.by, progress.paused.reason) == (by, reason)
        await handle.signal("resume", args=arguments)
        assert (await handle.result()).counts[SENDING] == {"done": 40}
    tools.assert_exact()


async def test_a_name_nobody_knows_is_shown_and_changes_nothing(server: CampaignServer) -> None:
    tools = Tools(leads=60)
    async with server.campaign(tools.activities) as handle:
        for name in ("puase", "puase", "Resume", "__stack"):
            await handle.signal(name, args=["x", {"y": 1}])
        progress = await when(handle, lambda one: bool(one.unknown_signals))
        assert progress.unknown_signals["puase"] == 2
        assert progress.status == "running"
        await handle.signal("approve", args=[{"all": True}])
        progress = await when(handle, lambda one: len(one.unknown_signals) == 4)
        assert (await handle.result()).counts[SENDING] == {"done": 60}
    assert tools.activities.approvals == [], "an object is not taken for an approval of everything"


async def test_what_is_asked_while_no_worker_runs_is_all_on_record(server: CampaignServer) -> None:
    """One workflow task hears of it all, and each change has a time of its own: the row's key is time and kind."""
    tools = Tools(leads=20)
    async with server.working(tools.activities) as queue:
        pass
    handle = await server.start(queue)
    for number in range(3):
        await handle.signal("pause", args=[f"pause {number}", "dana"])
        await handle.signal("resume")
    async with server.working(tools.activities, queue=queue):
        await handle.result()
    assert [kind for kind, *_ in changes(tools.activities)] == ["paused", "resumed"] * 3
    times = [change.at for task in tools.activities.controls for change in task.changes]
    assert len(set(times)) == 6


async def test_hundreds_of_unknown_names_do_not_fill_the_state(server: CampaignServer) -> None:
    tools = Tools(leads=20)
    async with server.campaign(tools.activities) as handle:
        await handle.signal("pause")
        await asyncio.gather(*(handle.signal(f"name {number} {'x' * 300}") for number in range(100)))
        progress = await when(handle, lambda one: one.unknown_signals.get("… and others", 0) == 80)
        assert len(progress.unknown_signals) == 21
        assert max(map(len, progress.unknown_signals)) <= 60
        await handle.signal("resume")
        await handle.result()


async def test_an_update_answers_and_refuses_with_one_line(server: CampaignServer) -> None:
    tools = Tools(leads=60)
    async with server.campaign(tools.activities) as handle:
        answer = await handle.execute_update("pause", args=["look", "dana"], result_type=Answer)
        assert (answer.status, answer.changed) == ("paused", True)
        answer = await handle.execute_update("pause", args=["again", "iris"], result_type=Answer)
        assert (answer.status, answer.changed) == ("paused", False)
        assert answer.line.endswith("was paused already")
        for name, arguments, line in (
            ("resume", [17], "this takes a reason and a name, both texts"),
            ("resume", ["a", "b", "c"], "this takes a reason and a name, both texts"),
            ("approve", ["4-"], 'lead numbers: "4-" is none; write them like 1,4,10-20'),
        ):
            with pytest.raises(WorkflowUpdateFailedError) as failure:
                await handle.execute_update(name, args=arguments)
            assert isinstance(failure.value.cause, ApplicationError)
            assert failure.value.cause.message == line
        assert (await when(handle, lambda _: True)).status == "paused"
        answer = await handle.execute_update("resume", args=["fine", "dana"], result_type=Answer)
        assert (answer.status, answer.changed) == ("running", True)
        await handle.result()
    tools.assert_exact()


@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
@pytest.mark.parametrize("way", ["signal", "temporal", "both", "update"])
async def test_cancelled_by_any_way_it_ends_as_cancelled_in_both_places(
    server: CampaignServer, way: str, *, paused: bool
) -> None:
    tools = Tools(leads=200)
    async with server.campaign(tools.activities) as handle:
        await when(handle, lambda one: one.messages.get("sent", 0) > 0)
        if paused:
            await handle.signal("pause")
        if way == "update":
            await handle.execute_update("cancel", args=["enough", "dana"])
        elif way != "temporal":
            await handle.signal("cancel", args=["enough", "dana"])
        if way in ("temporal", "both"):
            await handle.cancel()
        await assert_cancelled(handle, tools.activities)
        await has_stopped(tools)
    if way == "temporal":
        assert tools.activities.asked_temporal == 0
    if way in ("signal", "update"):
        assert tools.activities.asked_temporal == 1
    by = "temporal workflow cancel" if way == "temporal" else "dana"
    assert changes(tools.activities)[-1][:2] == ("cancelled", by)
    assert set(tools.done.values()) == {1}
    assert len(tools.done) < 400


async def test_a_campaign_that_nobody_works_for_can_be_cancelled_before_it_is_planned(server: CampaignServer) -> None:
    tools = Tools(leads=50)
    tools.activities.plan_fails = True
    async with server.campaign(tools.activities) as handle:
        await handle.cancel()
        await assert_cancelled(handle, tools.activities)
    assert tools.calls == 0


async def test_after_a_cancellation_nothing_else_is_taken(server: CampaignServer) -> None:
    tools = Tools(leads=200)
    tools.activities.report_may_end.clear()
    async with server.campaign(tools.activities) as handle:
        await handle.signal("cancel")
        await when(handle, lambda one: one.ending)
        await handle.signal("resume")
        await handle.signal("pause")
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update("resume")
        tools.activities.report_may_end.set()
        await assert_cancelled(handle, tools.activities)
    assert [kind for kind, *_ in changes(tools.activities)] == ["cancelled"]


async def test_a_pause_lasts_through_new_runs_of_the_workflow(impatient_server: CampaignServer) -> None:
    tools = Tools(leads=400)
    async with impatient_server.campaign(tools.activities, max_cached_workflows=0) as handle:
        for turn in range(4):
            await when(handle, partial(has_sent, 60 * turn))
            asked = asyncio.get_running_loop().time()
            await handle.signal("pause", args=[f"pause {turn}", "dana"])
            for number in range(12):  # signals are history too: a new run begins while it is paused
                await handle.signal(f"noise {number % 3}")
            await when(
                handle, lambda one: one.paused is not None and not any(stage.running for stage in one.stages.values())
            )
            await has_stopped(tools)
            assert tools.last_call - asked < LONGEST_SECONDS
            await handle.signal("resume")
        result = await handle.result()
        assert result.counts == {DRAFTING: {"done": 400}, SENDING: {"done": 400}}
        assert len(await impatient_server.histories(handle)) >= 3
    tools.assert_exact()
    assert [kind for kind, *_ in changes(tools.activities)] == ["paused", "resumed"] * 4


async def test_a_row_that_says_otherwise_is_written_again(server: CampaignServer) -> None:
    """After a reset the row may say `hold` of a campaign that runs."""
    disowned: list[int] = []

    async def send(task: WindowTask) -> WindowResult:
        if not disowned:
            disowned.append(task.first)
            hold = Hold(until=datetime.now(UTC), reason=HoldReason.CONTROL)
            return WindowResult(counts={}, open=100, hold=hold)
        return await done(task)

    activities = WindowActivities(leads=300, width=1, send=send)
    ended = await server.run(activities)
    assert ended.result.counts[SENDING] == {"done": 300}
    assert [(task.control, task.changes) for task in activities.controls] == [(Control.RUN, [])]


async def test_what_became_due_during_a_pause_starts_after_it(server: CampaignServer) -> None:
    visits: list[int] = []

    async def send(task: WindowTask) -> WindowResult:
        visits.append(task.first)
        if len(visits) <= 3:
            later = datetime.now(UTC) + timedelta(seconds=0.5)
            hold = Hold(until=later, reason=HoldReason.RELAY_UNREACHABLE) if task.first == 1 else None
            return WindowResult(counts={}, open=100, again_at=later, hold=hold)
        return await done(task)

    activities = WindowActivities(leads=300, send=send)
    async with server.campaign(activities) as handle:
        await when(handle, lambda _: len(visits) == 3)
        await handle.signal("pause")
        await when(handle, lambda one: one.paused is not None)
        await asyncio.sleep(1.5)
        assert len(visits) == 3
        await handle.signal("resume")
        assert (await asyncio.wait_for(handle.result(), 10)).counts[SENDING] == {"done": 300}


async def test_a_pause_finds_windows_that_fail_and_windows_between_two_attempts(server: CampaignServer) -> None:
    broken = True
    attempts: list[int] = []
    last_attempt = 0.0

    async def send(task: WindowTask) -> WindowResult:
        nonlocal last_attempt
        attempts.append(task.first)
        last_attempt = asyncio.get_running_loop().time()
        if broken:
            raise ApplicationError("broken")
        return await done(task)

    activities = WindowActivities(leads=300, send=send)
    async with server.campaign(activities) as handle:
        await when(handle, lambda _: len(attempts) >= 3)
        asked = asyncio.get_running_loop().time()
        await handle.signal("pause")
        progress = await when(handle, lambda one: one.paused is not None and one.stages[SENDING].running == 0)
        assert progress.stages[SENDING].ready == 300
        await asyncio.sleep(2.5)
        assert last_attempt - asked < LONGEST_SECONDS
        broken = False
        await handle.signal("resume")
        assert (await asyncio.wait_for(handle.result(), 10)).counts[SENDING] == {"done": 300}
    assert activities.notes == [], "nobody is told of failures of windows that were called back"


async def test_a_pause_while_the_report_is_written_comes_too_late_and_says_so(server: CampaignServer) -> None:
    activities = WindowActivities(leads=20)
    activities.report_may_end.clear()
    async with server.campaign(activities) as handle:
        await when(handle, lambda one: one.messages.get("sent", 0) == 20)
        await handle.signal("pause")
        with pytest.raises(WorkflowUpdateFailedError) as failure:
            await handle.execute_update("pause")
        assert isinstance(failure.value.cause, ApplicationError)
        assert failure.value.cause.message.endswith("is over; its report is being written")
        activities.report_may_end.set()
        assert (await handle.result()).status == "completed"
    assert activities.controls == []


async def test_a_cancellation_while_the_report_is_written_ends_it_as_cancelled(server: CampaignServer) -> None:
    activities = WindowActivities(leads=20)
    activities.report_may_end.clear()
    async with server.campaign(activities) as handle:
        await when(handle, lambda one: one.messages.get("sent", 0) == 20)
        await handle.signal("cancel", args=["too late", "dana"])
        activities.report_may_end.set()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        assert (await handle.describe()).status is WorkflowExecutionStatus.CANCELED
    assert [report.cancelled for report in activities.reports] == [False, True]
    assert activities.controls[-1].control is Control.END


async def test_a_retry_while_the_report_is_written_opens_the_campaign_again(server: CampaignServer) -> None:
    activities = WindowActivities(leads=20)
    activities.report_may_end.clear()
    async with server.campaign(activities) as handle:
        await when(handle, lambda one: one.messages.get("sent", 0) == 20)
        await handle.signal("retry")
        activities.report_may_end.set()
        assert (await handle.result()).counts[SENDING] == {"done": 20}
    assert len(activities.windows(SENDING)) == 2
    assert activities.planned == 2, "the row said that it was completed"
    assert len(activities.reports) == 2


async def test_a_campaign_that_was_cancelled_before_its_workflow_began_goes_straight_to_its_end(
    server: CampaignServer,
) -> None:
    activities = WindowActivities(leads=20)
    activities.plan = activities.plan.model_copy(update={"ended": True})
    async with server.campaign(activities) as handle:
        await assert_cancelled(handle, activities)
    assert activities.asked == []


async def test_a_campaign_that_was_paused_before_its_workflow_began_stays_paused(server: CampaignServer) -> None:
    activities = WindowActivities(leads=20)
    pause = Pause(since=datetime.now(UTC), by="dana", reason="the list is checked")
    activities.plan = activities.plan.model_copy(update={"paused": pause})
    async with server.campaign(activities) as handle:
        progress = await when(handle, lambda one: one.paused is not None)
        assert progress.paused == pause
        assert activities.asked == []
        await handle.signal("resume", args=["checked", "iris"])
        assert (await handle.result()).counts[SENDING] == {"done": 20}


async def test_retry_looks_at_every_window_again_and_counts_once(server: CampaignServer) -> None:
    failing = True

    async def draft(task: WindowTask) -> WindowResult:
        failed = 7 if failing and task.first == 101 else 0
        await asyncio.sleep(0.05)
        return WindowResult(counts={"done": 100 - failed, "failed": failed})

    activities = WindowActivities(leads=500, draft=draft, width=2)
    async with server.campaign(activities) as handle:
        await when(
            handle,
            lambda one: one.stages.get(DRAFTING) is not None and one.stages[DRAFTING].counts.get("failed", 0) == 7,
        )
        failing = False
        await handle.signal("retry")
        result = await handle.result()
    assert {name: count for name, count in result.counts[DRAFTING].items() if count} == {"done": 500}
    assert result.counts[SENDING] == {"done": 500}


async def test_decided_leads_go_on_while_the_others_wait(server: CampaignServer) -> None:
    decided: set[int] = set(range(1, 31)) | {50}

    async def review(task: WindowTask) -> WindowResult:
        left = [(number, number) for number in range(task.first, task.last + 1) if number not in decided]
        later = datetime.now(UTC) + timedelta(hours=6)
        return WindowResult(
            counts={"done": task.last - task.first + 1 - len(left)},
            open=len(left),
            left=left,
            again_at=later,
            hold=Hold(until=later, reason=HoldReason.REVIEW) if left else None,
        )

    activities = WindowActivities(leads=100, review=review)
    async with server.campaign(activities) as handle:
        progress = await when(handle, lambda one: one.messages.get("sent", 0) == 31)
        assert progress.status == "waiting"
        assert [(wait.stage, wait.reason, wait.who) for wait in progress.waiting_for] == [(REVIEW, "review", "person")]
        decided |= set(range(31, 100))
        await handle.signal("recheck")
        await when(handle, lambda one: one.messages.get("sent", 0) == 99)
        decided.add(100)
        await handle.signal("approve", args=["100", "dana"])
        result = await handle.result()
    assert result.counts == {DRAFTING: {"done": 100}, REVIEW: {"done": 100}, SENDING: {"done": 100}}
    assert activities.leads(SENDING) == list(range(1, 101))
    assert [(one.leads, one.by) for one in activities.approvals] == [([(100, 100)], "dana")]
    assert all(last - first < 100 for first, last in activities.windows(SENDING))


@pytest.mark.parametrize("ask", ["approve", "recheck"])
async def test_a_decision_that_a_look_has_just_missed_is_seen_at_once(server: CampaignServer, ask: str) -> None:
    looks, looked, may_end = 0, asyncio.Event(), asyncio.Event()

    async def review(task: WindowTask) -> WindowResult:
        nonlocal looks
        looks += 1
        if looks > 1:
            return await done(task)
        looked.set()
        await may_end.wait()
        hold = Hold(until=datetime.now(UTC) + timedelta(hours=6), reason=HoldReason.REVIEW)
        return WindowResult(counts={}, open=100, left=[(task.first, task.last)], hold=hold)

    activities = WindowActivities(leads=100, review=review)
    async with server.campaign(activities) as handle:
        await asyncio.wait_for(looked.wait(), 20)
        await handle.execute_update(ask, result_type=Answer)
        await asyncio.wait_for(activities.counted.wait(), 20)  # as after every recheck
        may_end.set()
        result = await asyncio.wait_for(handle.result(), 20)
    assert result.counts == {DRAFTING: {"done": 100}, REVIEW: {"done": 100}, SENDING: {"done": 100}}
    assert looks == 2


async def test_the_plain_names_work_by_batch(server: CampaignServer) -> None:
    """`temporal workflow signal --query` finds campaigns by the search attributes that they set themselves."""
    client: Client = server.client
    tools = Tools(leads=200)
    async with server.campaign(tools.activities) as handle:
        await when(handle, lambda one: one.messages.get("sent", 0) > 0)
        found = [
            one.id async for one in client.list_workflows(f"CampaignStatus='running' AND WorkflowId='{handle.id}'")
        ]
        assert found == [handle.id]
        await handle.signal("cancel")
        with pytest.raises(WorkflowFailureError):
            await handle.result()
