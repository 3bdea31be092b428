"""Whatever GitHub answers, the campaign ends with exactly the people there are, or waits where everybody can see it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import raw_rows
from local_github import LocalGitHub
from local_world import World, new_world, searching
from truth_table import Person, addresses, assert_dense, assert_these, certain, sent_to, truth

from client.adapters import migrate
from client.campaigns import CampaignClient
from domain.campaign import CampaignSpec, Stage
from domain.progress import Waiting
from providers.github.api import IN_FLIGHT

FEW = ("--people", "120", "--repositories", "250", "--focus", "0.7")
AGAIN = {"contacted_within_days": 0}


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One world, and one GitHub, for the campaigns of this file, which are one after the other; nobody works yet."""
    with new_world(tmp_path_factory.mktemp("faults")) as world:
        await migrate(world.settings)
        world.start_github(*FEW)
        yield world


@pytest.fixture
def world(shared: World) -> World:
    """The shared one with a worker that GitHub has not annoyed, nobody's profile known and no faults."""
    raw_rows.execute(shared.settings.database(), "DELETE FROM people")
    github_of(shared).fresh()
    if not [worker for worker in shared.workers if worker.poll() is None]:
        shared.start_worker()
    return shared


def github_of(world: World) -> LocalGitHub:
    """The GitHub that the world has."""
    assert world.github is not None
    return world.github


def restart(world: World) -> None:
    """What an operator does who has mended the token; a new process also knows nothing of earlier waits."""
    for worker in world.workers:
        if worker.poll() is None:
            worker.kill()
            worker.wait(10)
    world.start_worker()


async def assert_found(world: World, client: CampaignClient, campaign_id: str, people: list[Person]) -> None:
    """These people, nobody twice, and those who can be written to got one mail of this campaign."""
    report = await client.result(campaign_id)
    assert report.adds_up
    assert_these(assert_dense(world, campaign_id), people)
    assert await sent_to(client, campaign_id) == addresses(people)


async def wait_of(client: CampaignClient, campaign_id: str) -> Waiting:
    """The first wait that `show` has; fails when the campaign ends without one."""
    async for progress in client.follow(campaign_id, every=0.1):
        if progress.waiting_for:
            assert progress.status == "waiting"
            return progress.waiting_for[0]
    raise AssertionError("it ended without a wait")


HEALED = {
    "403, nothing remaining": {"action": "primary_limit", "status": 403, "seconds": 2, "first": 1},
    "429, nothing remaining": {"action": "primary_limit", "status": 429, "seconds": 2, "first": 1},
    "200, nothing remaining": {"action": "primary_limit", "status": 200, "seconds": 2, "first": 1},
    "403 with retry-after": {"action": "secondary_limit", "status": 403, "seconds": 1, "first": 1},
    "429 with retry-after": {"action": "secondary_limit", "status": 429, "seconds": 1, "every": 2},
    "200 with retry-after": {"action": "secondary_limit", "status": 200, "seconds": 1, "first": 1},
    "too big, 502": {"action": "too_slow", "status": 502, "operation": "Enrich", "more_than": 9},
    "too big, 504": {"action": "too_slow", "status": 504, "first": 2},
    "too big, 200": {"action": "too_slow", "status": 200, "first": 4},
    "resource limits": {"action": "partial", "every": 2},
    "resource limits, nothing kept": {"action": "partial", "keep": 0, "first": 3},
    "moved for good": {"action": "redirect", "status": 301, "location": "/graphql?moved", "first": 1},
    "moved": {"action": "redirect", "status": 302, "location": "/graphql?moved", "every": 2},
    "moved, same method": {"action": "redirect", "status": 307, "location": "/graphql?moved", "every": 2},
    "a node that cannot be resolved": {"action": "not_found", "first": 2},
    "server error": {"action": "reply", "status": 500, "every": 2},
    "unavailable": {"action": "reply", "status": 503, "every": 2},
    "half an answer": {"action": "malformed", "every": 2},
    "hung up": {"action": "drop", "every": 2},
}


@pytest.mark.parametrize("fault", HEALED.values(), ids=HEALED)
async def test_short_trouble_is_waited_out_and_nobody_is_missed(world: World, fault: dict[str, Any]) -> None:
    github = github_of(world)
    github.faults(fault)
    async with world.client() as client:
        started = await client.create(searching(exclude=AGAIN), [])
        await client.result(started.campaign_id)
        assert github.get("/faults")[0]["applied"] >= 1
        people = truth(github, await client.get(started.campaign_id))
        assert len(addresses(people)) > 15
        await assert_found(world, client, started.campaign_id, people)


@pytest.mark.parametrize("status", [409, 451])
async def test_a_repository_that_cannot_be_shown_is_counted_and_the_others_are_read(world: World, status: int) -> None:
    github = github_of(world)
    names = truth_of_repositories(github)[:6]
    github.faults({"action": "reply", "status": status, "operation": "NamedRepository", "every": 2})
    async with world.client() as client:
        started = await client.create(named(names), [])
        report = await client.result(started.campaign_id)
        seen = await client._storage.discoveries.seen(started.campaign_id)
    assert report.adds_up
    assert (seen.gone, seen.repositories) == (3, 3)


def truth_of_repositories(github: LocalGitHub) -> list[str]:
    """Repositories with commits."""
    names: list[str] = github.get("/truth", language="Python", topic="testing")["active_repositories"]
    return names


def named(repositories: list[str]) -> CampaignSpec:
    """A campaign about repositories that are known by name."""
    plain = searching().model_dump(mode="json", by_alias=True, exclude_defaults=True)
    audience = {"source": "repositories", "repositories": repositories, "exclude": AGAIN}
    return CampaignSpec.model_validate(plain | {"audience": audience})


LONG = {
    "403, nothing remaining": ({"action": "primary_limit", "seconds": 240}, "source_limited", 240, "nobody"),
    "403 with retry-after": ({"action": "secondary_limit", "seconds": 100}, "source_limited", 100, "nobody"),
    "403, too fast": ({"action": "secondary_text", "status": 403}, "source_limited", 60, "nobody"),
    "200, too fast": ({"action": "secondary_text", "status": 200}, "source_limited", 60, "nobody"),
    "single sign-on": ({"action": "forbidden"}, "source_refused", 900, "operator"),
    "bad credentials": ({"action": "unauthorized"}, "source_refused", 900, "operator"),
    "another host": ({"action": "redirect", "location": "//example.com/graphql"}, "source_refused", 900, "operator"),
    "server error": ({"action": "reply", "status": 500}, "source_unreachable", 30, "operator"),
    "never in time": ({"action": "too_slow"}, "source_unreachable", 30, "operator"),
}


@pytest.mark.parametrize(("fault", "reason", "seconds", "who"), LONG.values(), ids=LONG)
async def test_long_trouble_is_a_wait_with_a_reason_and_then_it_goes_on(
    world: World, fault: dict[str, Any], reason: str, seconds: int, who: str
) -> None:
    github = github_of(world)
    github.faults(fault)
    async with world.client() as client:
        started = await client.create(searching(exclude=AGAIN), [])
        wait = await wait_of(client, started.campaign_id)
        assert (wait.stage, wait.reason, wait.who) == (Stage.DISCOVERY, reason, who)
        assert wait.until is not None
        assert timedelta(seconds=seconds - 10) < wait.until - datetime.now(UTC) < timedelta(seconds=seconds + 10)
        assert await sent_to(client, started.campaign_id) == set()
        github.faults()
        restart(world)
        await client.recheck(started.campaign_id)
        await assert_found(world, client, started.campaign_id, truth(github, await client.get(started.campaign_id)))


async def test_people_who_cannot_be_read_about_wait_in_enrichment_and_search_goes_on(world: World) -> None:
    github = github_of(world)
    github.faults({"action": "too_slow", "operation": "Enrich"})
    async with world.client() as client:
        started = await client.create(searching(exclude=AGAIN), [])
        wait = await wait_of(client, started.campaign_id)
        assert (wait.stage, wait.reason) == (Stage.ENRICHMENT, "source_unreachable")
        people = truth(github, await client.get(started.campaign_id))
        async for progress in client.follow(started.campaign_id, every=0.1):
            assert {waiting.stage for waiting in progress.waiting_for} <= {Stage.ENRICHMENT}
            if progress.stages[Stage.DISCOVERY].done >= len(certain(people)):
                break
        github.faults()
        await client.recheck(started.campaign_id)
        await assert_found(world, client, started.campaign_id, people)


async def test_a_token_that_is_refused_halfway_is_a_wait_and_nobody_is_missed(world: World) -> None:
    github = github_of(world)
    github.faults({"action": "unauthorized", "operation": "Enrich"})
    async with world.client() as client:
        started = await client.create(searching(exclude=AGAIN), [])
        wait = await wait_of(client, started.campaign_id)
        assert (wait.reason, wait.who) == ("source_refused", "operator")
        assert wait.stage in (Stage.DISCOVERY, Stage.ENRICHMENT), "the search needs the token too"
        people = truth(github, await client.get(started.campaign_id))
        github.faults()
        restart(world)
        await client.recheck(started.campaign_id)
        await assert_found(world, client, started.campaign_id, people)


async def test_a_search_that_github_does_not_understand_pauses_at_once_and_goes_on_when_somebody_has_looked(
    world: World,
) -> None:
    github = github_of(world)
    github.faults({"action": "reply", "status": 422, "operation": "Discover"})
    async with world.client() as client:
        started = await client.create(searching(exclude=AGAIN), [])
        async for progress in client.follow(started.campaign_id, every=0.1):
            if progress.status == "paused":
                break
        asked = github.get("/requests")["operations"]["Discover"]["asked"]
        await asyncio.sleep(0.5)
        assert github.get("/requests")["operations"]["Discover"]["asked"] == asked <= IN_FLIGHT
        github.faults()
        await client.resume(started.campaign_id, "looked at it")
        await client.result(started.campaign_id)


async def test_used_up_points_are_waited_for_and_it_goes_on_by_itself(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nobody may spend more than the share of the hour, here 4 of 6 points in 12 seconds."""
    with new_world(tmp_path_factory.mktemp("points")) as world:
        await migrate(world.settings)
        github = world.start_github(*FEW, "--points-per-hour", "6", "--window-seconds", "12")
        world.start_worker()
        async with world.client() as client:
            started = await client.create(searching(), [])
            wait = await wait_of(client, started.campaign_id)
            assert wait.reason == "source_limited"
            assert wait.until is not None
            assert timedelta(0) < wait.until - datetime.now(UTC) < timedelta(seconds=20)
            assert github.get("/requests")["points"]["graphql"] <= 4
            people = truth(github, await client.get(started.campaign_id))
            await assert_found(world, client, started.campaign_id, people)
