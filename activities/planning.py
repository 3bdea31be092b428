"""Planning: what a campaign consists of, as numbers."""

from temporalio import activity

from activities.failures import recorded_safely
from domain.campaign import CsvAudience, RepositoriesAudience, ReviewMode
from domain.ports import Campaign, Campaigns
from domain.source_ports import Discoveries, Source
from domain.wire import PLAN_CAMPAIGN, CampaignPlan, CampaignRef, Control, Pause

WINDOW = 200
"""Leads per window of enrichment and of drafts: one of templates takes well under 1 s, one of profiles is two requests,
and the trace of a search that finds 10,000 people stays under 300 spans."""

FIRST_WINDOW = 50
"""Numbers in the first window of these and of sending: until it is through, the next stage has nothing to do."""

NAMES_WINDOW = 100
"""Repositories known by name per window: one is a single page, so each in a window of its own fills the history."""

SEND_WINDOW = 200
"""Messages per window: each mail is recorded by itself, so all that a larger window changes is fewer events."""

AHEAD = 1_200
"""People whom discovery may find before it waits for enrichment: its windows are full, the next ones wait, and few are
looked for who are not needed once `max_leads` are known."""

REVIEW_WINDOW = 1000
"""Leads per look at people's decisions, which is one query and is repeated while they wait."""

WIDTH = 4
"""Windows of a stage in flight: enough to keep every connection busy while one window ends."""


class PlanningActivities:
    """Reads the campaign's row, and cuts the search for its people into slices."""

    def __init__(self, campaigns: Campaigns, discoveries: Discoveries, source: Source) -> None:
        """`campaigns` is where the row is; `source` says how it is searched and is not asked for anybody yet."""
        self._campaigns = campaigns
        self._discoveries = discoveries
        self._source = source

    @activity.defn(name=PLAN_CAMPAIGN)
    @recorded_safely
    async def plan_campaign(self, ref: CampaignRef) -> CampaignPlan:
        """Open the campaign's row for its workflow, and say how it is cut into windows and what people wanted of it."""
        campaign = await self._campaigns.take_up(ref.campaign_id)
        audience = campaign.spec.audience
        slices = await self._cut(campaign) if campaign.searches else 0
        return CampaignPlan(
            leads=campaign.numbered,
            draft_window=WINDOW,
            send_window=SEND_WINDOW,
            width=WIDTH,
            takes_turns=True,
            first_window=FIRST_WINDOW,
            slices=slices,
            slice_window=_names_window(slices) if isinstance(audience, RepositoriesAudience) else 1,
            enrich_window=WINDOW,
            ahead=0 if isinstance(audience, CsvAudience) else min(AHEAD, audience.max_leads),
            ranked=not isinstance(audience, CsvAudience) and audience.score.top is not None,
            review_window=0 if campaign.spec.review.mode is ReviewMode.NONE else REVIEW_WINDOW,
            full_windows=True,
            looks_again=True,
            owner=campaign.spec.owner,
            mailbox=campaign.spec.sending.mailboxes[0].name,
            ended=campaign.control is Control.END,
            paused=_pause(campaign) if campaign.control is Control.HOLD else None,
        )

    async def _cut(self, campaign: Campaign) -> int:
        """How many slices there are; those that were stored before stay."""
        slices = self._source.slices(campaign.spec, campaign.created_at)
        return await self._discoveries.cut(campaign.campaign_id, slices)


def _names_window(names: int) -> int:
    """A short list is shared out among as many windows as can be in flight."""
    return min(NAMES_WINDOW, max(1, -(-names // WIDTH)))


def _pause(campaign: Campaign) -> Pause:
    since = campaign.paused_since or campaign.created_at
    return Pause(since=since, by=campaign.paused_by, reason=campaign.paused_reason)
