"""Campaigns that an earlier release began can be carried on by this one: their recorded histories replay."""

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


async def test_a_fresh_history_replays(server: CampaignServer) -> None:
    ended = await server.run(WindowActivities(leads=450))
    for history in await server.histories(ended.handle):
        await replayer().replay_workflow(history)


async def test_a_history_with_another_order_of_commands_is_noticed() -> None:
    text = next(iter(RECORDED.values())).replace('"send_messages"', '"sent_messages"')
    with pytest.raises(NondeterminismError):
        await replayer().replay_workflow(WorkflowHistory.from_json("recorded", text))
