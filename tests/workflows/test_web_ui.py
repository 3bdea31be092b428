"""What Temporal's Web UI and command show of a campaign, as the server returns it."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from campaign_server import CampaignHandle, CampaignServer, when
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.contrib.pydantic import pydantic_data_converter
from window_activities import WindowActivities, done

from domain.campaign import CampaignStatus, Stage
from domain.wire import (
    Breaker,
    CampaignProgress,
    PastPause,
    Pause,
    SearchAttribute,
    StageCounts,
    Trip,
    WaitingFor,
    WindowResult,
    WindowTask,
)
from workflows.details import LONGEST, details, quoted

SENDING, REVIEW = Stage.SENDING, Stage.REVIEW


async def metadata(handle: CampaignHandle) -> WorkflowMetadata:
    """What the page asks a worker for."""
    shown: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return shown


def text(payload: Payload) -> str:
    (value,) = pydantic_data_converter.payload_converter.from_payloads([payload], [str])
    said: str = value
    return said


async def attributes(handle: CampaignHandle) -> Mapping[str, object]:
    """The campaign's search attributes as lists of workflows show them."""
    pairs = (await handle.describe()).typed_search_attributes
    return {pair.key.name: pair.value for pair in pairs if pair.key.name in set(SearchAttribute)}


async def test_every_signal_update_and_query_says_what_it_does(server: CampaignServer) -> None:
    async with server.campaign(WindowActivities(leads=10)) as handle:
        await handle.result()
        definition = (await metadata(handle)).definition
    named = {one.name: one.description for one in definition.signal_definitions if one.name}
    assert set(named) == {"pause", "resume", "cancel", "approve", "recheck", "retry"}
    assert {one.name for one in definition.update_definitions} == set(named)
    assert "progress" in {one.name for one in definition.query_definitions}
    assert all(named.values())


async def test_activities_say_which_window_they_work_on(server: CampaignServer) -> None:
    ended = await server.run(WindowActivities(leads=150))
    (history,) = await server.histories(ended.handle)
    summaries = [
        text(event.user_metadata.summary)
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]
    assert summaries[0] == "plan"
    assert summaries[-1] == "report"
    assert sorted(summaries[1:-1]) == ["draft 1-100", "draft 101-150", "send 1-100", "send 101-150"]


async def test_details_and_search_attributes_follow_the_campaign(server: CampaignServer) -> None:
    async def send(task: WindowTask) -> WindowResult:
        trip = Trip(breaker=Breaker.BOUNCES, count=5, judged=147, limit=3.0) if task.first == 1 else None
        return (await done(task)).model_copy(update={"trip": trip})

    async with server.campaign(WindowActivities(leads=200, send=send)) as handle:
        await when(handle, lambda one: one.paused is not None and one.stages[SENDING].running == 0)
        shown = (await metadata(handle)).current_details
        assert shown.startswith("### PAUSED since ")
        assert "bounces 3\\.4" not in shown, "a dot needs no backslash"
        assert "5; limit 3 %" in shown
        assert "--name resume" in shown
        assert await attributes(handle) == {
            "CampaignStatus": "paused",
            "CampaignStage": "sending",
            "CampaignWaitingFor": "paused",
            "CampaignOwner": "dana",
            "LeadsFound": 200,
            "EmailsSent": (await when(handle, lambda _: True)).messages.get("sent", 0),
        }
        await handle.signal("resume")
        await handle.result()
    last = await attributes(handle)
    assert (last["CampaignStatus"], last["EmailsSent"]) == ("completed", 200)
    assert {str(name) for name in SearchAttribute} <= set(last)


async def test_lists_are_kept_in_step_with_few_events(server: CampaignServer) -> None:
    ended = await server.run(WindowActivities(leads=3_000))
    (history,) = await server.histories(ended.handle)
    kind = EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES
    assert sum(1 for event in history.events if event.event_type == kind) <= 20


def full_progress(reason: str, *, waits: int = 0) -> CampaignProgress:
    """Everything at once, as long as it can be."""
    now = datetime(2026, 11, 13, 14, 21, tzinfo=UTC)
    return CampaignProgress(
        campaign_id="campaign-" + "x" * 71,
        status=CampaignStatus.WAITING if waits else CampaignStatus.PAUSED,
        stage=SENDING,
        waiting_for=[
            WaitingFor(
                stage=REVIEW, reason="review_overdue", until=now, who="person", command="outrider review " + "x" * 80
            )
        ]
        * waits,
        stages={
            stage: StageCounts(
                counts={"done": 1_234_567, "failed": 123_456, "skipped": 123_456}, ready=99_999, running=4
            )
            for stage in (Stage.PERSONALIZATION, REVIEW, SENDING)
        },
        messages={"sent": 1_234_567, "in_doubt": 400},
        leads=5_000_000,
        paused=None if waits else Pause(since=now, by="d" * 60, reason=reason),
        pauses=[PastPause(since=now, until=now, by="d" * 60, resumed_by="i" * 60, reason=reason)] * 5,
        unknown_signals={f"{number}{'p' * 50}": 10_000 for number in range(20)},
        as_of=now,
    )


@pytest.mark.parametrize("waits", [0, 3])
def test_details_are_never_longer_than_the_page_takes_and_no_block_stays_open(waits: int) -> None:
    shown = details(full_progress("because " * 50, waits=waits))
    assert len(shown) <= LONGEST
    assert shown.count("```") == 2
    assert shown.count("`") % 2 == 0


@pytest.mark.parametrize(
    "reason",
    [
        "![x](http://example.com/pixel)",
        "</script><img src=x>",
        "`code` **bold** [a](b)",
        "line\n\n# heading",
        "```\nblock",
    ],
)
def test_a_persons_reason_is_only_text(reason: str) -> None:
    """What Markdown would turn into an image, a link, a heading or code has a backslash before it."""
    shown = quoted(reason)
    assert "\n" not in shown
    bare = [
        letter for before, letter in zip(" " + shown, shown, strict=False) if letter in "`*_[]<>#!" and before != "\\"
    ]
    assert bare == []
    assert f"**Why:** {shown}" in details(full_progress(reason))
