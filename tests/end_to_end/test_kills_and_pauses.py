"""Months of trouble in minutes: kills, pauses and new runs of the workflow, and still exact counts."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from local_world import World, assert_promise, new_world, people, spec

from client.adapters import migrate
from client.connection import connect

CONNECTIONS = 20
LEADS = 5_000
KILLS = 30
PAUSES = 9


@pytest.fixture
async def impatient_world(tmp_path: Path) -> AsyncIterator[World]:
    """Temporal wants a new run of a workflow after 300 events."""
    with new_world(tmp_path, "--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=300") as world:
        await migrate(world.settings)
        yield world


@pytest.mark.timeout(900)
async def test_thirty_kills_nine_pauses_and_forced_new_runs(impatient_world: World) -> None:
    world = impatient_world
    moments = random.Random(30)  # noqa: S311 repeatable moments, no secrets
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 1})  # it must not end before the last kill
    paused_after = {kill for kill in range(KILLS) if kill % 3 == 1 and kill < 3 * PAUSES}
    assert len(paused_after) == PAUSES
    handle = (temporal := await connect(world.settings)).get_workflow_handle("campaign-months")
    async with world.client() as client:
        started = await client.create(spec(connections=CONNECTIONS), people(LEADS), campaign_id="campaign-months")
        for kill in range(KILLS):
            worker = world.start_worker()
            await asyncio.sleep(moments.uniform(3, 9))  # a start takes two seconds, a missed heartbeat five
            if kill in paused_after:
                await handle.signal("pause", args=["a test", "dana"])
                await asyncio.sleep(moments.uniform(0, 0.8))
            worker.kill()
            await asyncio.to_thread(worker.wait)
            if kill in paused_after:
                await handle.signal("resume", args=["a test", "dana"])
            assert (await client.progress(started.campaign_id)).status not in ("completed", "failed", "cancelled")
        world.inbox.faults()
        world.start_worker()
        await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=KILLS * CONNECTIONS)
    assert progress.messages.sent + progress.messages.in_doubt == LEADS
    assert progress.pauses == PAUSES
    first = temporal.get_workflow_handle(started.campaign_id, run_id=started.run_id)
    history = await first.fetch_history()
    assert history.events[-1].HasField("workflow_execution_continued_as_new_event_attributes")
