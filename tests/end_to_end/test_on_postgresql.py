"""The same campaigns on PostgreSQL, with several workers: delivered, and through kills of a worker or of the server."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import raw_rows
from databases import postgres_databases
from local_world import World, assert_promise, new_world, people, searching, spec, until
from truth_table import answered, assert_exact, truth

from client.adapters import migrate
from client.campaigns import CampaignClient
from domain.errors import Unreachable

KILLING_WORKER = str(Path(__file__).with_name("killing_worker.py"))
MANY = ("--people", "600", "--repositories", "900", "--focus", "0.6")
CONNECTIONS = 20


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world whose rows are on a server."""
    with postgres_databases() as databases, databases.new() as url, new_world(tmp_path, database_url=url) as world:
        await migrate(world.settings)
        yield world
    assert not (tmp_path / "outrider.db").exists(), "the rows are on the server"


async def test_two_workers_deliver_a_campaign(world: World) -> None:
    world.start_worker()
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(), people(500))
        await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=0)
    assert progress.messages.sent == 500
    assert progress.leads == {"contacted": 500}
    assert {recipient for _, recipient in world.inbox.held()} == {lead.email for lead in people(500)}


@pytest.mark.parametrize("point", ["after_transmitting", "after_250"])
async def test_killed_in_the_middle_of_sending_nobody_is_lost_and_nobody_written_to_twice(
    world: World, point: str
) -> None:
    doomed = world.start_worker(KILLING_WORKER, point, "70")
    async with world.client() as client:
        started = await client.create(spec(connections=CONNECTIONS), people(300))
        assert await asyncio.to_thread(doomed.wait, 30) == -signal.SIGKILL
        world.start_worker()
        await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=CONNECTIONS)
    assert progress.messages.sent + progress.messages.in_doubt == 300
    assert progress.messages.in_doubt >= 1, "the mail in hand at the kill is doubtful"


@pytest.mark.parametrize("point", ["after_page", "after_storing_page", "after_profiles", "after_storing_profiles"])
async def test_killed_while_it_searches_nobody_is_missing_and_nobody_twice(world: World, point: str) -> None:
    github = world.start_github(*MANY)
    doomed = world.start_worker(KILLING_WORKER, point, "2")
    async with world.client() as client:
        started = await client.create(searching(), [])
        assert await asyncio.to_thread(doomed.wait, 30) == -signal.SIGKILL
        world.start_worker()
        await client.result(started.campaign_id)
        people = truth(github, await client.get(started.campaign_id))
        await assert_exact(world, client, started.campaign_id, people, most_doubts=CONNECTIONS)
    again = sum(count - 1 for count in answered(github, "Discover").values())
    assert again == 1 if point == "after_page" else again <= 1, "the page in hand"


@pytest.mark.parametrize("operation", ["Discover", "Enrich"])
async def test_a_server_that_crashes_during_a_search_delays_it(world: World, operation: str) -> None:
    """A server of which one process is killed ends all sessions and recovers from its log."""
    github = world.start_github(*MANY, "--latency-ms", "100")
    world.start_worker()

    async def asked() -> bool:
        return bool(github.get("/requests")["operations"].get(operation, {"asked": 0})["asked"] >= 2)

    async with world.client() as client:
        started = await client.create(searching(), [])
        await until(asked)
        (session,) = raw_rows.rows(
            world.settings.database(), "SELECT pid FROM pg_stat_activity WHERE application_name = 'outrider' LIMIT 1"
        )
        os.kill(session["pid"], signal.SIGKILL)
        await ended(client, started.campaign_id)
        await assert_exact(world, client, started.campaign_id, truth(github, await client.get(started.campaign_id)))


async def ended(client: CampaignClient, campaign_id: str) -> None:
    """Wait for the end, as somebody who asks again after a server's crash."""
    for _ in range(30):
        try:
            await client.result(campaign_id)
        except Unreachable:
            await asyncio.sleep(1)
        else:
            return
    raise AssertionError("the server did not come back")
