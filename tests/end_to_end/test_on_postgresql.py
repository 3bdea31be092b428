"""The same campaigns on PostgreSQL, with several workers: delivered, and through a kill -9 in the middle of sending."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from databases import postgres_databases
from local_world import World, assert_promise, new_world, people, spec

from client.adapters import migrate

KILLING_WORKER = str(Path(__file__).with_name("killing_worker.py"))
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
