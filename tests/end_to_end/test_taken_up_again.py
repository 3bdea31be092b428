"""A workflow that somebody terminated is taken up again: the rows say what is done."""

from local_world import World, assert_promise, people, sent_so_far, spec

from client.connection import connect


async def test_a_terminated_campaign_goes_on_where_the_rows_say_and_writes_to_nobody_twice(world: World) -> None:
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.05})
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(connections=5), people(200))
        await sent_so_far(client, started.campaign_id, 50)
        temporal = await connect(world.settings)
        await temporal.get_workflow_handle(started.campaign_id).terminate()
        assert (await client.progress(started.campaign_id)).status == "failed"
        again = await client.start(started.campaign_id)
        assert again.run_id != started.run_id
        await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=5)
    assert progress.status == "completed"
    assert progress.messages.sent + progress.messages.in_doubt == 200


async def test_a_workflow_that_runs_or_is_done_is_left_as_it_is(world: World) -> None:
    async with world.client() as client:
        started = await client.create(spec(), people(10))
        assert (await client.start(started.campaign_id)).run_id == started.run_id
        world.start_worker()
        await client.result(started.campaign_id)
        await client.start(started.campaign_id)
        await assert_promise(world, client, started.campaign_id, most_doubts=0)
    assert len(world.inbox.held()) == 10
