"""The send ledger: one writer per process, commits by demand.

Whatever the connections have asked for since the last commit goes into one transaction: the confirmation of the last
mail and the begin of the next. So a killed process leaves at most one doubtful message per open connection, and a busy
one still shares its commits. SQLite gets its own thread and its own connection with `synchronous=FULL`.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from domain.message import ClaimedMessage, MessageKey
from domain.ports import ClaimRules, Settlement, WindowTally
from storage import ledger_sqlite as statements
from storage.database import Database
from telemetry.logging import get_logger

_RETRY_SECONDS = (0.2, 1.0, *[5.0] * 180)
"""A quarter of an hour: no mail begins meanwhile, and what a person must mend is said in the log."""

_log = get_logger(__name__)
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class _Advance:
    """One connection's wish: record this, begin that."""

    settled: Settlement | None
    begin: ClaimedMessage | None
    done: asyncio.Future[bool]


@dataclass(frozen=True, slots=True)
class _Call:
    """A statement of its own, such as a claim."""

    run: Callable[[Connection, int], Any]
    done: asyncio.Future[Any]


@dataclass(slots=True)
class _Wishes:
    """What has been asked for since the last commit."""

    advances: list[_Advance] = field(default_factory=list)
    calls: list[_Call] = field(default_factory=list)

    def futures(self) -> list[asyncio.Future[Any]]:
        return [*(wish.done for wish in self.advances), *(wish.done for wish in self.calls)]


class SqliteLedger:
    """domain.ports.Ledger on SQLite. Use as an async context manager; leaving it writes what was asked for."""

    def __init__(self, database: Database) -> None:
        """The database must exist and have the newest revision."""
        self._engine = database.ledger_engine()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._wishes = _Wishes()
        self._asked = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._leaving = False

    async def __aenter__(self) -> Self:
        """Start the writer task."""
        self._writer = asyncio.create_task(self._write(), name="ledger-writer")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Write what was asked for, then stop."""
        self._leaving = True
        self._asked.set()
        if self._writer is not None:
            await asyncio.wait([self._writer])
        self._thread.shutdown()
        self._engine.dispose()

    async def claim(
        self, campaign_id: str, first: int, last: int, token: str, rules: ClaimRules
    ) -> list[ClaimedMessage]:
        """See domain.ports.Ledger."""
        asked = statements.Window(campaign_id, first, last)
        return await self._call(lambda connection, now: statements.claim(connection, asked, token, rules, now))

    async def advance(self, settled: Settlement | None, begin: ClaimedMessage | None) -> bool:
        """See domain.ports.Ledger."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._wishes.advances.append(_Advance(settled, begin, done))
        self._asked.set()
        return await done

    async def release(self, campaign_id: str, first: int, last: int, token: str) -> None:
        """See domain.ports.Ledger."""
        asked = statements.Window(campaign_id, first, last)
        await self._call(lambda connection, now: statements.release(connection, asked, token, now))

    async def tally(self, campaign_id: str, first: int, last: int) -> WindowTally:
        """See domain.ports.Ledger."""
        asked = statements.Window(campaign_id, first, last)
        return await self._call(lambda connection, _now: statements.tally(connection, asked))

    async def cancel(self, campaign_id: str, first: int, last: int) -> None:
        """See domain.ports.Ledger."""
        asked = statements.Window(campaign_id, first, last)
        await self._call(lambda connection, now: statements.cancel(connection, asked, now))

    async def _call(self, run: Callable[[Connection, int], _Answer]) -> _Answer:
        done: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._wishes.calls.append(_Call(run, done))
        self._asked.set()
        return await done

    async def _write(self) -> None:
        while self._wishes.futures() or not self._leaving:
            await self._asked.wait()
            self._asked.clear()
            wishes, self._wishes = self._wishes, _Wishes()
            try:
                began, answers = await self._committed(wishes)
            except Exception as error:  # noqa: BLE001 whoever asked decides what the failure means
                for done in wishes.futures():
                    if not done.done():
                        done.set_exception(error)
                continue
            for advance in wishes.advances:
                if not advance.done.done():
                    advance.done.set_result(advance.begin is not None and _is_mine(advance.begin, began))
            for call, answer in zip(wishes.calls, answers, strict=True):
                if not call.done.done():
                    call.done.set_result(answer)

    async def _committed(self, wishes: _Wishes) -> tuple[Mapping[MessageKey, str | None], list[Any]]:
        """Commit, and again if the disk was full or the database locked: known answers must not become doubts.

        Trying again is safe: every statement is a compare-and-set.
        """
        loop = asyncio.get_running_loop()
        for pause in _RETRY_SECONDS:
            try:
                return await loop.run_in_executor(self._thread, self._commit, wishes)
            except OperationalError:
                _log.warning("ledger.commit_failed", again_in_seconds=pause)
                await asyncio.sleep(pause)
        return await loop.run_in_executor(self._thread, self._commit, wishes)

    def _commit(self, wishes: _Wishes) -> tuple[Mapping[MessageKey, str | None], list[Any]]:
        """One transaction, in the ledger's thread."""
        now = time.time_ns() // 1_000_000
        settlements = [advance.settled for advance in wishes.advances if advance.settled is not None]
        begins = [advance.begin for advance in wishes.advances if advance.begin is not None]
        with self._engine.begin() as connection:
            recorded = statements.settle(connection, settlements, now)
            began = statements.begin(connection, begins, now)
            answers = [call.run(connection, now) for call in wishes.calls]
        for settlement in settlements:
            if not _is_mine(settlement.message, recorded):
                key = settlement.message.key
                _log.warning("ledger.not_mine", campaign_id=key.campaign_id, lead_number=key.number, step=key.step)
        return began, answers


def _is_mine(message: ClaimedMessage, changed: Mapping[MessageKey, str | None]) -> bool:
    """Whether it was this attempt's row that changed: two attempts may ask for one message in one commit."""
    return changed.get(message.key) == message.token
