"""`temporal workflow reset`: activities run again from an earlier event, and nobody is written to twice."""

import pytest
from local_world import World, assert_promise, people, sent_so_far, spec
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client

from client.connection import connect

LEADS = 400


async def reset(temporal: Client, campaign_id: str, completed_task: int) -> None:
    """Go back to the campaign's n-th completed workflow task, the first is 0."""
    handle = temporal.get_workflow_handle(campaign_id)
    history = await handle.fetch_history()
    kind = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    tasks = [event.event_id for event in history.events if event.event_type == kind]
    await temporal.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=temporal.namespace,
            workflow_execution=WorkflowExecution(workflow_id=campaign_id, run_id=(await handle.describe()).run_id),
            reason="a test",
            workflow_task_finish_event_id=tasks[completed_task],
            request_id="reset-1",
        )
    )


@pytest.mark.parametrize("paused", [False, True], ids=["running", "after a pause"])
async def test_a_running_campaign_is_reset_to_its_beginning(world: World, *, paused: bool) -> None:
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.1})
    world.start_worker()
    temporal = await connect(world.settings)
    async with world.client() as client:
        started = await client.create(spec(connections=10), people(LEADS))
        await sent_so_far(client, started.campaign_id, 100)
        if paused:
            await client.pause(started.campaign_id, "look")
            await reset(temporal, started.campaign_id, 1)
            await client.resume(started.campaign_id, "fine")
        else:
            await reset(temporal, started.campaign_id, 1)
        await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=10)
    assert progress.messages.sent + progress.messages.in_doubt == LEADS


async def test_a_completed_campaign_is_reset_and_ends_again(world: World) -> None:
    world.start_worker()
    temporal = await connect(world.settings)
    async with world.client() as client:
        started = await client.create(spec(), people(LEADS))
        await client.result(started.campaign_id)
        await temporal.get_workflow_handle(started.campaign_id).result()
        await reset(temporal, started.campaign_id, 0)
        await temporal.get_workflow_handle(started.campaign_id).result()
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=0)
    assert progress.messages.sent == LEADS
