"""kill -9 while people are searched for and read about: nobody missing, nobody twice, no page asked for again."""

import asyncio
import random
import signal
from collections import Counter
from pathlib import Path

import pytest
import raw_rows
from local_world import World, searching, until
from truth_table import answered, assert_exact, truth

from activities.discovery import NEW_PEOPLE

KILLING_WORKER = str(Path(__file__).with_name("killing_worker.py"))
MANY = ("--people", "600", "--repositories", "900", "--focus", "0.6")
CONNECTIONS = 20
"""Doubts that a kill may leave once mails are sent: the stages overlap."""

IN_FLIGHT = 4
"""Windows of a stage, and requests of a process."""


def twice(pages: Counter[tuple[str, str]]) -> int:
    """How many answers nobody needed."""
    return sum(count - 1 for count in pages.values())


def stored(world: World, column: str, table: str, condition: str = "1 = 1") -> set[str]:
    """Identities that the rows of a dead worker hold."""
    found = raw_rows.rows(world.settings.database(), f"SELECT {column} AS one FROM {table} WHERE {condition}")  # noqa: S608
    return {row["one"].removeprefix("github:") for row in found}


def assert_once(parts: Counter[tuple[str, str]], of: set[str], most: int = 2) -> None:
    """What was stored before the worker died was never asked for again; what was in flight, once for each death."""
    assert of & {identity for identity, _ in parts}, "something was asked for and stored"
    assert [one for one, count in parts.items() if one[0] in of and count > 1] == []
    assert max(parts.values()) <= most


@pytest.mark.parametrize(
    ("point", "occasion"),
    [("after_page", 1), ("after_storing_page", 1), ("after_page", 5)],
)
async def test_killed_at_a_page_it_is_asked_for_once_more_at_most(world: World, point: str, occasion: int) -> None:
    """The first occasion is in the first attempt at a slice."""
    github = world.start_github(*MANY)
    doomed = world.start_worker(KILLING_WORKER, point, str(occasion))
    async with world.client() as client:
        started = await client.create(searching(), [])
        assert await asyncio.to_thread(doomed.wait, 30) == -signal.SIGKILL
        repositories = stored(world, "identity", "repositories")
        world.start_worker()
        await client.result(started.campaign_id)
        people = truth(github, await client.get(started.campaign_id))
        await assert_exact(world, client, started.campaign_id, people, most_doubts=CONNECTIONS)
    again = twice(answered(github, "Discover"))
    assert again == (1 if point == "after_page" else 0)
    if repositories:
        assert_once(answered(github, "History"), repositories)


@pytest.mark.parametrize("point", ["after_profiles", "after_storing_profiles"])
async def test_killed_at_a_batch_of_profiles(world: World, point: str) -> None:
    github = world.start_github(*MANY)
    doomed = world.start_worker(KILLING_WORKER, point, "2")
    async with world.client() as client:
        started = await client.create(searching(), [])
        assert await asyncio.to_thread(doomed.wait, 30) == -signal.SIGKILL
        asked = github.get("/requests")["operations"]["Enrich"]["asked"]
        read = stored(world, "source_identity", "leads", "enriched_at IS NOT NULL")
        world.start_worker()
        await client.result(started.campaign_id)
        people = truth(github, await client.get(started.campaign_id))
        await assert_exact(world, client, started.campaign_id, people, most_doubts=CONNECTIONS)
    assert twice(answered(github, "Discover")) <= 1, "the page in hand: people are handed on while it is searched"
    assert_once(answered(github, "Enrich"), read)
    report = github.get("/requests")
    batches = -(-len(people) // 100) + -(-len(people) // NEW_PEOPLE)
    assert report["operations"]["Enrich"]["asked"] <= batches + min(asked, IN_FLIGHT)


@pytest.mark.timeout(120)
async def test_killed_again_and_again_at_random_moments(world: World) -> None:
    kills = 3
    moments = random.Random(4)  # noqa: S311 repeatable moments, no secrets
    github = world.start_github(*MANY, "--latency-ms", "150")
    async with world.client() as client:
        started = await client.create(searching(), [])
        for kill in range(kills):
            worker = world.start_worker()
            before = github.get("/requests")["operations"].get("Discover", {"asked": 0})["asked"]

            async def asked(before: int = before) -> bool:
                return bool(github.get("/requests")["operations"].get("Discover", {"asked": 0})["asked"] > before)

            await until(asked)
            await asyncio.sleep(moments.uniform(0, 0.8))
            worker.kill()
            await asyncio.to_thread(worker.wait)
            assert kill == kills - 1 or (await client.progress(started.campaign_id)).status == "running"
        world.start_worker()
        await client.result(started.campaign_id)
        people = truth(github, await client.get(started.campaign_id))
        await assert_exact(world, client, started.campaign_id, people, most_doubts=kills * CONNECTIONS)
    assert twice(answered(github, "Discover")) <= kills * IN_FLIGHT
    for operation in ("Discover", "History", "Enrich"):
        assert max(answered(github, operation).values()) <= kills + 1, operation
