"""Discovery: the pages of a window of slices, each asked for once and stored with the people on it."""

from temporalio import activity

from activities.failures import recorded_safely
from activities.in_hand import to_its_end
from activities.searching import held, searched
from domain.campaign import CampaignSpec, Stage
from domain.errors import SourceWait
from domain.ports import Campaigns
from domain.source_ports import Discoveries, Slice, Source
from domain.wire import DISCOVER_PEOPLE, Hold, WindowResult, WindowTask
from telemetry.logging import get_logger

NEW_PEOPLE = 200
"""So many, and a window comes back: enrichment begins with them while the search goes on."""

_log = get_logger(__name__)


class DiscoveryActivities:
    """Goes through windows of slices, page by page, through the Source port."""

    def __init__(self, campaigns: Campaigns, discoveries: Discoveries, source: Source) -> None:
        """`source` limits itself: one object for all windows of the process."""
        self._campaigns = campaigns
        self._discoveries = discoveries
        self._source = source

    @activity.defn(name=DISCOVER_PEOPLE)
    @recorded_safely
    async def discover_people(self, task: WindowTask) -> WindowResult:
        """Look at the pages of the window's slices that nobody has stored yet, until enough people are known.

        A campaign that is paused, or a worker that stops, waits for the page in hand only; what it stored stays.
        """
        campaign = await self._campaigns.get(task.campaign_id)
        hold, goes_on = await self._search(task, campaign.spec)
        await self._campaigns.set_hold(task.campaign_id, Stage.DISCOVERY, hold)
        counted = await self._discoveries.counted(task.campaign_id, task.first, task.last)
        return WindowResult(
            counts=counted.counts,
            open=counted.open,
            hold=hold,
            found=counted.numbered,
            parts=counted.slices,
            goes_on=goes_on,
        )

    async def _search(self, task: WindowTask, spec: CampaignSpec) -> tuple[Hold | None, bool]:
        """Ask until no page is left; returns what is in the way, None = nothing, and whether pages are left.

        Where scores decide, nobody is judged before all pages of the window were seen: the next may show more commits.
        """
        audience, new = searched(spec), 0
        while not activity.is_worker_shutdown():
            left = await self._discoveries.open_slices(task.campaign_id, task.first, task.last)
            if not left:
                break
            if await self._discoveries.enough(task.campaign_id, audience.max_leads):
                await self._discoveries.not_needed(task.campaign_id, task.first, task.last)
                break
            if new >= NEW_PEOPLE and not audience.score.decides:
                return None, True
            page = await to_its_end(self._page(task.campaign_id, left[0], audience.exclude.logins))
            if isinstance(page, SourceWait):
                return held(page, Stage.DISCOVERY), False
            new += page
        return None, False

    async def _page(self, campaign_id: str, slice_: Slice, exclude_logins: tuple[str, ...]) -> int | SourceWait:
        """Ask for a page and store it; returns how many people on it are new, or why it could not be asked for."""
        try:
            page = await self._source.page(slice_.query, slice_.cursor)
        except SourceWait as wait:
            return wait
        new = await self._discoveries.store_page(campaign_id, slice_, page, exclude_logins)
        if new is None:
            _log.info("page.stored_by_another", slice=slice_.number)
        return new or 0
