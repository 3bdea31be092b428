"""What a worker measures of itself and of the ledger, while it works and somebody asked for metrics."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from domain.errors import OutriderError
from telemetry import metrics
from telemetry.logging import get_logger
from telemetry.metrics import LedgerFigures

_BEAT_SECONDS = 0.25
_LEDGER_SECONDS = 30.0
_IDLE_PER_BUSY = 100
"""The ledger is asked so rarely that it spends at most a hundredth of its time on answers."""

_log = get_logger(__name__)


@contextlib.asynccontextmanager
async def measured(ledger: Callable[[], Awaitable[LedgerFigures]]) -> AsyncIterator[None]:
    """Measure while the block runs; nothing at all where no metrics are asked for."""
    if not metrics.measuring():
        yield
        return
    async with feeling_lag(), _beside(_count_ledger(ledger), "ledger-figures"):
        yield


@contextlib.asynccontextmanager
async def feeling_lag() -> AsyncIterator[None]:
    """Measure how late this event loop wakes up, while the block runs."""
    if not metrics.measuring():
        yield
        return
    async with _beside(_feel_lag(), "event-loop-lag"):
        yield


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _feel_lag() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _BEAT_SECONDS
        await asyncio.sleep(_BEAT_SECONDS)
        metrics.lagged(loop.time() - due)


async def _count_ledger(ledger: Callable[[], Awaitable[LedgerFigures]]) -> None:
    while True:
        began = time.monotonic()
        try:
            metrics.count_ledger(await ledger())
        except OutriderError as error:
            metrics.count_ledger(None)  # no figure is better than an old one
            _log.debug("metrics.ledger_unknown", error=error.line)
        await asyncio.sleep(max(_LEDGER_SECONDS, _IDLE_PER_BUSY * (time.monotonic() - began)))
