"""A workflow that somebody terminated is taken up again: the rows say what is done."""

import asyncio

from local_world import World, assert_promise, people, sent_so_far, spec, until

from client.adapters import open_storage
from client.campaigns import CampaignClient
from client.connection import connect
from domain.campaign import CampaignStatus, Stage
from domain.wire import Control


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


async def terminated_while_it_ends(world: World, client: CampaignClient) -> str:
    """A campaign that somebody cancelled, and whose workflow somebody terminated before it wrote its report."""
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 3})
    world.start_worker()
    started = await client.create(spec(connections=5), people(200))

    async def in_hand() -> bool:
        return len(world.inbox.held()) == 5

    async def ending() -> bool:
        return (await client.get(started.campaign_id)).control is Control.END

    await until(in_hand)
    await client.cancel(started.campaign_id, "enough")
    await until(ending)
    await (await connect(world.settings)).get_workflow_handle(started.campaign_id).terminate()
    assert (await client.get(started.campaign_id)).status not in (CampaignStatus.COMPLETED, CampaignStatus.CANCELLED)
    return started.campaign_id


async def test_a_cancelled_campaign_that_is_taken_up_again_only_comes_to_its_end(world: World) -> None:
    async with world.client() as client:
        campaign_id = await terminated_while_it_ends(world, client)
        assert (await client.start(campaign_id)).run_id
        await client.result(campaign_id)
        await asyncio.sleep(3.5)
        progress = await assert_promise(world, client, campaign_id, most_doubts=5)
        assert not (await client.start(campaign_id)).run_id, "it has ended"
    assert progress.status == "cancelled"
    assert len(world.inbox.held()) == 5, "what was in hand, and nothing after it"


async def test_a_terminated_campaign_can_be_cancelled(world: World) -> None:
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.1})
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(connections=5), people(200))
        await sent_so_far(client, started.campaign_id, 20)
        await (await connect(world.settings)).get_workflow_handle(started.campaign_id).terminate()
        answer = await client.cancel(started.campaign_id, "enough", "dana")
        assert answer.line == f"{started.campaign_id} is being cancelled"
        await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=5)
    async with open_storage(world.settings) as storage:
        events = await storage.exports.audit(started.campaign_id)
    assert (progress.status, progress.leads["cancelled"]) == ("cancelled", 200 - len(world.inbox.held()))
    assert [(row["by"], row["reason"]) for row in events if row["kind"] == "cancelled" and not row["lead_number"]] == [
        ("dana", "enough")
    ]


async def test_rows_that_do_not_know_of_the_end_keep_nobody_waiting(world: World) -> None:
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(), people(10))
        await client.result(started.campaign_id)
        await (await connect(world.settings)).get_workflow_handle(started.campaign_id).result()
        async with open_storage(world.settings) as storage:  # as a retry that was killed half-way leaves it
            await storage.campaigns.set_status(started.campaign_id, CampaignStatus.QUEUED, Stage.SENDING)
        async with asyncio.timeout(10):
            await client.result(started.campaign_id)
        assert (await client.progress(started.campaign_id)).status == "completed"
