"""kill -9 of the Temporal server and a restart on its file: the campaign goes on by itself."""

import asyncio

from local_world import World, assert_promise, people, sent_so_far, spec


async def test_a_killed_temporal_server_delays_and_loses_nothing(world: World) -> None:
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.05})
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(connections=10), people(600))
        await sent_so_far(client, started.campaign_id, 100)
        assert world.temporal is not None
        world.temporal.kill()
        await asyncio.to_thread(world.temporal.wait)
        await asyncio.sleep(2)
        world.start_temporal()
        async with world.client() as again:
            await again.result(started.campaign_id)
            progress = await assert_promise(world, again, started.campaign_id, most_doubts=0)
    assert progress.messages.sent == 600
