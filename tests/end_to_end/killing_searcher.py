"""A worker that ends itself with SIGKILL at a page or at profiles: `killing_searcher.py POINT OCCASION`.

The product has no hook for this: its ports are wrapped here, where the worker is built.
"""

import asyncio
import dataclasses
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime

from client.adapters import open_ports
from client.connection import connect
from client.settings import load_settings
from domain.campaign import CampaignSpec
from domain.source_ports import Discoveries, Enriched, People, Slice, Source
from domain.sourcing import ProfilePage, SourcePage
from worker.build import build_worker
from worker.search_attributes import register_search_attributes

POINT, OCCASION = sys.argv[1], int(sys.argv[2])
_seen = 0


def die_at(point: str) -> None:
    """Nothing of this process runs after the given occasion of the chosen point."""
    global _seen  # noqa: PLW0603 one process, one count
    if point == POINT:
        _seen += 1
        if _seen == OCCASION:
            os.kill(os.getpid(), signal.SIGKILL)


class KillingSource:
    """Dies around a question."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def slices(self, spec: CampaignSpec, as_of: datetime) -> list[str]:
        return self._source.slices(spec, as_of)

    async def page(self, slice_: str, cursor: str) -> SourcePage:
        page = await self._source.page(slice_, cursor)
        die_at("after_page")
        return page

    async def profiles(self, spec: CampaignSpec, identities: Sequence[str]) -> ProfilePage:
        page = await self._source.profiles(spec, identities)
        die_at("after_profiles")
        return page


class KillingDiscoveries:
    """Dies when a page is stored, before anybody hears of it."""

    def __init__(self, discoveries: Discoveries) -> None:
        self._discoveries = discoveries
        self.cut = discoveries.cut
        self.open_slices = discoveries.open_slices
        self.enough = discoveries.enough
        self.not_needed = discoveries.not_needed
        self.counted = discoveries.counted
        self.seen = discoveries.seen

    async def store_page(
        self, campaign_id: str, slice_: Slice, page: SourcePage, exclude_logins: Sequence[str]
    ) -> int | None:
        stored = await self._discoveries.store_page(campaign_id, slice_, page, exclude_logins)
        die_at("after_storing_page")
        return stored


class KillingPeople:
    """Dies when a batch is stored, before anybody hears of it."""

    def __init__(self, people: People) -> None:
        self._people = people
        self.unenriched = people.unenriched
        self.enrichment_counts = people.enrichment_counts
        self.keep_top = people.keep_top

    async def store_enriched(
        self,
        campaign_id: str,
        enriched: Sequence[Enriched],
        max_leads: int,
        points: int = 0,
        contacted_since: datetime | None = None,
    ) -> None:
        await self._people.store_enriched(campaign_id, enriched, max_leads, points, contacted_since)
        die_at("after_storing_profiles")


async def main() -> None:
    """Work until the point is reached."""
    settings = load_settings()
    client = await connect(settings)
    await register_search_attributes(client)
    async with open_ports(settings) as ports:
        wrapped = dataclasses.replace(
            ports,
            source=KillingSource(ports.source),
            discoveries=KillingDiscoveries(ports.discoveries),
            people=KillingPeople(ports.people),
        )
        await build_worker(client, wrapped).run()


if __name__ == "__main__":
    asyncio.run(main())
