"""A source and a relay whose every call takes 50 ms and nothing else, under the product's own limits.

Both sides of a comparison use them: the worker in harness/slow_worker.py, and scripts without Temporal and database.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Self

from harness.campaign import CONNECTIONS

from domain.campaign import CampaignSpec
from domain.delivery import Phase, Transmission
from domain.message import OutgoingMail
from domain.sourcing import Contribution, Profile, ProfilePage, Repository, SourcePage
from providers import mime
from providers.github.api import IN_FLIGHT

CALL_SECONDS = 0.05
PAGE = 100
"""Leads that one call of the source is about."""

_SLICES = 4
_PER_REPOSITORY = 4


class SlowSource:
    """domain.source_ports.Source over people who are invented as they are asked for; every search finds new ones."""

    def __init__(self, leads: int) -> None:
        """So many are found, in pages of a hundred: `leads` is a multiple of four hundred."""
        self._pages = leads // PAGE // _SLICES
        self._room = asyncio.Semaphore(IN_FLIGHT)
        self.calls = 0

    def slices(self, spec: CampaignSpec, as_of: datetime) -> list[str]:  # noqa: ARG002 the port's names
        """See Source."""
        return [f"{as_of.timestamp():.6f}-{number}" for number in range(_SLICES)]

    async def page(self, slice_: str, cursor: str, stop: asyncio.Event | None = None) -> SourcePage:  # noqa: ARG002 the port's names
        """See Source."""
        await self._call()
        page, now = int(cursor or 0), datetime.now(UTC)
        repositories = [f"{slice_}-{page}-{number}" for number in range(PAGE // _PER_REPOSITORY)]
        return SourcePage(
            repositories=tuple(
                Repository(
                    identity=one, full_name=f"example/{one}", url="https://example.com", language="Python", commits=40
                )
                for one in repositories
            ),
            contributions=tuple(
                Contribution(
                    identity=f"{one}-{person}",
                    login=f"robin-{one}-{person}",
                    repository=one,
                    commits=10,
                    last_commit_at=now,
                    offsets={120: 10},
                )
                for one in repositories
                for person in range(_PER_REPOSITORY)
            ),
            next_cursor=str(page + 1) if page + 1 < self._pages else None,
        )

    async def profiles(
        self,
        spec: CampaignSpec,  # noqa: ARG002 the port's names
        identities: Sequence[str],
        stop: asyncio.Event | None = None,  # noqa: ARG002 as above
    ) -> ProfilePage:
        """See Source."""
        await self._call()
        now = datetime.now(UTC)
        return ProfilePage(
            profiles=tuple(
                Profile(
                    identity=one, login=f"robin-{one}", name="Robin Example", email=f"{one}@example.com", read_at=now
                )
                for one in identities
            )
        )

    async def close(self) -> None:
        """Nothing is open."""

    async def _call(self) -> None:
        async with self._room:
            self.calls += 1
            await asyncio.sleep(CALL_SECONDS)


class SlowRelay:
    """domain.ports.Relay that takes everything, one mail a connection at a time."""

    loopback = True
    usable = True

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(CONNECTIONS)
        self.calls = 0

    def encode(self, mail: OutgoingMail) -> bytes:
        """See Relay."""
        return mime.encode(mail)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Self]:
        """See Relay."""
        async with self._room:
            yield self

    async def transmit(self, sender: str, recipient: str, content: bytes) -> Transmission:  # noqa: ARG002 the port's names
        """See RelayConnection."""
        self.calls += 1
        await asyncio.sleep(CALL_SECONDS)
        return Transmission(phase=Phase.CONTENT, code=250)


class SlowRelays:
    """domain.ports.Relays with one of them."""

    def __init__(self) -> None:
        self._relay = SlowRelay()

    def relay(self, mailbox: str, connections: int, *, dry_run: bool) -> SlowRelay:  # noqa: ARG002 the port's names
        """See Relays."""
        return self._relay
