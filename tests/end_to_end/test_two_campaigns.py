"""Two campaigns at once over the same people: nobody gets two first mails, and nobody's profile is paid for twice."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime

from local_world import World, searching
from truth_table import addresses, assert_dense, assert_these, can_be_written_to, sent_to, truth

from domain.campaign import Stage

POPULATION = ("--people", "600", "--repositories", "400", "--focus", "0.7")


async def test_the_cool_down_holds_between_campaigns_that_run_at_the_same_time(world: World) -> None:
    never = datetime.max.replace(tzinfo=UTC)
    github = world.start_github(*POPULATION, "--latency-ms", "30")  # so that neither is done before the other begins
    world.start_worker()
    world.start_worker()
    async with world.client() as client:
        both = await asyncio.gather(client.create(searching(), []), client.create(searching(), []))
        reports = await asyncio.gather(*(client.result(started.campaign_id) for started in both))
        first, second = [await sent_to(client, started.campaign_id) for started in both]
        told = [await client.progress(started.campaign_id) for started in both]
        people = truth(github, await client.get(both[0].campaign_id))
    assert all(report.adds_up for report in reports)
    began = [one.stages[Stage.ENRICHMENT].began_at or never for one in told]
    ended = [one.stages[Stage.SENDING].ended_at or never for one in told]
    assert max(began) < min(ended), "one of them read about people when the other had written to all"
    assert not first & second
    assert first | second == addresses(people)
    got = Counter(recipient.casefold() for _, recipient in world.inbox.held())
    assert set(got.values()) == {1}
    public = len(can_be_written_to(people))
    for started, counts, own in zip(both, [one.leads for one in told], (first, second), strict=True):
        assert counts.get("contacted", 0) == len(own)
        others = counts.get("skipped:contacted_recently", 0) + counts.get("skipped:same_address", 0)
        assert others == public - len(own), "two people with one address are the one or the other, by who came first"
        assert_these(rows := assert_dense(world, started.campaign_id), people)
        assert sum(counts.values()) == len(rows)


async def test_the_second_campaign_pays_for_its_search_only(world: World) -> None:
    github = world.start_github(*POPULATION)
    world.start_worker()
    again = {"contacted_within_days": 0}
    async with world.client() as client:
        first = await client.create(searching(exclude=again), [])
        await client.result(first.campaign_id)
        of_first = github.get("/requests")["operations"]
        github.fresh()
        second = await client.create(searching(exclude=again), [])
        await client.result(second.campaign_id)
        of_second = github.get("/requests")["operations"]
        calls = [json.loads(call["variables"]) for call in github.get("/requests/all") if call["operation"] == "Enrich"]
        progress = await client.progress(second.campaign_id)
        assert await sent_to(client, first.campaign_id) == await sent_to(client, second.campaign_id)
    asked = len(assert_dense(world, first.campaign_id))
    assert of_first["Enrich"]["asked"] >= asked / 100
    # Whoever has no profile any more leaves none to remember: they are asked for again.
    assert sum(len(call["ids"]) for call in calls) == progress.leads["skipped:account_gone"]
    assert of_second["Discover"]["points"] <= of_first["Discover"]["points"]
    assert progress.stages[Stage.ENRICHMENT].done == progress.leads["contacted"]
