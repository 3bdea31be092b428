"""The truth table of the local GitHub, and a searched campaign's rows, ledger and mails held against it."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import raw_rows
from local_github import LocalGitHub
from local_world import World, assert_promise

from client.campaigns import CampaignClient
from domain.ports import Campaign

Person = dict[str, Any]


def truth(github: LocalGitHub, campaign: Campaign, **wanted: str | int) -> list[Person]:
    """Who should be found, by the generator's own loops over its people."""
    asked = {"language": "Python", "topic": "testing", "as_of": campaign.created_at.isoformat(), **wanted}
    found: list[Person] = github.get("/truth", **asked)["people"]
    return found


def together(*answers: Iterable[Person]) -> list[Person]:
    """Everybody of several answers, each once, with the commits of all of them."""
    people: dict[str, Person] = {}
    for one in (one for answer in answers for one in answer):
        known = people.setdefault(one["id"], {**one, "commits": {}})
        known["commits"] = known["commits"] | one["commits"]
    return list(people.values())


def at_work_on(people: Iterable[Person], repositories: Iterable[str]) -> list[Person]:
    """Those who have commits in one of these repositories."""
    names = set(repositories)
    return [one for one in people if names & set(one["commits"])]


def can_be_written_to(people: Iterable[Person]) -> list[Person]:
    """People with an address of their own, or one that they share."""
    return [one for one in people if one["kind"] == "user" and one["address"] == "public"]


def addresses(people: Iterable[Person]) -> set[str]:
    """Who can be written to, each address once."""
    return {one["email"].casefold() for one in can_be_written_to(people)}


def certain(people: Iterable[Person]) -> list[Person]:
    """Everybody who looks like a person until the profile is read.

    Accounts that became organizations may be leads too: what they are shows in what they own, if they own anything and
    that is seen before their commits elsewhere, or by having no profile.
    """
    return [one for one in people if one["kind"] in ("user", "vanished")]


def assert_these(rows: Iterable[dict[str, Any]], people: list[Person]) -> int:
    """Exactly these people are leads; returns how many accounts that became organizations are among them."""
    found = {row["source_identity"].removeprefix("github:") for row in rows}
    expected = {one["id"] for one in certain(people)}
    assert expected <= found, "somebody is missing"
    assert found - expected <= {one["id"] for one in people if one["kind"] == "organization"}, "who is that?"
    return len(found - expected)


def outcomes(people: Iterable[Person]) -> Counter[str]:
    """What becomes of the leads of a search that leaves nobody out, by state."""
    leads = certain(people)
    users = [one for one in leads if one["kind"] == "user"]
    public = can_be_written_to(users)
    reached = len(addresses(public))
    return +Counter(
        {
            "contacted": reached,
            "skipped:no_public_address": len(users) - len(public),
            "skipped:account_gone": len(leads) - len(users),
            "skipped:same_address": len(public) - reached,
        }
    )


async def delivered(world: World, client: CampaignClient, campaign_id: str, most_doubts: int = 0) -> set[str]:
    """Addresses that got a mail in a world of one campaign; nobody got two."""
    await assert_promise(world, client, campaign_id, most_doubts=most_doubts)
    recipients = [recipient.casefold() for _, recipient in world.inbox.held()]
    assert len(recipients) == len(set(recipients))
    return set(recipients)


async def sent_to(client: CampaignClient, campaign_id: str) -> set[str]:
    """Addresses that the ledger of one of several campaigns calls sent, none of them twice."""
    recipients = [row["recipient"] async for row in client.export(campaign_id, "ledger") if row["state"] == "sent"]
    found = {recipient.casefold() for recipient in recipients}
    assert len(found) == len(recipients)
    return found


def assert_dense(world: World, campaign_id: str) -> list[dict[str, Any]]:
    """Lead numbers without gaps, nobody twice, the campaign's row says as many; returns the leads' rows by number."""
    url = world.settings.database()
    rows = raw_rows.rows(url, "SELECT * FROM leads WHERE campaign_id = ? ORDER BY number", campaign_id)
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    assert len({row["source_identity"] for row in rows}) == len(rows)
    campaign = raw_rows.rows(url, "SELECT numbered FROM campaigns WHERE campaign_id = ?", campaign_id)
    assert campaign[0]["numbered"] == len(rows)
    return rows


async def assert_exact(
    world: World, client: CampaignClient, campaign_id: str, people: list[Person], *, most_doubts: int = 0
) -> None:
    """Exactly these people were found and, unless their mail is doubtful, written to; everybody else has a reason."""
    turned = assert_these(assert_dense(world, campaign_id), people)
    progress = await client.progress(campaign_id)
    found = Counter(progress.leads)
    found["contacted"] += found.pop("in_doubt", 0)
    assert dict(found) == dict(outcomes(people) + Counter({"skipped:account_gone": turned}))
    recipients = await delivered(world, client, campaign_id, most_doubts)
    assert recipients <= addresses(people)
    assert len(recipients) >= len(addresses(people)) - most_doubts


def answered(github: LocalGitHub, operation: str) -> Counter[tuple[str, str]]:
    """How often each page, or profile, of an operation was answered, whatever else the same request asked for."""
    parts: Counter[tuple[str, str]] = Counter()
    for row in github.get("/requests/all"):
        if row["operation"] == operation:
            for part in _PARTS[operation](json.loads(row["variables"])):
                parts[part] += row["answered"]
    return +parts


def _histories(asked: dict[str, Any]) -> list[tuple[str, str]]:
    """The pages of repositories in one request: `id0` after `after0`, where `use0`."""
    used = [name.removeprefix("use") for name, use in asked.items() if name.startswith("use") and use]
    return [(asked[f"id{place}"], asked.get(f"after{place}") or "") for place in used]


_PARTS: dict[str, Callable[[dict[str, Any]], list[tuple[str, str]]]] = {
    "Discover": lambda asked: [(asked["q"], asked.get("after") or "")],
    "NamedRepository": lambda asked: [(f"{asked['owner']}/{asked['name']}", "")],
    "History": _histories,
    "Enrich": lambda asked: [(identity, "") for identity in asked["ids"]],
}
"""What the requests of an operation ask for, by their variables."""
