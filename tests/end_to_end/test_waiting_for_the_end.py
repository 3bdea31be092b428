"""Whoever waits for a campaign's report gets it once there is an end; until then nobody is counted."""

import asyncio

from local_world import World, people, sent_so_far, spec
from sqlalchemy import event

from client.campaigns import CampaignClient
from client.connection import connect


async def waiting(client: CampaignClient, campaign_id: str) -> list[str]:
    """What three seconds' wait for the end of a campaign that goes on asks the database."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT"):
            asked.append(" ".join(statement.split()))

    engine = client._storage.campaigns._database.backend.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        async with asyncio.timeout(3):
            await client.result(campaign_id)
    except TimeoutError:
        return asked
    finally:
        event.remove(engine, "before_cursor_execute", note)
    raise AssertionError("it has ended")


async def test_who_waits_reads_the_campaigns_row_and_counts_nobody(world: World) -> None:
    async with world.client() as client:
        started = await client.create(spec(), people(20))
        asked = await waiting(client, started.campaign_id)
        assert len(asked) >= 2
        assert [statement for statement in asked if " FROM campaigns WHERE" not in statement] == []
        world.start_worker()
        report = await client.result(started.campaign_id)
    assert report.adds_up
    assert report.lead_total == 20


async def test_who_waits_for_a_workflow_that_somebody_terminates_does_not_wait_for_ever(world: World) -> None:
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.05})
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(connections=5), people(200))
        result = asyncio.create_task(client.result(started.campaign_id))
        await sent_so_far(client, started.campaign_id, 20)
        assert not result.done()
        await (await connect(world.settings)).get_workflow_handle(started.campaign_id).terminate()
        report = await asyncio.wait_for(result, 5)
    assert 20 <= report.messages.sent < 200
