"""What is in hand when a campaign is paused is finished and stored before the window is given back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from temporalio import activity

_T = TypeVar("_T")


@asynccontextmanager
async def stopping_with_worker() -> AsyncIterator[asyncio.Event]:
    """An event for to_its_end that is also set when this worker stops."""
    stop = asyncio.Event()

    async def watch() -> None:
        await activity.wait_for_worker_shutdown()
        stop.set()

    task = asyncio.create_task(watch(), name="stopping-with-worker")
    try:
        yield stop
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def to_its_end(work: Coroutine[Any, Any, _T], stop: asyncio.Event | None = None) -> _T:
    """Do the work even while this activity is cancelled, however often; the cancellation is raised after it.

    `stop` is set then: work that knows it comes to its end earlier.
    """
    task = asyncio.create_task(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
            if stop is not None:
                stop.set()
    result = task.result()
    if cancelled:
        raise asyncio.CancelledError
    return result
