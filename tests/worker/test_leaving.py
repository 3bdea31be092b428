"""How a worker is left: what is in hand is finished, whatever the other half of it does meanwhile."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self, cast

import pytest

from worker.build import CampaignWorker
from worker.own_loop import OwnLoop

CALLED_OFF = """
import asyncio
from client.exit import run_entry_point
async def work(_settings):
    raise asyncio.CancelledError
run_entry_point(work)
"""


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


def test_a_process_whose_work_was_called_off_still_leaves_by_the_one_way_out() -> None:
    ended = subprocess.run([sys.executable, "-c", CALLED_OFF], capture_output=True, text=True, check=False, timeout=50)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: unexpected CancelledError\n")
    assert "Traceback" not in ended.stderr
