"""How a worker is left: what is in hand is finished, whatever the other half of it does meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self, cast

import pytest

from worker.build import CampaignWorker
from worker.own_loop import OwnLoop


class FailsAtItsEnd:
    """As Temporal's worker does whose server refuses it: it cancels whoever has entered, and raises."""

    async def __aenter__(self) -> Self:
        self._entered = asyncio.current_task()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0.05)
        assert self._entered is not None
        self._entered.cancel()
        await asyncio.sleep(0.05)
        raise ConnectionError("refused")


async def test_mails_are_finished_though_the_other_half_fails_meanwhile() -> None:
    mails: list[str] = []

    @asynccontextmanager
    async def sending() -> AsyncIterator[None]:
        yield
        await asyncio.sleep(0.3)
        mails.append("recorded")

    with pytest.raises(ConnectionError, match="refused"):
        async with CampaignWorker(cast("Any", FailsAtItsEnd()), OwnLoop("sending", sending)):
            pass
    assert mails == ["recorded"]
