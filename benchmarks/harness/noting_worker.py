"""A worker whose tool calls are noted: `noting_worker.py DRAFT_SECONDS`. Each draft takes so long and is one call.

When a call begins, its kind, its time and this process's id are appended to `calls.log` in OUTRIDER_HOME. The product's
ports are wrapped here, where the worker is built.
"""

import asyncio
import dataclasses
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from client.adapters import Ports
from client.settings import load_settings
from domain.campaign import CampaignSpec
from domain.delivery import Transmission
from domain.lead import Lead, LeadEnd
from domain.message import Draft
from domain.ports import Relay, RelayConnection, Relays, Writer
from worker.build import build_worker, opened
from worker.search_attributes import register_search_attributes

DRAFT_SECONDS = float(sys.argv[1])
_calls = (Path(os.environ["OUTRIDER_HOME"]) / "calls.log").open("a", buffering=1)


def note(kind: str) -> None:
    """A call begins."""
    _calls.write(f"{kind} {time.time():.6f} {os.getpid()}\n")


class SlowWriter:
    """Drafts one lead a call."""

    at_once = 1

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def write(
        self, spec: CampaignSpec, leads: Sequence[Lead], opt_out_urls: Sequence[str]
    ) -> list[Draft | LeadEnd]:
        """See Writer."""
        note("draft")
        await asyncio.sleep(DRAFT_SECONDS)
        return await self._writer.write(spec, leads, opt_out_urls)


class NotingConnection:
    """Notes each mail."""

    def __init__(self, connection: RelayConnection) -> None:
        self._connection = connection

    @property
    def usable(self) -> bool:
        """See RelayConnection."""
        return self._connection.usable

    async def transmit(self, sender: str, recipient: str, content: bytes) -> Transmission:
        """See RelayConnection."""
        note("mail")
        return await self._connection.transmit(sender, recipient, content)


class NotingRelay:
    """A relay whose mails are noted."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self.encode = relay.encode

    @property
    def loopback(self) -> bool:
        """See Relay."""
        return self._relay.loopback

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[RelayConnection]:
        """See Relay."""
        async with self._relay.connection() as connection:
            yield NotingConnection(connection)


class NotingRelays:
    """Relays whose mails are noted."""

    def __init__(self, relays: Relays) -> None:
        self._relays = relays

    def relay(self, mailbox: str, connections: int, *, dry_run: bool) -> Relay:
        """See Relays."""
        return NotingRelay(self._relays.relay(mailbox, connections, dry_run=dry_run))


async def main() -> None:
    """Work until killed."""
    settings = load_settings()

    def noting(ports: Ports) -> Ports:
        return dataclasses.replace(ports, writer=SlowWriter(ports.writer), relays=NotingRelays(ports.relays))

    open_here = partial(opened, settings, noting)
    async with open_here() as (client, ports):
        await register_search_attributes(client)
        await build_worker(client, ports, open_here).run()


if __name__ == "__main__":
    asyncio.run(main())
