"""What the rows say about a campaign now, with or without a worker."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.campaign import Stage
from domain.message import MessageState
from domain.ports import Campaign
from domain.progress import DoubtfulMessage, MessageCounts, Outcomes, Progress
from domain.wire import ChangeKind
from storage.campaigns import CampaignRows
from storage.database import Database
from storage.lead_state import MESSAGE_OF_LEAD, REASON_OF_LEAD, STATE_OF_LEAD
from storage.schema import artifacts, campaign_events, errors, leads, messages
from storage.search_counts import count_seen
from storage.stage_progress import count_decisions, stage_progress
from storage.waits import next_due, paused, status_now, waiting_for


class ProgressRows:
    """Reads progress by counting rows."""

    def __init__(self, database: Database, campaigns: CampaignRows) -> None:
        """`campaigns` reads the campaign's own row."""
        self._database = database
        self._campaigns = campaigns

    async def read(self, campaign_id: str) -> Progress:
        """The campaign's progress at this moment; raises NotFound."""
        campaign = await self._campaigns.get(campaign_id)
        now = datetime.now(UTC)
        async with self._database.read() as connection:
            states = await count_messages(connection, campaign_id)
            decisions = await count_decisions(connection, campaign_id)
            stages = await stage_progress(connection, campaign, states, decisions)
            due = await next_due(connection, campaign_id)
            kept = await connection.scalars(select(artifacts.c.kind).where(artifacts.c.campaign_id == campaign_id))
            kinds = select(errors.c.kind, func.count()).where(errors.c.campaign_id == campaign_id)
            found_errors = await connection.execute(kinds.group_by(errors.c.kind))
            waits = waiting_for(campaign, stages, due, now)
            pauses = await count_pauses(connection, campaign_id)
            search = await count_seen(connection, campaign_id) if campaign.searches else None
            return Progress(
                campaign_id=campaign_id,
                status=status_now(campaign, stages, waits, due, now),
                stage=_furthest(campaign, states),
                waiting_for=waits,
                stages=stages,
                leads=await count_leads(connection, campaign_id),
                messages=states,
                outcomes=await count_outcomes(connection, campaign_id),
                metrics={"github_points": search.points + search.profile_points} if search else {},
                artifacts=sorted(kept),
                errors=dict(found_errors.all()),
                as_of=now,
                name=campaign.spec.name,
                owner=campaign.spec.owner,
                dry_run=campaign.dry_run,
                created_at=campaign.created_at,
                started_at=campaign.started_at,
                finished_at=campaign.finished_at,
                in_doubt=await doubtful_messages(connection, campaign_id),
                paused=paused(campaign),
                pauses=sum(pauses.values()),
                pauses_by=pauses,
                undecided=decisions.undecided,
                priority=campaign.priority,
                search=search,
            )


async def count_messages(connection: AsyncConnection, campaign_id: str) -> MessageCounts:
    """Messages by state."""
    query = select(messages.c.state, func.count()).where(messages.c.campaign_id == campaign_id)
    return MessageCounts(**dict((await connection.execute(query.group_by(messages.c.state))).all()))


async def count_leads(connection: AsyncConnection, campaign_id: str) -> dict[str, int]:
    """Leads by state and, where there is one, reason."""
    query = (
        select(STATE_OF_LEAD.label("lead_state"), REASON_OF_LEAD.label("lead_reason"), func.count())
        .outerjoin(messages, MESSAGE_OF_LEAD)
        .where(leads.c.campaign_id == campaign_id)
        .group_by("lead_state", "lead_reason")
        .order_by(func.count().desc())
    )
    rows = await connection.execute(query)
    return {f"{state}:{reason}" if reason else state: count for state, reason, count in rows}


async def count_outcomes(connection: AsyncConnection, campaign_id: str) -> Outcomes:
    """Sent messages by what happened afterwards."""
    query = (
        select(messages.c.outcome, func.count())
        .where(messages.c.campaign_id == campaign_id, messages.c.outcome.is_not(None))
        .group_by(messages.c.outcome)
    )
    return Outcomes(**dict((await connection.execute(query)).all()))


async def doubtful_messages(connection: AsyncConnection, campaign_id: str) -> list[DoubtfulMessage]:
    """The messages of which nobody can know, by lead number."""
    query = (
        select(messages)
        .where(messages.c.campaign_id == campaign_id, messages.c.state == MessageState.IN_DOUBT)
        .order_by(messages.c.number, messages.c.step)
    )
    return [_doubtful(row) for row in await connection.execute(query)]


async def count_pauses(connection: AsyncConnection, campaign_id: str) -> dict[str, int]:
    """How often who paused the campaign; who did it most comes first."""
    query = (
        select(campaign_events.c.by, func.count())
        .where(campaign_events.c.campaign_id == campaign_id, campaign_events.c.kind == ChangeKind.PAUSED)
        .group_by(campaign_events.c.by)
        .order_by(func.count().desc(), campaign_events.c.by)
    )
    return dict((await connection.execute(query)).all())


def _furthest(campaign: Campaign, states: MessageCounts) -> Stage | None:
    """The row's stage, or sending as soon as a mail has begun: the row learns of it at the end of the first window."""
    begun = states.claimed + states.transmitting + states.sent + states.failed + states.in_doubt + states.deferred
    return Stage.SENDING if begun and campaign.stage in (Stage.PERSONALIZATION, Stage.REVIEW) else campaign.stage


def _doubtful(row: Row[Any]) -> DoubtfulMessage:
    return DoubtfulMessage(
        lead_number=row.number, step=row.step, message_id=row.message_id, since=row.began_at, reason=row.reason
    )
