"""Planning: what a campaign consists of, as numbers; and what its workflow waits for, as a note for people."""

from temporalio import activity

from activities.failures import recorded_safely
from domain.campaign import CampaignStatus, ReviewMode, Stage
from domain.ports import Campaigns
from domain.wire import NOTE_HOLD, PLAN_CAMPAIGN, CampaignPlan, CampaignRef, HoldNote

WINDOW = 100
"""Leads per window: 37-57 history events per 1,000 leads and stage, and a window of templates takes well under 1 s."""

SEND_WINDOW = 200
"""Messages per window: each mail is recorded by itself, so all that a larger window changes is fewer events."""

REVIEW_WINDOW = 1000
"""Leads per look at people's decisions, which is one query and is repeated while they wait."""

WIDTH = 4
"""Windows of a stage in flight: enough to keep every connection busy while one window ends."""


class PlanningActivities:
    """Reads the campaign's row."""

    def __init__(self, campaigns: Campaigns) -> None:
        """`campaigns` is where the row is."""
        self._campaigns = campaigns

    @activity.defn(name=PLAN_CAMPAIGN)
    @recorded_safely
    async def plan_campaign(self, ref: CampaignRef) -> CampaignPlan:
        """Mark the campaign as running and say how it is cut into windows."""
        campaign = await self._campaigns.get(ref.campaign_id)
        await self._campaigns.set_status(ref.campaign_id, CampaignStatus.RUNNING, Stage.PERSONALIZATION)
        return CampaignPlan(
            leads=campaign.numbered,
            draft_window=WINDOW,
            send_window=SEND_WINDOW,
            width=WIDTH,
            review_window=0 if campaign.spec.review.mode is ReviewMode.NONE else REVIEW_WINDOW,
            owner=campaign.spec.owner,
        )

    @activity.defn(name=NOTE_HOLD)
    @recorded_safely
    async def note_hold(self, note: HoldNote) -> None:
        """Write a wait down where `outrider show` finds it."""
        await self._campaigns.set_hold(note.campaign_id, note.stage, note.hold)
