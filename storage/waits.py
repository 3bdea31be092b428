"""What a campaign waits for now: what was written down, and what the rows show."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.campaign import CampaignStatus, ReviewMode, Stage
from domain.message import OPEN_STATES
from domain.ports import Campaign
from domain.progress import Paused, StageProgress, Waiting
from domain.review import Decision
from domain.waiting import ends, way_out
from domain.wire import Control, HoldReason
from storage.schema import drafts, messages


class Due(NamedTuple):
    """The open, approved message that may be tried first."""

    at: datetime
    reason: str
    """Why it was put off, "" when it was not."""


async def next_due(connection: AsyncConnection, campaign_id: str) -> Due | None:
    """What may be tried first; None when nothing that is approved is open."""
    moment = func.coalesce(messages.c.next_at, messages.c.scheduled_at, type_=messages.c.next_at.type)
    approved = and_(
        drafts.c.campaign_id == messages.c.campaign_id,
        drafts.c.number == messages.c.number,
        drafts.c.step == messages.c.step,
        drafts.c.decision == Decision.APPROVED,
    )
    query = (
        select(moment, messages.c.reason)
        .join(drafts, approved)
        .where(messages.c.campaign_id == campaign_id, messages.c.state.in_(OPEN_STATES))
        .order_by(moment)
        .limit(1)
    )
    row = (await connection.execute(query)).first()
    return Due(*row) if row is not None else None


def paused(campaign: Campaign) -> Paused | None:
    """Who wants it to stand still, since when."""
    if campaign.control is not Control.HOLD or campaign.paused_since is None or campaign.finished_at is not None:
        return None
    return Paused(since=campaign.paused_since, by=campaign.paused_by, reason=campaign.paused_reason)


def waiting_for(
    campaign: Campaign, stages: Mapping[Stage, StageProgress], due: Due | None, now: datetime
) -> list[Waiting]:
    """Everything that keeps something from starting; a pause keeps everything, so it stands alone."""
    if campaign.finished_at is not None:
        return []
    if (pause := paused(campaign)) is not None:
        resume = f"outrider resume {campaign.campaign_id}"
        stage = campaign.stage or Stage.PLANNING
        return [Waiting(stage=stage, reason="paused", since=pause.since, who="person", command=resume)]
    found = [wait for wait in (_written(campaign, now), _put_off(campaign, due, now)) if wait is not None]
    if not any(wait.stage is Stage.REVIEW for wait in found) and _can_decide(campaign, stages):
        found.append(_waiting(campaign, Stage.REVIEW, HoldReason.REVIEW))
    return found


def status_now(
    campaign: Campaign,
    stages: Mapping[Stage, StageProgress],
    waits: list[Waiting],
    due: Due | None,
    now: datetime,
) -> CampaignStatus:
    """The row's status, or `paused` or `waiting` where nothing can start. Drafts that wait stop nobody else's mail."""
    if paused(campaign) is not None:
        return CampaignStatus.PAUSED
    if campaign.status is not CampaignStatus.RUNNING or not waits:
        return campaign.status
    only_review = all(wait.stage is Stage.REVIEW for wait in waits)
    busy = not _all_drafted(stages) or (due is not None and due.at <= now)
    return CampaignStatus.RUNNING if only_review and busy else CampaignStatus.WAITING


def _written(campaign: Campaign, now: datetime) -> Waiting | None:
    waits = campaign.waits
    if waits is None or waits.until <= now:
        return None
    return _waiting(campaign, waits.stage, waits.reason, since=waits.since, until=ends(waits.reason, waits.until))


def _put_off(campaign: Campaign, due: Due | None, now: datetime) -> Waiting | None:
    """Every open message was put off: by the relay, or because another campaign writes to the person."""
    written = campaign.waits is not None and campaign.waits.until > now and campaign.waits.stage is Stage.SENDING
    if campaign.stage is not Stage.SENDING or due is None or due.at <= now or written:
        return None
    claimed = due.reason == HoldReason.CONTACT_CLAIMED
    reason = HoldReason.CONTACT_CLAIMED if claimed else HoldReason.DEFERRED_BY_RELAY
    return _waiting(campaign, Stage.SENDING, reason, until=due.at)


def _can_decide(campaign: Campaign, stages: Mapping[Stage, StageProgress]) -> bool:
    """Somebody can decide on a draft now: a sample is drawn when everything is drafted."""
    review = stages.get(Stage.REVIEW)
    if review is None:
        return False
    undecided = review.found - review.done - review.rejected - review.cancelled - review.skipped
    return undecided > 0 and (campaign.spec.review.mode is ReviewMode.ALL or _all_drafted(stages))


def _all_drafted(stages: Mapping[Stage, StageProgress]) -> bool:
    """Nobody is searched for, read about or drafted any more."""
    through = (stages[stage] for stage in (Stage.ENRICHMENT, Stage.PERSONALIZATION) if stage in stages)
    return not stages.get(Stage.DISCOVERY, StageProgress()).in_flight and all(
        one.done + one.failed + one.skipped + one.cancelled >= one.found for one in through
    )


def _waiting(
    campaign: Campaign,
    stage: Stage,
    reason: HoldReason,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Waiting:
    out = way_out(reason, campaign.campaign_id, campaign.spec.sending.mailboxes[0].name)
    return Waiting(stage=stage, reason=reason, since=since, until=until, who=out.who, command=out.command)
