"""What stands in for GitHub where no way to it is set: campaigns of other people go on, a search waits and says why."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn

from domain.campaign import CampaignSpec
from domain.errors import InputError, SourceWait
from domain.sourcing import ProfilePage, SourcePage
from providers.github import audience
from providers.github.resting import REFUSED
from providers.github.tokens import LOOK_AGAIN, utc_now


class NoSource:
    """See domain.source_ports.Source."""

    def __init__(self, why: InputError) -> None:
        """`why` names the setting."""
        self._why = why

    async def close(self) -> None:
        """Nothing is open."""

    def slices(self, spec: CampaignSpec, as_of: datetime) -> list[str]:
        """See domain.source_ports.Source."""
        return audience.cut(spec, as_of)

    async def page(self, slice_: str, cursor: str, stop: asyncio.Event | None = None) -> SourcePage:  # noqa: ARG002 the protocol's signature
        """Wait for a worker that has a token."""
        self._wait()

    async def profiles(
        self,
        spec: CampaignSpec,  # noqa: ARG002 the port's names
        identities: Sequence[str],  # noqa: ARG002 as above
        stop: asyncio.Event | None = None,  # noqa: ARG002 as above
    ) -> ProfilePage:
        """Wait for a worker that has a token."""
        self._wait()

    def _wait(self) -> NoReturn:
        raise SourceWait(self._why.line, utc_now() + LOOK_AGAIN, REFUSED, hint=self._why.hint)
