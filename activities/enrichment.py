"""Enrichment: what the people of a window publish about themselves, and whether they can be written to."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from temporalio import activity

from activities.failures import recorded_safely
from activities.in_hand import stopping_with_worker, to_its_end
from activities.searching import SearchEnd, ended_by, searched
from domain.campaign import CampaignSpec, Stage
from domain.enriching import Wanted, ended, judged, wanted_by
from domain.errors import InputError, SourceStopped, SourceWait
from domain.lead import LeadState
from domain.ports import Campaign, Campaigns
from domain.source_ports import Discoveries, Found, People, Source
from domain.sourcing import ProfilePage
from domain.wire import ENRICH_LEADS, WindowResult, WindowTask
from telemetry.logging import get_logger

FRESH_FOR = timedelta(days=7)
"""A profile that any campaign has read within this time is not asked for again."""

AT_ONCE = 100
"""The most people that one request may ask for."""

_log = get_logger(__name__)


class EnrichmentActivities:
    """Reads the profiles of windows of leads through the Source port and judges them."""

    def __init__(self, campaigns: Campaigns, discoveries: Discoveries, people: People, source: Source) -> None:
        """`source` limits itself: one object for all windows of the process."""
        self._campaigns = campaigns
        self._discoveries = discoveries
        self._people = people
        self._source = source

    @activity.defn(name=ENRICH_LEADS)
    @recorded_safely
    async def enrich_leads(self, task: WindowTask) -> WindowResult:
        """Judge whoever of the window is not judged yet; the counts are those of the whole window.

        A campaign that is paused, or a worker that stops, waits for requests under way only; what it stored stays.
        """
        campaign = await self._campaigns.get(task.campaign_id)
        async with stopping_with_worker() as stop:
            end = await self._enrich(task, campaign, stop)
        await self._campaigns.set_hold(task.campaign_id, Stage.ENRICHMENT, end.hold)
        counts = await self._people.enrichment_counts(task.campaign_id, task.first, task.last)
        unenriched = counts.pop(LeadState.OPEN, 0)
        return WindowResult(counts=counts, open=unenriched, hold=end.hold, trip=end.trip)

    async def _enrich(self, task: WindowTask, campaign: Campaign, stop: asyncio.Event) -> SearchEnd:
        """Go through the window, until something is in the way."""
        max_leads = searched(campaign.spec).max_leads
        wanted = wanted_by(searched(campaign.spec), campaign.created_at)
        fresh_since = datetime.now(UTC) - FRESH_FOR
        found = await self._people.unenriched(task.campaign_id, task.first, task.last, fresh_since)
        for batch in _batches(found):
            if activity.is_worker_shutdown():
                break
            if await self._discoveries.enough(task.campaign_id, max_leads):
                rest = [ended(one.number, "enough_people") for one in batch]
                await to_its_end(self._people.store_enriched(task.campaign_id, rest, max_leads))
                continue
            error = await to_its_end(self._judge(campaign, batch, wanted, max_leads, stop), stop)
            if error is not None:
                return ended_by(error, Stage.ENRICHMENT)
        return SearchEnd()

    async def _judge(
        self, campaign: Campaign, batch: Sequence[Found], wanted: Wanted, max_leads: int, stop: asyncio.Event
    ) -> SourceWait | InputError | None:
        """Ask for the profiles that are not known, judge and store; returns why they could not be asked for."""
        profiles = {one.identity: one.known for one in batch if one.known is not None}
        asked = [one.identity for one in batch if one.known is None]
        points, unread, unreadable = 0, tuple[str, ...](), tuple[str, ...]()
        if asked:
            try:
                page = await self._read(campaign.spec, asked, stop)
            except (SourceWait, SourceStopped) as end:
                if end.points:
                    await self._people.store_enriched(campaign.campaign_id, [], max_leads, end.points)
                return end if isinstance(end, SourceWait) else None
            except InputError as refused:
                return refused
            profiles |= {one.identity: one for one in page.profiles}
            points, unread, unreadable = page.points, page.unread, page.unreadable
        results = [
            ended(one.number, "profile_unreadable")
            if one.identity in unreadable
            else judged(one, profiles.get(one.identity), wanted)
            for one in batch
            if one.identity not in unread
        ]
        since = _contacted_since(campaign.spec)
        await self._people.store_enriched(campaign.campaign_id, results, max_leads, points, since)
        return None

    async def _read(self, spec: CampaignSpec, identities: Sequence[str], stop: asyncio.Event) -> ProfilePage:
        page = await self._source.profiles(spec, identities, stop)
        _log.info("profiles.read", asked=len(identities), there=len(page.profiles), points=page.points)
        return page


def _contacted_since(spec: CampaignSpec) -> datetime | None:
    """Whoever got a mail since then is left out; a rehearsal writes to nobody and leaves nobody out."""
    days = searched(spec).exclude.contacted_within_days
    return None if spec.dry_run else datetime.now(UTC) - timedelta(days=days)


def _batches(found: Sequence[Found]) -> list[Sequence[Found]]:
    """Those who cost nothing first, the others in as few requests as there can be."""
    known = [one for one in found if one.known is not None]
    unknown = [one for one in found if one.known is None]
    batches = [known, *(unknown[start : start + AT_ONCE] for start in range(0, len(unknown), AT_ONCE))]
    return [batch for batch in batches if batch]
