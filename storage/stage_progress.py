"""How far each stage of a campaign is, by counting rows."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.campaign import ReviewMode, Stage
from domain.lead import LeadState
from domain.message import MessageState
from domain.ports import Campaign
from domain.progress import MessageCounts, StageProgress
from domain.sourcing import SliceState
from storage.schema import drafts, leads, messages, onlookers, pages, slices


class Decisions(NamedTuple):
    """Drafts by what was decided. The draft of an address that has a message already is none: its lead is skipped."""

    approved: int = 0
    rejected: int = 0
    undecided: int = 0
    cancelled: int = 0
    skipped: int = 0
    """Nobody decided and nobody has to: the message will not be sent anyway."""
    first_at: datetime | None = None
    drafted_at: datetime | None = None
    """When the latest draft was stored."""
    decided_at: datetime | None = None
    """When the latest decision was."""

    @property
    def drafted(self) -> int:
        """All drafts."""
        return self.approved + self.rejected + self.undecided + self.cancelled + self.skipped


async def count_decisions(connection: AsyncConnection, campaign_id: str) -> Decisions:
    """How people decided on the campaign's drafts so far."""
    of_draft = and_(
        messages.c.campaign_id == drafts.c.campaign_id,
        messages.c.number == drafts.c.number,
        messages.c.step == drafts.c.step,
    )
    cancelled = and_(messages.c.state == MessageState.SKIPPED, messages.c.reason == "cancelled")
    query = (
        select(
            drafts.c.decision,
            messages.c.state,
            cancelled.label("cancelled"),
            func.count().label("drafts"),
            func.min(drafts.c.created_at, type_=drafts.c.created_at.type).label("first_at"),
            func.max(drafts.c.created_at, type_=drafts.c.created_at.type).label("drafted_at"),
            func.max(drafts.c.decided_at, type_=drafts.c.created_at.type).label("decided_at"),
        )
        .join(messages, of_draft)
        .where(drafts.c.campaign_id == campaign_id)
        .group_by(drafts.c.decision, messages.c.state, "cancelled")
    )
    rows = (await connection.execute(query)).all()
    counts = dict.fromkeys(("approved", "rejected", "undecided", "cancelled", "skipped"), 0)
    for row in rows:
        counts[_decision(row)] += row.drafts
    return Decisions(
        **counts,
        first_at=min((row.first_at for row in rows), default=None),
        drafted_at=max((row.drafted_at for row in rows), default=None),
        decided_at=max((row.decided_at for row in rows if row.decided_at), default=None),
    )


def _decision(row: Row[Any]) -> str:
    if row.decision is not None:
        return str(row.decision)
    if row.cancelled:
        return "cancelled"
    return "undecided" if row.state == MessageState.SCHEDULED else "skipped"


async def stage_progress(
    connection: AsyncConnection, campaign: Campaign, states: MessageCounts, decisions: Decisions
) -> dict[Stage, StageProgress]:
    """Every stage the campaign has."""
    stages = await _search(connection, campaign) if campaign.searches else {}
    stages[Stage.PERSONALIZATION] = await _drafting(connection, campaign, decisions)
    if campaign.spec.review.mode is not ReviewMode.NONE:
        stages[Stage.REVIEW] = StageProgress(
            found=decisions.drafted,
            done=decisions.approved,
            rejected=decisions.rejected,
            cancelled=decisions.cancelled,
            skipped=decisions.skipped,
            began_at=decisions.first_at,
            ended_at=decisions.decided_at,
        )
    stages[Stage.SENDING] = await _sending(connection, campaign.campaign_id, states)
    stages[Stage.REPORTING] = StageProgress(
        found=1, done=1 if campaign.finished_at else 0, ended_at=campaign.finished_at
    )
    return stages


async def _search(connection: AsyncConnection, campaign: Campaign) -> dict[Stage, StageProgress]:
    """Discovery counts everybody who was looked at, enrichment every lead. A slice with pages left is in flight."""
    of_campaign = leads.c.campaign_id == campaign.campaign_id
    moment = pages.c.at.type
    passed_over = select(func.count()).where(onlookers.c.campaign_id == campaign.campaign_id)
    open_slices = select(func.count()).where(
        slices.c.campaign_id == campaign.campaign_id, slices.c.state == SliceState.OPEN
    )
    last_page = select(func.max(pages.c.at, type_=moment)).where(pages.c.campaign_id == campaign.campaign_id)
    reached = leads.c.fit.is_not(None)
    enriched = select(
        func.count().label("found"),
        func.count().filter(reached).label("done"),
        func.count().filter(~reached, leads.c.ended == LeadState.SKIPPED).label("skipped"),
        func.count().filter(~reached, leads.c.ended == LeadState.CANCELLED).label("cancelled"),
        func.max(leads.c.enriched_at, type_=moment).label("ended_at"),
    ).where(of_campaign)
    row = (await connection.execute(enriched)).one()
    onlooking = await connection.scalar(passed_over) or 0
    searching = 0 if campaign.finished_at else await connection.scalar(open_slices) or 0
    return {
        Stage.DISCOVERY: StageProgress(
            found=row.found + onlooking,
            done=row.found,
            skipped=onlooking,
            in_flight=searching,
            began_at=campaign.started_at,
            ended_at=await connection.scalar(last_page),
        ),
        Stage.ENRICHMENT: StageProgress(
            found=row.found,
            done=row.done,
            skipped=row.skipped,
            cancelled=row.cancelled,
            began_at=campaign.started_at,
            ended_at=row.ended_at,
        ),
    }


async def _drafting(connection: AsyncConnection, campaign: Campaign, decisions: Decisions) -> StageProgress:
    query = (
        select(leads.c.ended, func.count())
        .where(leads.c.campaign_id == campaign.campaign_id, *([leads.c.fit.is_not(None)] if campaign.searches else []))
        .group_by(leads.c.ended)
    )
    ended: dict[str | None, int] = dict((await connection.execute(query)).all())
    return StageProgress(
        found=sum(ended.values()),
        done=decisions.drafted,
        failed=ended.get(LeadState.FAILED, 0),
        skipped=ended.get(LeadState.SKIPPED, 0),
        cancelled=ended.get(LeadState.CANCELLED, 0),
        began_at=campaign.started_at,
        ended_at=decisions.drafted_at,
    )


async def _sending(connection: AsyncConnection, campaign_id: str, states: MessageCounts) -> StageProgress:
    cancelled = and_(messages.c.state == MessageState.SKIPPED, messages.c.reason == "cancelled")
    moment = messages.c.settled_at.type
    query = select(
        func.count().filter(cancelled).label("cancelled"),
        func.coalesce(func.sum(messages.c.attempts), 0).label("tries"),
        func.min(messages.c.first_attempt_at, type_=moment).label("began_at"),
        func.max(messages.c.settled_at, type_=moment).label("ended_at"),
    ).where(messages.c.campaign_id == campaign_id)
    row = (await connection.execute(query)).one()
    return StageProgress(
        found=sum(states.model_dump().values()),
        done=states.sent,
        failed=states.failed,
        skipped=states.skipped - row.cancelled,
        in_doubt=states.in_doubt,
        in_flight=states.claimed + states.transmitting,
        cancelled=row.cancelled,
        tries=row.tries,
        began_at=row.began_at,
        ended_at=row.ended_at,
    )
