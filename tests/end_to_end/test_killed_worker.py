"""kill -9 at every step of a send: nobody lost, nobody twice, and every doubt is listed."""

import asyncio
import random
import signal
from pathlib import Path

import pytest
from local_world import World, assert_promise, people, sent_so_far, spec, until

KILLING_WORKER = str(Path(__file__).with_name("killing_worker.py"))
CONNECTIONS = 20


@pytest.mark.parametrize(
    ("point", "occasion", "most_doubts"),
    [
        ("before_claim", 1, 0),
        ("after_claim", 1, 0),
        ("after_transmitting", 70, CONNECTIONS),
        ("mid_body", 70, CONNECTIONS),
        ("after_250", 70, CONNECTIONS),
    ],
)
async def test_killed_at_every_step_nobody_is_lost_and_nobody_written_to_twice(
    world: World, point: str, occasion: int, most_doubts: int
) -> None:
    doomed = world.start_worker(KILLING_WORKER, point, str(occasion))
    async with world.client() as client:
        started = await client.create(spec(connections=CONNECTIONS), people(300))
        assert await asyncio.to_thread(doomed.wait, 30) == -signal.SIGKILL
        world.start_worker()
        await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=most_doubts)
    assert progress.messages.sent + progress.messages.in_doubt == 300
    if most_doubts:
        assert progress.messages.in_doubt >= 1, "the mail in hand at the kill is doubtful"


@pytest.mark.timeout(600)
async def test_twenty_kills_at_random_moments_of_one_campaign(world: World) -> None:
    kills, leads = 20, 2000
    moments = random.Random(20)  # noqa: S311 repeatable moments, no secrets
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.05})
    async with world.client() as client:
        started = await client.create(spec(connections=CONNECTIONS), people(leads))
        sent = 0
        for _ in range(kills):
            worker = world.start_worker()
            sent = (await sent_so_far(client, started.campaign_id, min(sent + 1, leads))).messages.sent
            await asyncio.sleep(moments.uniform(0, 0.15))
            worker.kill()
            await asyncio.to_thread(worker.wait)
        world.inbox.faults()
        world.start_worker()
        await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=kills * CONNECTIONS)
    assert progress.messages.sent + progress.messages.in_doubt == leads


async def test_a_worker_killed_while_it_writes_down_a_pause_delays_it_by_seconds(world: World) -> None:
    """The next worker writes it down as soon as the heartbeat is missed, and then a resumption as quickly as ever."""
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.2})
    doomed = world.start_worker(KILLING_WORKER, "write_control", "1")
    async with world.client() as client:
        started = await client.create(spec(connections=CONNECTIONS), people(600))
        await sent_so_far(client, started.campaign_id, 20)
        await client.pause(started.campaign_id, "a test", "dana")
        assert await asyncio.to_thread(doomed.wait, 30) == -signal.SIGKILL
        world.start_worker()

        async def is_paused() -> bool:
            return (await client.progress(started.campaign_id)).status == "paused"

        await until(is_paused, seconds=15)
        world.inbox.faults()
        await client.resume(started.campaign_id, "fine", "dana")
        await asyncio.wait_for(client.result(started.campaign_id), 30)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=CONNECTIONS)
    assert progress.messages.sent + progress.messages.in_doubt == 600
    assert progress.pauses == 1
