"""What a page of a source says about people and repositories, as rows. Whoever stores it holds the campaign's row."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import NotFound
from domain.sourcing import Contribution, Onlooker, PassedOver, SourcePage
from storage.portions import portions
from storage.schema import campaigns, contributions, leads, onlookers, repositories
from storage.upserts import upsert

SOURCE_PREFIX = "github:"
"""A lead's `source_identity` is this and the source's own id."""


async def hold_campaign(connection: AsyncConnection, campaign_id: str) -> int:
    """Let nobody else number leads or slices of the campaign until this transaction ends; returns `numbered`.

    What is read after it is what the holder before has committed, so nothing is read together with it.
    """
    query = select(campaigns.c.numbered).where(campaigns.c.campaign_id == campaign_id).with_for_update(key_share=True)
    numbered = await connection.scalar(query)
    if numbered is None:
        raise NotFound(f"no campaign {campaign_id}", hint="outrider list")
    return int(numbered)


async def places_left(connection: AsyncConnection, campaign_id: str, max_leads: int) -> int:
    """How many more people may be written to; simply `max_leads` while there are fewer leads: all of them may then."""
    reachable = leads.c.campaign_id == campaign_id, leads.c.fit.is_not(None)
    counted = select(func.count()).select_from(select(leads.c.number).where(*reachable).limit(max_leads).subquery())
    few = campaigns.c.numbered < max_leads
    taken = select(case((few, 0), else_=counted.scalar_subquery())).where(campaigns.c.campaign_id == campaign_id)
    return max_leads - (await connection.scalar(taken) or 0)


def sorted_out(page: SourcePage, exclude_logins: Iterable[str]) -> tuple[list[Contribution], dict[str, PassedOver]]:
    """Contributions of people who may become leads, and why each of the others on the page does not."""
    excluded = {login.casefold() for login in exclude_logins}
    passed_over = _reasons(page.passed_over)
    found = []
    for one in page.contributions:
        if one.login.casefold() in excluded:
            passed_over.setdefault(one.identity, PassedOver.EXCLUDED)
        else:
            found.append(one)
    return [one for one in found if one.identity not in passed_over], passed_over


def _reasons(passed_over: Iterable[Onlooker]) -> dict[str, PassedOver]:
    reasons: dict[str, PassedOver] = {}
    for one in passed_over:
        reasons.setdefault(one.identity, one.reason)
    return reasons


async def known(connection: AsyncConnection, campaign_id: str, source_identities: Sequence[str]) -> set[str]:
    """Those who are leads or onlookers of the campaign already."""
    found: set[str] = set()
    for some in portions(source_identities):
        are_leads = select(leads.c.source_identity).where(
            leads.c.campaign_id == campaign_id, leads.c.source_identity.in_(some)
        )
        are_onlookers = select(SOURCE_PREFIX + onlookers.c.identity).where(
            onlookers.c.campaign_id == campaign_id,
            onlookers.c.identity.in_([one.removeprefix(SOURCE_PREFIX) for one in some]),
        )
        found.update(await connection.scalars(are_leads.union_all(are_onlookers)))
    return found


class Facts(NamedTuple):
    """Rows of what a page says."""

    repositories: list[dict[str, Any]]
    contributions: list[dict[str, Any]]


def facts_of(campaign_id: str, page: SourcePage, found: Sequence[Contribution]) -> Facts:
    """The rows of a page's repositories and of who worked on them."""
    return Facts(
        [
            {"campaign_id": campaign_id, "identity": one.identity, "facts": one.model_dump_json()}
            for one in page.repositories
        ],
        [_contribution_row(campaign_id, one) for one in found],
    )


async def store_facts(connection: AsyncConnection, facts: Facts) -> None:
    """Store repositories and who worked on them; what is said later replaces what was said before."""
    if facts.repositories:
        new = upsert(connection, repositories)
        changed = new.on_conflict_do_update(
            index_elements=["campaign_id", "identity"], set_={"facts": new.excluded.facts}
        )
        await connection.execute(changed, facts.repositories)
    if facts.contributions:
        new = upsert(connection, contributions)
        changed = new.on_conflict_do_update(
            index_elements=["campaign_id", "identity", "repository"],
            set_={name: new.excluded[name] for name in ("login", "commits", "last_commit_at", "offsets")},
        )
        await connection.execute(changed, facts.contributions)


def _contribution_row(campaign_id: str, one: Contribution) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        "identity": one.identity,
        "repository": one.repository,
        "login": one.login,
        "commits": one.commits,
        "last_commit_at": one.last_commit_at,
        "offsets": "{" + ",".join([f'"{minutes}":{count}' for minutes, count in one.offsets.items()]) + "}",
    }
