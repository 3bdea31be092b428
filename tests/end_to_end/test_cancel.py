"""After a cancellation nothing leaves, by whatever way it came; both statuses say so, and there is a report."""

import asyncio
import signal
from datetime import UTC, datetime, timedelta

import pytest
from frozen import TEST_SECONDS, freeze
from local_world import World, assert_promise, people, sent_so_far, spec, until
from temporalio.client import Client, WorkflowExecutionStatus

from client.campaigns import CampaignClient
from client.connection import connect
from domain.campaign import CampaignSpec
from domain.progress import Progress

LEADS = 300
CONNECTIONS = 10


async def cancel(way: str, client: CampaignClient, temporal: Client, campaign_id: str) -> None:
    """The three ways there are."""
    handle = temporal.get_workflow_handle(campaign_id)
    if way == "outrider":
        await client.cancel(campaign_id, "enough")
    elif way == "signal":
        await handle.signal("cancel")
    else:
        await handle.cancel()


async def assert_cancelled(
    world: World, client: CampaignClient, temporal: Client, campaign_id: str, *, most_doubts: int
) -> Progress:
    """Both statuses, the report, the sums, and the silence afterwards."""
    await client.result(campaign_id)
    handle = temporal.get_workflow_handle(campaign_id)

    async def is_closed() -> bool:
        return (await handle.describe()).status is not WorkflowExecutionStatus.RUNNING

    await until(is_closed)
    assert (await handle.describe()).status is WorkflowExecutionStatus.CANCELED
    held = len(world.inbox.held())
    await asyncio.sleep(1)
    assert len(world.inbox.held()) == held, "something left after the end"
    progress = await assert_promise(world, client, campaign_id, most_doubts=most_doubts)
    assert progress.status == "cancelled"
    assert "report.md" in progress.artifacts
    sent, doubts = progress.messages.sent, progress.messages.in_doubt
    assert progress.leads.get("cancelled", 0) == sum(progress.leads.values()) - sent - doubts
    return progress


def closed_window() -> CampaignSpec:
    """A campaign that waits: its window opens the day after tomorrow."""
    day = (datetime.now(UTC) + timedelta(days=2)).strftime("%a").lower()
    return spec(connections=CONNECTIONS, window={"days": day})


@pytest.mark.parametrize("way", ["outrider", "signal", "temporal"])
async def test_cancelled_with_windows_in_flight(world: World, way: str) -> None:
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.2})
    world.start_worker()
    temporal = await connect(world.settings)
    async with world.client() as client:
        started = await client.create(spec(connections=CONNECTIONS), people(LEADS))
        await sent_so_far(client, started.campaign_id, 20)
        await cancel(way, client, temporal, started.campaign_id)
        progress = await assert_cancelled(world, client, temporal, started.campaign_id, most_doubts=0)
    assert 20 <= progress.messages.sent < LEADS


@pytest.mark.parametrize("way", ["outrider", "signal", "temporal"])
async def test_cancelled_while_it_waits(world: World, way: str) -> None:
    world.start_worker()
    temporal = await connect(world.settings)
    async with world.client() as client:
        started = await client.create(closed_window(), people(LEADS))
        async for progress in client.follow(started.campaign_id):
            if progress.status == "waiting":
                break
        await cancel(way, client, temporal, started.campaign_id)
        progress = await assert_cancelled(world, client, temporal, started.campaign_id, most_doubts=0)
    assert progress.leads == {"cancelled": LEADS}
    assert world.inbox.held() == []


@pytest.mark.parametrize("way", ["outrider", "signal", "temporal"])
async def test_cancelled_during_review(world: World, way: str) -> None:
    world.start_worker()
    temporal = await connect(world.settings)
    async with world.client() as client:
        started = await client.create(spec(review={"mode": "all"}), people(LEADS))
        async for progress in client.follow(started.campaign_id):
            if progress.undecided == LEADS:
                break
        await cancel(way, client, temporal, started.campaign_id)
        progress = await assert_cancelled(world, client, temporal, started.campaign_id, most_doubts=0)
    assert progress.leads == {"cancelled": LEADS}
    assert world.inbox.held() == []


@pytest.mark.timeout(TEST_SECONDS)
async def test_a_frozen_worker_that_wakes_up_after_the_end_sends_nothing(world: World) -> None:
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.2})
    temporal = await connect(world.settings)
    async with world.client() as client:
        started = await client.create(spec(connections=CONNECTIONS), people(5 * LEADS))
        zombie = world.start_worker()
        await sent_so_far(client, started.campaign_id, 20)
        freeze(world, zombie)
        world.start_worker()
        await client.cancel(started.campaign_id, "enough")
        await client.result(started.campaign_id)
        before = len(world.inbox.held())
        zombie.send_signal(signal.SIGCONT)
        await asyncio.sleep(3)
        assert len(world.inbox.held()) - before <= CONNECTIONS, "only what was in hand when it froze"
        progress = await assert_cancelled(world, client, temporal, started.campaign_id, most_doubts=CONNECTIONS)
    assert progress.messages.sent + progress.messages.in_doubt < 5 * LEADS
