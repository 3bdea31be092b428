"""What the rows say about a campaign now, with or without a worker."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.campaign import CampaignStatus, Stage
from domain.lead import LeadState
from domain.message import OPEN_STATES, MessageState
from domain.ports import Campaign, Waits
from domain.progress import DoubtfulMessage, MessageCounts, Outcomes, Progress, StageProgress, Waiting
from domain.wire import HoldReason
from storage.campaigns import CampaignRows
from storage.database import Database
from storage.lead_state import MESSAGE_OF_LEAD, REASON_OF_LEAD, STATE_OF_LEAD
from storage.schema import artifacts, drafts, errors, leads, messages

_WHO: dict[HoldReason, tuple[str, str]] = {
    HoldReason.MAILBOX_STOPPED: ("person", "outrider mailbox resume {mailbox}"),
    HoldReason.OPT_OUT_NOT_PUBLIC: ("operator", "set OUTRIDER_PUBLIC_URL to an https address"),
    HoldReason.RELAY_UNREACHABLE: ("operator", "outrider doctor"),
    HoldReason.ACTIVITY_FAILED: ("operator", "outrider doctor"),
}
"""Who can do something about a wait; every other one ends by itself."""


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
            drafted = await connection.scalar(
                select(func.count()).select_from(drafts).where(drafts.c.campaign_id == campaign_id)
            )
            ended = await _ended_before_messages(connection, campaign_id)
            due = await _next_due(connection, campaign_id)
            kept = await connection.scalars(select(artifacts.c.kind).where(artifacts.c.campaign_id == campaign_id))
            kinds = select(errors.c.kind, func.count()).where(errors.c.campaign_id == campaign_id)
            found_errors = await connection.execute(kinds.group_by(errors.c.kind))
            waiting = _waiting(campaign, due, now)
            return Progress(
                campaign_id=campaign_id,
                status=_status(campaign, waiting),
                stage=campaign.stage,
                waiting_for=[waiting] if waiting else [],
                stages=_stages(campaign, states, drafted or 0, ended),
                leads=await count_leads(connection, campaign_id),
                messages=states,
                outcomes=await count_outcomes(connection, campaign_id),
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


async def _next_due(connection: AsyncConnection, campaign_id: str) -> datetime | None:
    """When the first open message may be tried; None when nothing is open or something may be tried any moment."""
    moment = func.coalesce(messages.c.next_at, messages.c.scheduled_at, type_=messages.c.next_at.type)
    due: datetime | None = await connection.scalar(
        select(func.min(moment, type_=messages.c.next_at.type)).where(
            messages.c.campaign_id == campaign_id, messages.c.state.in_(OPEN_STATES)
        )
    )
    return due


async def _ended_before_messages(connection: AsyncConnection, campaign_id: str) -> dict[str, int]:
    query = (
        select(leads.c.ended, func.count())
        .where(leads.c.campaign_id == campaign_id, leads.c.ended.is_not(None))
        .group_by(leads.c.ended)
    )
    return dict((await connection.execute(query)).all())


def _doubtful(row: Row[Any]) -> DoubtfulMessage:
    return DoubtfulMessage(
        lead_number=row.number, step=row.step, message_id=row.message_id, since=row.began_at, reason=row.reason
    )


def _stages(
    campaign: Campaign, states: MessageCounts, drafted: int, ended: dict[str, int]
) -> dict[Stage, StageProgress]:
    total = sum(states.model_dump().values())
    return {
        Stage.PERSONALIZATION: StageProgress(
            found=campaign.numbered,
            done=drafted,
            failed=ended.get(LeadState.FAILED, 0),
            skipped=ended.get(LeadState.SKIPPED, 0),
        ),
        Stage.SENDING: StageProgress(
            found=total,
            done=states.sent,
            failed=states.failed,
            skipped=states.skipped,
            in_doubt=states.in_doubt,
            in_flight=states.claimed + states.transmitting,
        ),
        Stage.REPORTING: StageProgress(found=1, done=1 if campaign.finished_at else 0),
    }


def _waiting(campaign: Campaign, due: datetime | None, now: datetime) -> Waiting | None:
    """What was written down, or that every open message was put off by the relay."""
    if campaign.finished_at is not None:
        return None
    if campaign.waits is not None and campaign.waits.until > now:
        return _written(campaign, campaign.waits)
    if campaign.stage is Stage.SENDING and due is not None and due > now:
        return Waiting(stage=Stage.SENDING, reason=HoldReason.DEFERRED_BY_RELAY, until=due)
    return None


def _written(campaign: Campaign, waits: Waits) -> Waiting:
    who, command = _WHO.get(waits.reason, ("nobody", ""))
    return Waiting(
        stage=waits.stage,
        reason=waits.reason,
        since=waits.since,
        until=waits.until,
        who=who,
        command=command.format(mailbox=campaign.spec.sending.mailboxes[0].name),
    )


def _status(campaign: Campaign, waiting: Waiting | None) -> CampaignStatus:
    if campaign.status is CampaignStatus.RUNNING and waiting is not None:
        return CampaignStatus.WAITING
    return campaign.status
