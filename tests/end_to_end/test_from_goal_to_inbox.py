"""People found on GitHub: exactly those whom the truth table names get one mail, and everybody else a reason."""

from typing import Any

from local_github import LocalGitHub
from local_world import World, assert_promise, searching

from client.campaigns import CampaignClient
from domain.campaign import Stage
from domain.ports import Campaign

POPULATION = ("--people", "600", "--repositories", "400", "--focus", "0.7")


def truth(github: LocalGitHub, campaign: Campaign, **wanted: str | int) -> dict[str, Any]:
    """Who should be found, by the generator's own loops over its people."""
    asked = {"language": "Python", "topic": "testing", "as_of": campaign.created_at.isoformat(), **wanted}
    found: dict[str, Any] = github.get("/truth", **asked)
    return found


def addresses(people: list[dict[str, Any]]) -> set[str]:
    """Who can be written to, each address once."""
    return {one["email"].casefold() for one in people if one["kind"] == "user" and one["address"] == "public"}


async def delivered(world: World, client: CampaignClient, campaign_id: str) -> set[str]:
    """Addresses that got a mail; nobody got two."""
    await assert_promise(world, client, campaign_id, most_doubts=0)
    recipients = [recipient.casefold() for _, recipient in world.inbox.held()]
    assert len(recipients) == len(set(recipients))
    return set(recipients)


async def test_whoever_the_truth_table_names_gets_one_mail_and_everybody_else_a_reason(world: World) -> None:
    github = world.start_github(*POPULATION)
    world.start_worker()
    async with world.client() as client:
        started = await client.create(searching(), [])
        report = await client.result(started.campaign_id)
        campaign = await client.get(started.campaign_id)
        expected = truth(github, campaign)["people"]
        assert await delivered(world, client, started.campaign_id) == addresses(expected)
        progress = await client.progress(started.campaign_id)

    people = [one for one in expected if one["kind"] in ("user", "vanished") or committed_as_a_person(one)]
    users = [one for one in people if one["kind"] == "user"]
    public = [one for one in users if one["address"] == "public"]
    assert len(addresses(expected)) > 100
    assert progress.leads == {
        "contacted": len(addresses(expected)),
        "skipped:no_public_address": len(users) - len(public),
        "skipped:account_gone": len(people) - len(users),
        "skipped:same_address": len(public) - len(addresses(expected)),
    }
    assert report.lead_total == len(people)
    discovery, enrichment = progress.stages[Stage.DISCOVERY], progress.stages[Stage.ENRICHMENT]
    assert (discovery.done, discovery.found - discovery.skipped) == (len(people), len(people))
    assert (enrichment.done, enrichment.skipped) == (progress.leads["contacted"], len(people) - enrichment.done)
    assert github.get("/requests")["answered_twice"] == []


def committed_as_a_person(one: dict[str, Any]) -> bool:
    """Accounts that became organizations are told from people by what they own, or by having no profile."""
    owns = any(repository.startswith(f"{one['login']}/") for repository in one["commits"])
    return one["kind"] == "organization" and not owns
