"""Campaigns that an earlier release began can be carried on by this one: their recorded histories replay."""

import json
from pathlib import Path

import pytest
from campaign_server import CampaignServer
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError
from window_activities import WindowActivities

from worker.build import workflow_runner
from workflows.campaign import CampaignWorkflow

RECORDED = {path.stem: path.read_text() for path in (Path(__file__).parents[1] / "replay").glob("*.json")}


def replayer() -> Replayer:
    return Replayer(
        workflows=[CampaignWorkflow], workflow_runner=workflow_runner(), data_converter=pydantic_data_converter
    )


def test_there_are_recorded_histories() -> None:
    """Of several runs, so what continue-as-new carries is replayed too."""
    assert len(RECORDED) >= 2


@pytest.mark.parametrize("name", sorted(RECORDED))
async def test_a_recorded_history_replays(name: str) -> None:
    """On failure: keep the old order of commands behind `workflow.patched`. Never record over a released history."""
    await replayer().replay_workflow(WorkflowHistory.from_json(name, RECORDED[name]))


@pytest.mark.parametrize("name", sorted(RECORDED))
async def test_a_worker_that_is_upgraded_in_the_middle_carries_a_recorded_campaign_on(name: str) -> None:
    """Whatever point the old worker had come to: the history as it was after each of its workflow tasks replays."""
    history = json.loads(RECORDED[name])
    ends = [index for index, event in enumerate(history["events"]) if event["eventType"].endswith("TASK_COMPLETED")]
    ends = [index for index in ends if "WORKFLOW_TASK" in history["events"][index]["eventType"]]
    for end in ends[:: max(1, len(ends) // 10)]:
        part = json.dumps({**history, "events": history["events"][: end + 1]})
        await replayer().replay_workflow(WorkflowHistory.from_json(name, part))


async def test_a_fresh_history_replays(server: CampaignServer) -> None:
    ended = await server.run(WindowActivities(leads=450))
    for history in await server.histories(ended.handle):
        await replayer().replay_workflow(history)


async def test_a_history_with_another_order_of_commands_is_noticed() -> None:
    text = next(text for text in RECORDED.values() if '"send_messages"' in text)
    text = text.replace('"send_messages"', '"sent_messages"')
    with pytest.raises(NondeterminismError):
        await replayer().replay_workflow(WorkflowHistory.from_json("recorded", text))
