"""A worker that ends itself with SIGKILL at one exact point: `killing_worker.py POINT OCCASION`.

The product has no hook for this: its ports are wrapped here, where the worker is built.
"""

import asyncio
import dataclasses
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

from client.adapters import Ports
from client.settings import load_settings
from domain.campaign import CampaignSpec, CampaignStatus
from domain.delivery import Transmission
from domain.message import ClaimedMessage
from domain.ports import Campaigns, ClaimRules, Ledger, Relay, RelayConnection, Relays
from domain.source_ports import Discoveries, Enriched, People, Slice, Source
from domain.sourcing import ProfilePage, SourcePage
from domain.wire import ControlTask
from worker.build import build_worker, opened
from worker.search_attributes import register_search_attributes

POINT, OCCASION = sys.argv[1], int(sys.argv[2])
_seen = 0
_stored = asyncio.Event()
"""A batch of profiles is in the rows."""


def die_at(point: str) -> None:
    """Nothing of this process runs after the given occasion of the chosen point."""
    global _seen  # noqa: PLW0603 one process, one count
    if point == POINT:
        _seen += 1
        if _seen == OCCASION:
            os.kill(os.getpid(), signal.SIGKILL)


class KillingLedger:
    """Dies around the claim."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

        self.advance = ledger.advance
        self.release = ledger.release
        self.tally = ledger.tally
        self.cancel = ledger.cancel

    async def claim(
        self, campaign_id: str, first: int, last: int, token: str, rules: ClaimRules
    ) -> list[ClaimedMessage]:
        die_at("before_claim")
        claimed = await self._ledger.claim(campaign_id, first, last, token, rules)
        die_at("after_claim")
        return claimed


class KillingCampaigns:
    """Dies before the row says what is wanted."""

    def __init__(self, campaigns: Campaigns) -> None:
        self._campaigns = campaigns
        self.get = campaigns.get
        self.take_up = campaigns.take_up
        self.set_status = campaigns.set_status
        self.set_hold = campaigns.set_hold
        self.judged = campaigns.judged

    async def write_control(self, task: ControlTask, status: CampaignStatus | None) -> None:
        die_at("write_control")
        await self._campaigns.write_control(task, status)


class KillingConnection:
    """Dies between the ledger's begin and its confirm."""

    def __init__(self, connection: RelayConnection, port: int) -> None:
        self._connection = connection
        self._port = port

    @property
    def usable(self) -> bool:
        return self._connection.usable

    async def transmit(self, sender: str, recipient: str, content: bytes) -> Transmission:
        die_at("after_transmitting")
        if POINT == "mid_body" and _seen + 1 == OCCASION:
            await self._half(sender, recipient, content)
        die_at("mid_body")
        sent = await self._connection.transmit(sender, recipient, content)
        die_at("after_250")
        return sent

    async def _half(self, sender: str, recipient: str, content: bytes) -> None:
        """Half of the body, without the final dot, as a connection of the product would have written it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        await reader.readline()
        for command in (b"HELO test", f"MAIL FROM:<{sender}>".encode(), f"RCPT TO:<{recipient}>".encode(), b"DATA"):
            writer.write(command + b"\r\n")
            await reader.readline()
        writer.write(content[: len(content) // 2])
        await writer.drain()


class KillingRelay:
    """A relay whose connections die."""

    def __init__(self, relay: Relay, port: int) -> None:
        self._relay = relay
        self._port = port
        self.loopback = relay.loopback
        self.encode = relay.encode

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[RelayConnection]:
        async with self._relay.connection() as connection:
            yield KillingConnection(connection, self._port)


class KillingRelays:
    """Relays whose connections die."""

    def __init__(self, relays: Relays, port: int) -> None:
        self._relays = relays
        self._port = port

    def relay(self, mailbox: str, connections: int, *, dry_run: bool) -> Relay:
        return KillingRelay(self._relays.relay(mailbox, connections, dry_run=dry_run), self._port)


class KillingSource:
    """Dies around a question."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def slices(self, spec: CampaignSpec, as_of: datetime) -> list[str]:
        return self._source.slices(spec, as_of)

    async def page(self, slice_: str, cursor: str, stop: asyncio.Event | None = None) -> SourcePage:
        page = await self._source.page(slice_, cursor, stop)
        die_at("after_page")
        return page

    async def profiles(
        self, spec: CampaignSpec, identities: Sequence[str], stop: asyncio.Event | None = None
    ) -> ProfilePage:
        page = await self._source.profiles(spec, identities, stop)
        if POINT == "after_profiles" and _seen + 1 == OCCASION > 1:
            await _stored.wait()  # windows go on beside each other: the first batch may still be on its way to the rows
        die_at("after_profiles")
        return page


class KillingDiscoveries:
    """Dies when a page is stored, before anybody hears of it."""

    def __init__(self, discoveries: Discoveries) -> None:
        self._discoveries = discoveries
        self.cut = discoveries.cut
        self.open_slices = discoveries.open_slices
        self.spent = discoveries.spent
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
        _stored.set()
        die_at("after_storing_profiles")


async def main() -> None:
    """Work until the point is reached."""
    settings = load_settings()
    url, _ = settings.relay("relay")
    port = int(url.rpartition(":")[2])

    def killing(ports: Ports) -> Ports:
        return dataclasses.replace(
            ports,
            campaigns=KillingCampaigns(ports.campaigns),
            ledger=KillingLedger(ports.ledger),
            relays=KillingRelays(ports.relays, port),
            source=KillingSource(ports.source),
            discoveries=KillingDiscoveries(ports.discoveries),
            people=KillingPeople(ports.people),
        )

    open_here = partial(opened, settings, killing)
    async with open_here() as (client, ports):
        await register_search_attributes(client)
        await build_worker(client, ports, open_here).run()


if __name__ == "__main__":
    asyncio.run(main())
