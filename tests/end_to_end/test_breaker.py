"""Too many refusals pause the campaign with the reason; whoever resumes it is on record, and judgement begins anew."""

from local_world import World, assert_promise, people, spec, until

from client.campaigns import CampaignClient
from domain.progress import Progress

LEADS = 1_000
UNKNOWN = {"at": "rcpt", "action": "reply", "code": 550, "enhanced": "5.1.1", "every": 5}


async def paused(client: CampaignClient, campaign_id: str) -> Progress:
    """The progress once the campaign has paused itself and nothing is in hand any more."""

    async def stands_still() -> bool:
        progress = await client.progress(campaign_id)
        return progress.status == "paused" and progress.messages.transmitting == progress.messages.claimed == 0

    await until(stands_still)
    return await client.progress(campaign_id)


async def test_bounces_pause_the_campaign_and_a_person_lets_it_go_on(world: World) -> None:
    world.inbox.faults(UNKNOWN)
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(connections=2, pause_above={"bounces": "5%"}), people(LEADS))
        first = await paused(client, started.campaign_id)
        assert first.paused is not None
        assert first.paused.by == "breaker bounces"
        assert first.paused.reason.startswith("bounces ")
        assert "limit 5 %" in first.paused.reason
        assert first.messages.failed > 0
        assert first.messages.scheduled > 0, "it paused before everybody was written to"
        world.inbox.faults()
        await client.resume(started.campaign_id, "cleaned the list", "dana")
        await client.result(started.campaign_id)
        last = await assert_promise(world, client, started.campaign_id, most_doubts=0)
    assert last.status == "completed"
    assert last.pauses_by == {"breaker bounces": 1}, "what was bad before the resumption is not judged again"
    assert last.messages.sent + last.messages.failed == LEADS
