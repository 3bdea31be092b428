"""What relays do: put mails off, go away, drop connections, refuse people or senders."""

import pytest
from local_world import World, assert_promise, people, sent_so_far, spec


async def test_600_times_451_is_tried_again_until_everybody_has_the_mail(world: World) -> None:
    world.inbox.faults({"at": "rcpt", "action": "reply", "code": 451, "enhanced": "4.7.1", "first": 600})
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(), people(500))
        report = await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=0)
    assert progress.messages.sent == 500
    assert report.relay_deferrals == 600


async def test_a_relay_that_refuses_for_three_seconds_needs_nobody(world: World) -> None:
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.02})
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(connections=5), people(400))
        await sent_so_far(client, started.campaign_id, 50)
        world.inbox.faults({"at": "connect", "action": "refuse_connections", "seconds": 3, "close_open": True})
        await client.result(started.campaign_id)
        # A mail whose connection was closed while its text was on the way is doubtful, and only that one.
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=5)
    assert progress.messages.sent + progress.messages.in_doubt == 400


async def test_a_relay_that_is_down_for_long_is_waited_for_and_the_wait_is_shown(world: World) -> None:
    world.inbox.faults({"at": "connect", "action": "refuse_connections", "seconds": 22})
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(connections=5), people(50))
        async for progress in client.follow(started.campaign_id, every=0.1):
            if progress.waiting_for:
                break
        assert progress.status == "waiting"
        assert progress.waiting_for[0].reason == "relay_unreachable"
        assert progress.waiting_for[0].until is not None
        await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=0)
    assert progress.messages.sent == 50
    assert progress.waiting_for == []


@pytest.mark.parametrize("when", ["data", "body"])
async def test_a_connection_dropped_before_the_text_is_complete(world: World, when: str) -> None:
    """Before the text begins nothing can have arrived, so the mail is sent again; in its middle nobody can know."""
    world.inbox.faults({"at": when, "action": "drop", "every": 50} | ({"after_bytes": 200} if when == "body" else {}))
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(), people(500))
        await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=10)
    assert progress.messages.in_doubt == (0 if when == "data" else 10)
    assert progress.messages.sent + progress.messages.in_doubt == 500


async def test_a_connection_dropped_after_the_final_dot_is_listed_and_never_sent_again(world: World) -> None:
    world.inbox.faults({"at": "reply", "action": "drop", "every": 50})
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(), people(500))
        await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=10)
    assert progress.messages.in_doubt == 10
    assert progress.messages.sent == 490
    assert len(world.inbox.held()) == 500, "all ten had arrived: sending again would have been twice"


async def test_a_hard_bounce_suppresses_the_person_and_nobody_else(world: World) -> None:
    gone = {"at": "rcpt", "action": "reply", "code": 550, "enhanced": "5.1.1", "recipient": "person7@example.com"}
    world.inbox.faults(gone)
    world.start_worker()
    async with world.client() as client:
        first = await client.create(spec(), people(50))
        await client.result(first.campaign_id)
        progress = await assert_promise(world, client, first.campaign_id, most_doubts=0)
        assert progress.leads == {"contacted": 49, "failed:hard_bounce": 1}
        world.inbox.faults()
        second = await client.create(spec(), people(8))
        await client.result(second.campaign_id)
        leads = (await client.progress(second.campaign_id)).leads
    assert leads == {"skipped:contacted_recently": 7, "skipped:suppressed": 1}


async def test_a_refused_sender_stops_the_mailbox_and_blames_nobody(world: World) -> None:
    world.inbox.faults({"at": "mail", "action": "reply", "code": 550, "enhanced": "5.7.1"})
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(connections=5), people(50))
        async for progress in client.follow(started.campaign_id, every=0.1):
            if progress.waiting_for:
                break
        assert progress.waiting_for[0].reason == "mailbox_stopped"
        assert progress.waiting_for[0].command == "outrider mailbox resume relay"
        world.inbox.faults()
        await client._storage.mailboxes.resume("relay")
        await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=0)
    assert progress.messages.sent == 50
