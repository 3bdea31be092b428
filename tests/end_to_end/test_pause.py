"""A pause at any moment stops every tool call within two seconds and loses nothing."""

import asyncio
import random
import time
from pathlib import Path

import pytest
from local_world import World, assert_promise, people, sent_so_far, spec
from temporalio.client import WorkflowHandle

from client.connection import connect

NOTING_WORKER = str(Path(__file__).parents[2] / "benchmarks" / "harness" / "noting_worker.py")
LONGEST_SECONDS = 2.0


def last_call(world: World) -> tuple[int, float]:
    """How many tool calls have begun, and when the last one did."""
    calls = (world.home / "calls.log").read_text().splitlines()
    return len(calls), float(calls[-1].split()[1]) if calls else 0.0


async def when_quiet(world: World) -> tuple[int, float]:
    """`last_call`, once nothing has been called for longer than a pause may take."""
    while True:
        calls, at = last_call(world)
        await asyncio.sleep(0.2)
        if time.time() - at > LONGEST_SECONDS and last_call(world)[0] == calls:
            return calls, at


async def pause_once(world: World, handle: WorkflowHandle[object, object]) -> float:
    """Seconds from a pause to the begin of the last tool call before everything is quiet; then it goes on."""
    asked = time.time()
    await handle.signal("pause", args=["a test", "dana"])
    _, at = await when_quiet(world)
    await handle.signal("resume")
    return at - asked


@pytest.mark.timeout(300)
async def test_twenty_pauses_at_random_moments_and_exact_counts(world: World) -> None:
    """50 ms a draft, 200 ms a mail, four windows of each stage in flight."""
    moments = random.Random(20)  # noqa: S311 repeatable moments, no secrets
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.2})
    world.start_worker(NOTING_WORKER, "0.05")
    lasted = []
    async with world.client() as client:
        started = await client.create(spec(connections=20), people(2_500))
        handle = (await connect(world.settings)).get_workflow_handle(started.campaign_id)
        await sent_so_far(client, started.campaign_id, 1)
        for _ in range(20):
            lasted.append(await pause_once(world, handle))
            await asyncio.sleep(moments.uniform(0.2, 1.2))
        world.inbox.faults()
        await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=0)
    assert max(lasted) < LONGEST_SECONDS, sorted(lasted)
    assert progress.messages.sent == 2_500
    assert progress.pauses == 20
    assert sum(1 for line in (world.home / "calls.log").read_text().splitlines() if line.startswith("draft")) == 2_500
