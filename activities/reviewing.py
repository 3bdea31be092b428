"""Review: a look at what people decided about a window of drafts. Silence never sends."""

from datetime import UTC, datetime, timedelta

from temporalio import activity

from activities.failures import recorded_safely
from domain.campaign import Stage
from domain.ports import Campaigns, ReviewLook, Reviews
from domain.wire import APPROVE_DRAFTS, REVIEW_DRAFTS, Approval, Hold, HoldReason, WindowResult, WindowTask
from telemetry.logging import get_logger

_LOOK_AGAIN = timedelta(hours=6)
"""Whoever decides tells the workflow; this is for decisions it was not told of."""

_log = get_logger(__name__)


class ReviewActivities:
    """Reads and writes decisions through the Reviews port."""

    def __init__(self, campaigns: Campaigns, reviews: Reviews) -> None:
        """`reviews` knows what people decided."""
        self._campaigns = campaigns
        self._reviews = reviews

    @activity.defn(name=REVIEW_DRAFTS)
    @recorded_safely
    async def review_drafts(self, task: WindowTask) -> WindowResult:
        """Let go what is decided; the numbers that wait for a person come back, with the hold they wait in."""
        campaign = await self._campaigns.get(task.campaign_id)
        look = await self._reviews.look(task.campaign_id, task.first, task.last)
        hold = await self._hold(task.campaign_id, look, campaign.spec.review.deadline)
        await self._campaigns.set_hold(task.campaign_id, Stage.REVIEW, hold)
        if hold is not None:
            _log.debug("review.held", reason=hold.reason, until=hold.until.isoformat(), waiting=look.open)
        return WindowResult(counts=look.counts, open=look.open, left=look.undecided, hold=hold)

    @activity.defn(name=APPROVE_DRAFTS)
    @recorded_safely
    async def approve_drafts(self, approval: Approval) -> None:
        """Write down an approval that came by signal; repeating it changes nothing that was decided."""
        count = await self._reviews.approve(approval.campaign_id, approval.leads, approval.by)
        _log.info("review.approved", count=count)

    async def _hold(self, campaign_id: str, look: ReviewLook, patience: timedelta) -> Hold | None:
        """What the window waits in, None = everything is decided. The deadline counts from the first waiting draft."""
        if not look.undecided:
            return None
        now = datetime.now(UTC)
        deadline = look.waiting_since + patience if look.waiting_since else None
        if deadline is not None and deadline <= now:
            if await self._reviews.remind(campaign_id, deadline):
                _log.warning("review.overdue", deadline=deadline.isoformat())
            return Hold(until=now + _LOOK_AGAIN, reason=HoldReason.REVIEW_OVERDUE)
        until = min(deadline or now + _LOOK_AGAIN, now + _LOOK_AGAIN)
        reason = HoldReason.SAMPLE_REJECTED if look.sample_rejected else HoldReason.REVIEW
        return Hold(until=until, reason=reason, deadline=deadline)
