"""Discovery: the pages of a window of slices, each asked for once and stored with the people on it."""

import asyncio

from temporalio import activity

from activities.failures import recorded_safely
from activities.in_hand import stopping_with_worker, to_its_end
from activities.searching import SearchEnd, ended_by, searched
from domain.campaign import Stage
from domain.errors import InputError, SourceStopped, SourceWait
from domain.ports import Campaign, Campaigns
from domain.source_ports import Discoveries, Slice, Source
from domain.wire import DISCOVER_PEOPLE, WindowResult, WindowTask
from telemetry.logging import get_logger

NEW_PEOPLE = 200
"""So many, and a window comes back: enrichment begins with them while the search goes on."""

FIRST_PEOPLE = 50
"""The same for the first people of a campaign: until they are known, nobody else has anything to do."""

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

        A campaign that is paused, or a worker that stops, waits for requests under way only; what it stored stays.
        """
        campaign = await self._campaigns.get(task.campaign_id)
        async with stopping_with_worker() as stop:
            end = await self._search(task, campaign, stop)
        await self._campaigns.set_hold(task.campaign_id, Stage.DISCOVERY, end.hold)
        counted = await self._discoveries.counted(task.campaign_id, task.first, task.last)
        return WindowResult(
            counts=counted.counts,
            open=counted.open,
            hold=end.hold,
            trip=end.trip,
            found=counted.numbered,
            parts=counted.slices,
            goes_on=end.goes_on,
        )

    async def _search(self, task: WindowTask, campaign: Campaign, stop: asyncio.Event) -> SearchEnd:
        """Ask until no page is left, or something is in the way.

        Where scores decide, nobody is judged before all pages of the window were seen: the next may show more commits.
        """
        audience, new = searched(campaign.spec), 0
        enough = NEW_PEOPLE if campaign.numbered else FIRST_PEOPLE
        while not activity.is_worker_shutdown():
            left = await self._discoveries.open_slices(task.campaign_id, task.first, task.last)
            if not left:
                break
            if await self._discoveries.enough(task.campaign_id, audience.max_leads):
                await self._discoveries.not_needed(task.campaign_id, task.first, task.last)
                break
            if new >= enough and not audience.score.decides:
                return SearchEnd(goes_on=True)
            page = await to_its_end(self._page(task.campaign_id, left[0], audience.exclude.logins, stop), stop)
            if not isinstance(page, int):
                return ended_by(page, Stage.DISCOVERY)
            new += page
        return SearchEnd()

    async def _page(
        self, campaign_id: str, slice_: Slice, exclude_logins: tuple[str, ...], stop: asyncio.Event
    ) -> int | SourceWait | InputError:
        """Ask for a page and store it; returns how many people on it are new, or why it could not be asked for."""
        try:
            page = await self._source.page(slice_.query, slice_.cursor, stop)
        except (SourceWait, SourceStopped) as end:
            if end.points:
                await self._discoveries.spent(campaign_id, slice_, end.points)
            return end if isinstance(end, SourceWait) else 0
        except InputError as refused:
            return refused
        new = await self._discoveries.store_page(campaign_id, slice_, page, exclude_logins)
        if new is None:
            _log.info("page.stored_by_another", slice=slice_.number)
        return new or 0
