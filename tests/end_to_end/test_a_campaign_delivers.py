"""500 people from a list: everybody in one final state, and the inbox holds exactly what the ledger calls sent."""

from local_world import World, assert_promise, people, spec


async def test_every_lead_ends_in_one_state_and_the_inbox_holds_what_the_ledger_calls_sent(world: World) -> None:
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(), people(500))
        await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=0)
    assert progress.messages.sent == 500
    assert progress.leads == {"contacted": 500}
    assert {recipient for _, recipient in world.inbox.held()} == {lead.email for lead in people(500)}
