"""What the rows say of a whole search: whom it looked at, what it cost, what it could not see."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.report import SearchReport
from domain.source_ports import Seen
from domain.sourcing import PassedOver, Repository
from storage.schema import campaigns, leads, onlookers, repositories, slices
from storage.sightings import SOURCE_PREFIX

_AT_ONCE = 500
"""Repositories in memory at the same time; a large search has tens of thousands."""


async def count_seen(connection: AsyncConnection, campaign_id: str) -> Seen:
    """See domain.source_ports.Seen."""
    sums = select(
        func.coalesce(func.sum(slices.c.pages), 0).label("pages"),
        func.count().filter(slices.c.incomplete).label("incomplete"),
        func.coalesce(func.sum(slices.c.gone), 0).label("gone"),
        func.coalesce(func.sum(slices.c.points), 0).label("points"),
    ).where(slices.c.campaign_id == campaign_id)
    by_reason = select(onlookers.c.reason, func.count()).where(onlookers.c.campaign_id == campaign_id)
    counted = select(func.count()).select_from(repositories).where(repositories.c.campaign_id == campaign_id)
    of_campaign = select(campaigns.c.numbered, campaigns.c.profile_points).where(campaigns.c.campaign_id == campaign_id)
    of_slices = (await connection.execute(sums)).mappings().one()
    passed_over: dict[str, int] = dict((await connection.execute(by_reason.group_by(onlookers.c.reason))).all())
    campaign = (await connection.execute(of_campaign)).one_or_none()
    lead_count, profile_points = campaign or (0, 0)
    return Seen(
        looked_at=lead_count + sum(passed_over.values()),
        leads=lead_count,
        passed_over={PassedOver(reason): count for reason, count in passed_over.items()},
        repositories=await connection.scalar(counted) or 0,
        profile_points=profile_points,
        **of_slices,
    )


async def search_report(connection: AsyncConnection, campaign_id: str) -> SearchReport:
    """The same for a report: people are counted one by one, and repositories are looked at for commits left unread."""
    seen = await count_seen(connection, campaign_id)
    are_leads = select(leads.c.source_identity).where(leads.c.campaign_id == campaign_id)
    are_onlookers = select(SOURCE_PREFIX + onlookers.c.identity).where(onlookers.c.campaign_id == campaign_id)
    different = select(func.count()).select_from(are_leads.union(are_onlookers).subquery())
    reachable = select(func.count()).where(leads.c.campaign_id == campaign_id, leads.c.fit.is_not(None))
    partly_read = unread_commits = 0
    facts = select(repositories.c.facts).where(repositories.c.campaign_id == campaign_id)
    async for text in await connection.stream_scalars(facts.execution_options(yield_per=_AT_ONCE)):
        one = Repository.model_validate_json(text)
        partly_read += one.partly_read
        unread_commits += max(0, one.commits - one.commits_read)
    return SearchReport(
        looked_at=await connection.scalar(different) or 0,
        leads=seen.leads,
        passed_over=seen.passed_over,
        reachable=await connection.scalar(reachable) or 0,
        repositories=seen.repositories,
        pages=seen.pages,
        incomplete=seen.incomplete,
        gone=seen.gone,
        partly_read=partly_read,
        unread_commits=unread_commits,
        search_points=seen.points,
        profile_points=seen.profile_points,
    )
