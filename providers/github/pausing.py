"""Waits that end at once when nothing more may be asked."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from domain.errors import SourceStopped
from providers.github.tokens import utc_now

_FIRST_PAUSE_SECONDS = 0.4


async def pause(seconds: float, stop: asyncio.Event) -> None:
    """Wait so long; raises SourceStopped as soon as `stop` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
            raise SourceStopped


@asynccontextmanager
async def slot(slots: asyncio.Semaphore, stop: asyncio.Event) -> AsyncIterator[None]:
    """Hold a slot; raises SourceStopped when `stop` is set before there is one."""
    if slots.locked():
        await _acquired(slots, stop)
    else:
        await slots.acquire()
    try:
        if stop.is_set():
            raise SourceStopped
        yield
    finally:
        slots.release()


async def _acquired(slots: asyncio.Semaphore, stop: asyncio.Event) -> None:
    acquiring, stopped = asyncio.create_task(slots.acquire()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((acquiring, stopped), return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        if not acquiring.cancel():  # it got the slot in the same moment
            slots.release()
        raise
    finally:
        stopped.cancel()
    if not acquiring.done():
        acquiring.cancel()
        raise SourceStopped


class Patience:
    """How much longer one question may wait in here; not at all once nothing more may be asked."""

    def __init__(self, seconds: float, stop: asyncio.Event) -> None:
        """`seconds` in all; none once `stop` is set."""
        self._left = seconds
        self._stop = stop
        self._pauses = 0

    async def until(self, at: datetime) -> bool:
        """Sleep until `at`, unless that is too long."""
        return await self._sleep(max(0.0, (at - utc_now()).total_seconds()))

    async def pause(self) -> bool:
        """Sleep a little, longer each time, unless that is too long."""
        self._pauses += 1
        return await self._sleep(_FIRST_PAUSE_SECONDS * 2 ** (self._pauses - 1) * random.uniform(0.75, 1.25))  # noqa: S311 no secret

    async def _sleep(self, seconds: float) -> bool:
        if seconds > self._left:
            return False
        self._left -= seconds
        await pause(seconds, self._stop)
        return True
