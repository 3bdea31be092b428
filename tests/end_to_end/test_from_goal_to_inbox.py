"""People found on GitHub: exactly those whom the truth table names get one mail, and everybody else a reason."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from databases import postgres_databases
from local_world import World, new_world, searching
from truth_table import (
    addresses,
    assert_dense,
    assert_exact,
    at_work_on,
    can_be_written_to,
    delivered,
    outcomes,
    sent_to,
    together,
    truth,
)

from client.adapters import migrate
from domain.campaign import CampaignSpec, RepositoriesAudience, Stage
from domain.enriching import is_at
from domain.sourcing import PassedOver
from sandbox.github.distributions import Distributions
from sandbox.github.population import Population

POPULATION = ("--people", "600", "--repositories", "400", "--focus", "0.7")
FEW = ("--people", "200", "--repositories", "120", "--focus", "0.6")


@pytest.fixture
async def world_on_postgresql(tmp_path: Path) -> AsyncIterator[World]:
    """A world whose rows are on a server."""
    with postgres_databases() as databases, databases.new() as url, new_world(tmp_path, database_url=url) as world:
        await migrate(world.settings)
        yield world


async def test_whoever_the_truth_table_names_gets_one_mail_and_everybody_else_a_reason(world: World) -> None:
    github = world.start_github(*POPULATION)
    world.start_worker()
    async with world.client() as client:
        started = await client.create(searching(), [])
        report = await client.result(started.campaign_id)
        people = truth(github, await client.get(started.campaign_id))
        assert len(addresses(people)) > 100
        await assert_exact(world, client, started.campaign_id, people)
        progress = await client.progress(started.campaign_id)
    found = len(assert_dense(world, started.campaign_id))
    assert report.lead_total == found
    discovery, enrichment = progress.stages[Stage.DISCOVERY], progress.stages[Stage.ENRICHMENT]
    assert (discovery.done, discovery.found - discovery.skipped) == (found, found)
    assert (enrichment.done, enrichment.skipped) == (progress.leads["contacted"], found - enrichment.done)
    assert github.get("/requests")["answered_twice"] == []


async def test_on_postgresql_with_two_workers(world_on_postgresql: World) -> None:
    world = world_on_postgresql
    github = world.start_github(*POPULATION)
    world.start_worker()
    world.start_worker()
    async with world.client() as client:
        started = await client.create(searching(), [])
        await client.result(started.campaign_id)
        await assert_exact(world, client, started.campaign_id, truth(github, await client.get(started.campaign_id)))
    assert github.get("/requests")["answered_twice"] == []
    assert not (world.home / "outrider.db").exists(), "the rows are on the server"


async def test_several_languages_and_topics_are_any_of_these_and_everybody_is_one_lead(world: World) -> None:
    github = world.start_github(*FEW)
    world.start_worker()
    either = {"languages": ["python", "typescript"], "topics": ["testing", "cli"]}
    async with world.client() as client:
        started = await client.create(searching(**either), [])
        await client.result(started.campaign_id)
        campaign = await client.get(started.campaign_id)
        each = [
            truth(github, campaign, language=language, topic=topic)
            for language in ("Python", "TypeScript")
            for topic in ("testing", "cli")
        ]
        people = together(*each)
        assert len(people) < sum(map(len, each)), "the searches overlap"
        await assert_exact(world, client, started.campaign_id, people)


async def test_people_of_repositories_known_by_name_among_them_renamed_and_vanished_ones(world: World) -> None:
    as_of = datetime.now(UTC)
    everything = Population(600, 400, 1, as_of, Distributions(focus=0.7))
    github = world.start_github(*POPULATION, "--as-of", as_of.isoformat())
    world.start_worker()
    there = github.get("/truth", language="", topic="", as_of=as_of.isoformat())["active_repositories"]
    renamed = next(one for one in everything.repositories if one.former_name and one.name_with_owner in there)
    there.remove(renamed.name_with_owner)
    former = f"{renamed.owner.login}/{renamed.former_name}"
    names = [*there[::8], former, everything.vanished[0].name_with_owner, "nobody-example/nothing-at-all"]
    plain = searching()
    spec = CampaignSpec.model_validate(
        plain.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        | {"audience": {"source": "repositories", "repositories": names, "max_leads": 50_000}}
    )
    assert isinstance(spec.audience, RepositoriesAudience)
    async with world.client() as client:
        started = await client.create(spec, [])
        await client.result(started.campaign_id)
        found = truth(github, await client.get(started.campaign_id), language="", topic="")
        people = at_work_on(found, [*there[::8], renamed.name_with_owner])
        assert at_work_on(people, [renamed.name_with_owner])
        await assert_exact(world, client, started.campaign_id, people)
        seen = await client._storage.discoveries.seen(started.campaign_id)
    assert seen.gone == 2


async def test_a_search_stops_at_max_leads(world: World) -> None:
    most = 40
    github = world.start_github(*POPULATION)
    world.start_worker()
    wanted = {"languages": ["python", "go", "rust"], "topics": ["testing", "cli", "web", "api"]}
    async with world.client() as client:
        started = await client.create(searching(**wanted, max_leads=most), [])
        await client.result(started.campaign_id)
        recipients = await delivered(world, client, started.campaign_id)
        progress = await client.progress(started.campaign_id)
        few = github.get("/requests")["operations"]
        rows = assert_dense(world, started.campaign_id)
        github.fresh()
        everybody = await client.create(searching(**wanted), [])
        await client.result(everybody.campaign_id)
        everything = github.get("/requests")["operations"]
        people = {row["source_identity"] for row in assert_dense(world, everybody.campaign_id)}
    assert len(recipients) == most == progress.leads["contacted"]
    assert sum(row["fit"] is not None for row in rows) == most
    left = {state for state in progress.leads if state != "contacted"}
    assert left <= {f"skipped:{why}" for why in ("enough_people", "no_public_address", "account_gone", "same_address")}
    assert {row["source_identity"] for row in rows} < people
    assert few["Discover"]["asked"] < everything["Discover"]["asked"], "slices that nobody needs are not searched"
    assert few["Enrich"]["asked"] <= 4, "a request for each window that was under way at most"
    assert progress.stages[Stage.DISCOVERY].in_flight == 0


async def test_the_next_campaign_with_the_same_goal_reaches_the_next_people(world: World) -> None:
    most = 70
    github = world.start_github(*POPULATION)
    world.start_worker()
    async with world.client() as client:
        reached = []
        for _ in range(2):
            started = await client.create(searching(max_leads=most), [])
            await client.result(started.campaign_id)
            reached.append(await sent_to(client, started.campaign_id))
        people = addresses(truth(github, await client.get(started.campaign_id)))
        progress = await client.progress(started.campaign_id)
    assert len(reached[0]) == most < len(people) < 2 * most
    assert reached[1] == people - reached[0], "whoever got a mail takes nobody's place"
    assert progress.leads["skipped:contacted_recently"] >= most, "some people share an address"


async def test_the_best_by_score_are_written_to_and_the_lower_number_wins(world: World) -> None:
    """A weight on followers alone makes many scores equal."""
    github = world.start_github(*FEW)
    world.start_worker()
    weights = {"stars": 0, "recency": 0, "share_of_commits": 0, "followers": 1}
    async with world.client() as client:
        best = await client.create(searching(score={"top": 10, "weights": weights}), [])
        await client.result(best.campaign_id)
        people = truth(github, await client.get(best.campaign_id))
        recipients = await delivered(world, client, best.campaign_id)
        progress = await client.progress(best.campaign_id)
        again = {"exclude": {"contacted_within_days": 0}}
        good = await client.create(searching(score={"minimum": 0.4}, **again), [])
        await client.result(good.campaign_id)
        good_ones = await sent_to(client, good.campaign_id)
        of_good = await client.progress(good.campaign_id)

    ranked = sorted(
        (row for row in assert_dense(world, best.campaign_id) if row["fit"] is not None),
        key=lambda row: (-row["fit"], row["number"]),
    )
    assert {row["email"].casefold() for row in ranked} == addresses(people)
    assert recipients == {row["email"].casefold() for row in ranked[:10]}
    assert len({row["fit"] for row in ranked}) < len(ranked), "there are equal scores"
    assert progress.leads["skipped:not_among_top"] == len(ranked) - 10

    rows = assert_dense(world, good.campaign_id)
    assert good_ones == {row["email"].casefold() for row in rows if row["fit"] is not None}
    assert min(row["fit"] for row in rows if row["fit"] is not None) >= 0.4
    assert of_good.leads["skipped:below_score"] > 0
    assert of_good.leads["contacted"] > 0
    settled = of_good.leads["contacted"] + of_good.leads["skipped:below_score"]
    assert settled + of_good.leads.get("skipped:same_address", 0) == len(can_be_written_to(people))


async def test_whoever_is_excluded_or_lives_elsewhere_gets_no_mail_but_a_reason(world: World) -> None:
    github = world.start_github(*POPULATION)
    world.start_worker()
    known = github.get("/truth", language="Python", topic="testing")["people"]
    logins = [one["login"] for one in can_be_written_to(known)[:5]]
    exclude = {"logins": [login.upper() for login in logins], "domains": ["example.org"]}
    places = ["Germany", "London, UK", "japan"]
    async with world.client() as client:
        started = await client.create(searching(exclude=exclude, locations=places), [])
        await client.result(started.campaign_id)
        people = [one for one in truth(github, await client.get(started.campaign_id)) if one["login"] not in logins]
        reachable = can_be_written_to(people)
        elsewhere = [one for one in reachable if not one["email"].casefold().endswith("example.org")]
        here = [one for one in elsewhere if any(is_at(one["location"] or "", place) for place in places)]
        recipients = await delivered(world, client, started.campaign_id)
        progress = await client.progress(started.campaign_id)
        seen = await client._storage.discoveries.seen(started.campaign_id)
    assert len(here) > 10
    assert recipients == addresses(here)
    assert progress.leads["skipped:excluded_domain"] == len(reachable) - len(elsewhere)
    assert progress.leads["skipped:other_location"] == len(elsewhere) - len(here)
    assert progress.leads["skipped:no_public_address"] == outcomes(people)["skipped:no_public_address"]
    assert seen.passed_over[PassedOver.EXCLUDED] == len(logins)
