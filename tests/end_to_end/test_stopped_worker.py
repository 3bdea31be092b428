"""Deploys and frozen machines: SIGTERM finishes the mail in hand, a zombie that wakes up writes to nobody twice."""

import asyncio
import signal
import time

import pytest
from frozen import TEST_SECONDS, freeze
from local_world import World, assert_promise, people, sent_so_far, spec

CONNECTIONS = 5
HEARTBEAT_TIMEOUT = 10


async def test_sigterm_with_a_slow_relay_loses_nobody_and_leaves_no_doubt(world: World) -> None:
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 2})
    async with world.client() as client:
        started = await client.create(spec(connections=CONNECTIONS), people(60))
        for sent in (5, 15):
            worker = world.start_worker()
            await sent_so_far(client, started.campaign_id, sent)
            began = time.monotonic()
            worker.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(worker.wait, 40) == 0
            assert time.monotonic() - began < 10, "only the mail in hand is finished"
            assert (await client.progress(started.campaign_id)).messages.transmitting == 0
        world.inbox.faults()
        world.start_worker()
        await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=0)
    assert progress.messages.sent == 60


@pytest.mark.timeout(TEST_SECONDS)
async def test_a_frozen_worker_that_wakes_up_after_the_takeover_writes_to_nobody_twice(world: World) -> None:
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.1})
    async with world.client() as client:
        started = await client.create(spec(connections=CONNECTIONS), people(300))
        frozen = world.start_worker()
        await sent_so_far(client, started.campaign_id, 50)
        freeze(world, frozen)
        world.start_worker()
        before = (await client.progress(started.campaign_id)).messages.sent
        await asyncio.sleep(HEARTBEAT_TIMEOUT)
        await sent_so_far(client, started.campaign_id, before + 50)
        frozen.send_signal(signal.SIGCONT)
        await client.result(started.campaign_id)
        await asyncio.sleep(2)  # what the thawed worker still has in hand comes to its end
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=CONNECTIONS)
    assert progress.messages.sent + progress.messages.in_doubt == 300
