"""A heartbeat in the background of a window, so that a dead worker is noticed within seconds."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity

EVERY_SECONDS = 0.5
"""Also the time after which an activity learns that it was cancelled."""


@asynccontextmanager
async def heartbeat() -> AsyncIterator[None]:
    """Heartbeat without payload until the block ends; the rows say how far the work is."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(EVERY_SECONDS)

    task = asyncio.create_task(beat(), name="heartbeat")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
