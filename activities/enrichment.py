"""Enrichment: what the people of a window publish about themselves, and whether they can be written to."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from temporalio import activity

from activities.failures import recorded_safely
from activities.in_hand import to_its_end
from activities.searching import held, searched
from domain.campaign import CampaignSpec, Stage
from domain.enriching import Wanted, ended, judged, wanted_by
from domain.errors import SourceWait
from domain.lead import LeadState
from domain.ports import Campaign, Campaigns
from domain.source_ports import Discoveries, Found, People, Source
from domain.sourcing import ProfilePage
from domain.wire import ENRICH_LEADS, Hold, WindowResult, WindowTask
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

        A campaign that is paused, or a worker that stops, waits for the request in hand only; what it stored stays.
        """
        campaign = await self._campaigns.get(task.campaign_id)
        hold = await self._enrich(task, campaign)
        await self._campaigns.set_hold(task.campaign_id, Stage.ENRICHMENT, hold)
        counts = await self._people.enrichment_counts(task.campaign_id, task.first, task.last)
        unenriched = counts.pop(LeadState.OPEN, 0)
        return WindowResult(counts=counts, open=unenriched, hold=hold)

    async def _enrich(self, task: WindowTask, campaign: Campaign) -> Hold | None:
        """Go through the window; the hold says what is in the way, None = nothing."""
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
            wait = await to_its_end(self._judge(campaign, batch, wanted, max_leads))
            if wait is not None:
                return held(wait, Stage.ENRICHMENT)
        return None

    async def _judge(
        self, campaign: Campaign, batch: Sequence[Found], wanted: Wanted, max_leads: int
    ) -> SourceWait | None:
        """Ask for the profiles that are not known, judge and store; returns why they could not be asked for."""
        profiles = {one.identity: one.known for one in batch if one.known is not None}
        asked = [one.identity for one in batch if one.known is None]
        points = 0
        if asked:
            try:
                page = await self._read(campaign.spec, asked)
            except SourceWait as wait:
                return wait
            profiles |= {one.identity: one for one in page.profiles}
            points = page.points
        results = [judged(one, profiles.get(one.identity), wanted) for one in batch]
        since = _contacted_since(campaign.spec)
        await self._people.store_enriched(campaign.campaign_id, results, max_leads, points, since)
        return None

    async def _read(self, spec: CampaignSpec, identities: Sequence[str]) -> ProfilePage:
        page = await self._source.profiles(spec, identities)
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
