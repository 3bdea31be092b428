"""Paused, cancelled or frozen while people are searched for and read about: nothing is asked, lost or double."""

import asyncio
import signal
import time
from typing import Any

import pytest
from frozen import TEST_SECONDS, freeze
from local_github import LocalGitHub
from local_world import World, searching, until
from temporalio.client import WorkflowHandle
from truth_table import answered, assert_dense, assert_exact, at_work_on, delivered, truth

from client.adapters import Storage, open_storage
from client.connection import connect
from domain.campaign import CampaignSpec
from providers.github.api import IN_FLIGHT

POPULATION = ("--people", "600", "--repositories", "400", "--focus", "0.7", "--latency-ms", "50")
LONGEST_SECONDS = 2.0
REPOSITORIES = 90


def calls(github: LocalGitHub) -> int:
    """How much was asked so far."""
    found: int = github.get("/requests")["calls"].get("graphql", 0)
    return found


def names_in(github: LocalGitHub) -> list[str]:
    """Repositories with commits: each is one call, so the search takes a while."""
    names: list[str] = github.get("/truth", language="Python", topic="testing")["active_repositories"]
    return names[:REPOSITORIES]


def about(repositories: list[str]) -> CampaignSpec:
    """A campaign for the people of these repositories."""
    plain = searching().model_dump(mode="json", by_alias=True, exclude_defaults=True)
    audience = {"source": "repositories", "repositories": repositories, "max_leads": 50_000}
    return CampaignSpec.model_validate(plain | {"audience": audience})


async def asked(github: LocalGitHub, at_least: int, operation: str = "NamedRepository") -> None:
    """Wait until so much was asked."""

    async def so_much() -> bool:
        return bool(github.get("/requests")["operations"].get(operation, {"asked": 0})["asked"] >= at_least)

    await until(so_much)


async def pause_once(github: LocalGitHub, handle: WorkflowHandle[Any, Any]) -> float:
    """Seconds from a pause to the last call before everything is quiet; then it goes on."""
    began = last = time.monotonic()
    await handle.signal("pause", args=["a test", "dana"])
    count = calls(github)
    while (now := time.monotonic()) - last < LONGEST_SECONDS:
        if (newer := calls(github)) != count:
            count, last = newer, now
        await asyncio.sleep(0.02)
    await handle.signal("resume", args=["a test", "dana"])
    return last - began


async def test_pauses_stop_every_call_within_two_seconds_and_counts_are_exact(world: World) -> None:
    github = world.start_github(*POPULATION)
    world.start_worker()
    names = names_in(github)
    lasted = []
    async with world.client() as client:
        started = await client.create(about(names), [])
        handle = (await connect(world.settings)).get_workflow_handle(started.campaign_id)
        for part in (5, 30, 60):
            await asked(github, part)
            lasted.append(await pause_once(github, handle))
        github.faults({"action": "delay", "seconds": 0.5, "operation": "Enrich"})
        await asked(github, 1, "Enrich")
        lasted.append(await pause_once(github, handle))
        await client.result(started.campaign_id)
        people = at_work_on(truth(github, await client.get(started.campaign_id)), names)
        await assert_exact(world, client, started.campaign_id, people)
        progress = await client.progress(started.campaign_id)
    assert max(lasted) < LONGEST_SECONDS, lasted
    assert progress.pauses == 4
    twice = sum(one["answered"] - 1 for one in github.get("/requests")["answered_twice"])
    assert twice <= progress.pauses * 2 * IN_FLIGHT, "a page whose commits were not all read is given back"


@pytest.mark.parametrize("operation", ["NamedRepository", "Enrich"])
async def test_after_a_cancellation_nobody_is_asked_and_the_report_is_written(world: World, operation: str) -> None:
    github = world.start_github(*POPULATION)
    github.faults({"action": "delay", "seconds": 2, "operation": "Enrich"})  # it must not end before it is cancelled
    world.start_worker()
    async with world.client() as client:
        started = await client.create(about(names_in(github)), [])
        await asked(github, 20 if operation == "NamedRepository" else 2, operation)
        await client.cancel(started.campaign_id, "enough")
        report = await client.result(started.campaign_id)
        count = calls(github)
        await asyncio.sleep(1)
        assert calls(github) == count, "somebody was asked after the end"
        progress = await client.progress(started.campaign_id)
        recipients = await delivered(world, client, started.campaign_id)
    assert report.adds_up
    assert progress.status == "cancelled"
    assert "report.md" in progress.artifacts
    assert progress.leads["cancelled"] > 0
    assert len(recipients) == progress.leads.get("contacted", 0)
    rows = assert_dense(world, started.campaign_id)
    assert sum(progress.leads.values()) == len(rows)
    assert not progress.leads.get("open")


@pytest.mark.timeout(TEST_SECONDS)
async def test_a_frozen_worker_that_wakes_up_after_another_has_finished_changes_nothing(world: World) -> None:
    github = world.start_github(*POPULATION)
    names = names_in(github)
    async with world.client() as client, open_storage(world.settings) as storage:
        started = await client.create(about(names), [])
        frozen = world.start_worker()
        await asked(github, 10)
        freeze(world, frozen)
        world.start_worker()
        await client.result(started.campaign_id)
        before = await state(storage, world, started.campaign_id)
        frozen.send_signal(signal.SIGCONT)
        await asyncio.sleep(2)
        assert await state(storage, world, started.campaign_id) == before
        people = at_work_on(truth(github, await client.get(started.campaign_id)), names)
        await assert_exact(world, client, started.campaign_id, people)
    assert not answered(github, "Discover")
    report = github.get("/requests")
    assert sum(one["answered"] - 1 for one in report["answered_twice"]) <= 2 * IN_FLIGHT, (
        "pages in hand when it froze, with what was read of their commits"
    )


async def state(storage: Storage, world: World, campaign_id: str) -> tuple[object, ...]:
    """Everything that a second look may not change.

    By the rows alone: while one of two workers is frozen, whoever asks the workflow may get no answer from it.
    """
    progress = await storage.progress.read(campaign_id)
    return progress.leads, progress.stages, assert_dense(world, campaign_id), world.inbox.held()
