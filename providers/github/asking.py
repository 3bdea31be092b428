"""The questions of one page: what they may cost, and what they have cost so far."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from domain.errors import SourceStopped, SourceWait
from providers.github.api import Data, GitHubApi, Reply

D = TypeVar("D", bound=Data)


class Asking:
    """Asks for one page or batch, within its campaign's share of the hour."""

    def __init__(self, api: GitHubApi, share: float, stop: asyncio.Event | None = None) -> None:
        """Nothing is asked yet; nothing further is once `stop` is set."""
        self._api = api
        self._share = share
        self._stop = stop
        self.points = 0
        """What was charged so far."""

    @property
    def left(self) -> int:
        """Points that may still be spent this hour."""
        return self._api.left(self._share)

    async def ask(self, query: str, variables: Mapping[str, object], shape: type[D]) -> Reply[D]:
        """See GitHubApi.ask."""
        reply = await self._api.ask(query, variables, shape, self._share, self._stop)
        self.points += reply.points
        return reply

    @contextmanager
    def charged(self) -> Iterator[None]:
        """What ends the block too early says what was charged until then."""
        try:
            yield
        except (SourceWait, SourceStopped) as end:
            end.points = self.points
            raise

    def unreachable(self, why: str) -> SourceWait:
        """The wait for a GitHub that does not answer, for everybody in this process."""
        return self._api.unreachable(why)

    def not_shown(self, why: str) -> SourceWait:
        """The wait for an answer that does not come although others do, for whoever asks for it."""
        return self._api.not_shown(why)
