"""The send ledger: one writer per process, commits by demand.

Whatever the connections have asked for since the last commit goes into one transaction: the confirmation of the last
mail and the begin of the next. So a killed process leaves at most one doubtful message per open connection, and a busy
one still shares its commits. SQLite gets its own thread and its own connection with `synchronous=FULL`, PostgreSQL a
connection of its own in the event loop.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from domain.message import ClaimedMessage, MessageKey
from domain.ports import ClaimRules, Settlement, WindowTally
from storage import postgres_locks
from storage.database import Database
from storage.ledger_postgres import PostgresTransitions
from storage.ledger_sqlite import SqliteTransitions
from storage.ledger_transitions import Changed, Transitions, Window
from storage.postgres_server import PostgresServer, is_passing
from storage.sqlite_file import SqliteFile
from telemetry.logging import get_logger
from telemetry.tracing import TraceIds, current_ids

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
    ids: TraceIds


@dataclass(frozen=True, slots=True)
class _Call:
    """A statement of its own, such as a claim."""

    run: Callable[[Transitions], Any]
    writes: bool
    done: asyncio.Future[Any]
    ids: TraceIds


@dataclass(slots=True)
class _Wishes:
    """What has been asked for since the last commit."""

    advances: list[_Advance] = field(default_factory=list)
    calls: list[_Call] = field(default_factory=list)

    def settlements(self) -> list[Settlement]:
        return [advance.settled for advance in self.advances if advance.settled is not None]

    def begins(self) -> list[ClaimedMessage]:
        return [advance.begin for advance in self.advances if advance.begin is not None]

    def traced(self) -> dict[MessageKey, TraceIds]:
        """Where each of these messages is being worked on, as far as that is traced."""
        found = {}
        for advance in self.advances:
            if advance.ids.trace_id is not None:
                if advance.settled is not None:
                    found[advance.settled.message.key] = advance.ids
                if advance.begin is not None:
                    found[advance.begin.key] = advance.ids
        return found

    def futures(self) -> list[asyncio.Future[Any]]:
        return [*(wish.done for wish in self.advances), *(wish.done for wish in self.calls)]


class _Done(NamedTuple):
    """What one transaction came to."""

    recorded: Changed
    began: Changed
    answers: list[Any]


class GroupingLedger(ABC):
    """domain.ports.Ledger. Use as an async context manager; leaving it writes what was asked for."""

    def __init__(self) -> None:
        """The writer starts with the block."""
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
        await self._close()

    async def claim(
        self, campaign_id: str, first: int, last: int, token: str, rules: ClaimRules
    ) -> list[ClaimedMessage]:
        """See domain.ports.Ledger."""
        asked = Window(campaign_id, first, last)
        return await self._call(lambda transitions: transitions.claim(asked, token, rules))

    async def advance(self, settled: Settlement | None, begin: ClaimedMessage | None) -> bool:
        """See domain.ports.Ledger."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._wishes.advances.append(_Advance(settled, begin, done, current_ids()))
        self._asked.set()
        return await done

    async def release(self, campaign_id: str, first: int, last: int, token: str) -> None:
        """See domain.ports.Ledger."""
        asked = Window(campaign_id, first, last)
        await self._call(lambda transitions: transitions.release(asked, token))

    async def tally(self, campaign_id: str, first: int, last: int) -> WindowTally:
        """See domain.ports.Ledger."""
        asked = Window(campaign_id, first, last)
        return await self._call(lambda transitions: transitions.tally(asked), writes=False)

    async def cancel(self, campaign_id: str, first: int, last: int) -> None:
        """See domain.ports.Ledger."""
        asked = Window(campaign_id, first, last)
        await self._call(lambda transitions: transitions.cancel(asked))

    async def _call(self, run: Callable[[Transitions], _Answer], *, writes: bool = True) -> _Answer:
        done: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._wishes.calls.append(_Call(run, writes, done, current_ids()))
        self._asked.set()
        return await done

    async def _write(self) -> None:
        while self._wishes.futures() or not self._leaving:
            await self._asked.wait()
            self._asked.clear()
            wishes, self._wishes = self._wishes, _Wishes()
            if not wishes.futures():  # it is to leave: a database that is away is no reason to stay
                continue
            try:
                done = await self._committed(wishes)
            except Exception as error:  # noqa: BLE001 whoever asked decides what the failure means
                for future in wishes.futures():
                    if not future.done():
                        future.set_exception(error)
                continue
            for advance in wishes.advances:
                if not advance.done.done():
                    advance.done.set_result(advance.begin is not None and _is_mine(advance.begin, done.began))
            for call, answer in zip(wishes.calls, done.answers, strict=True):
                if not call.done.done():
                    call.done.set_result(answer)

    async def _committed(self, wishes: _Wishes) -> _Done:
        """Commit, and again if the database was full, locked or away: known answers must not become doubts.

        Trying again is safe: every statement is a compare-and-set.
        """
        for pause in _RETRY_SECONDS:
            try:
                return await self._commit(wishes)
            except Exception as error:
                if not self._is_passing(error):
                    raise
                _log.warning("ledger.commit_failed", again_in_seconds=pause)
                await asyncio.sleep(pause)
        return await self._commit(wishes)

    @abstractmethod
    async def _commit(self, wishes: _Wishes) -> _Done:
        """One transaction."""

    @abstractmethod
    def _is_passing(self, error: Exception) -> bool:
        """Whether the same transaction may succeed later."""

    @abstractmethod
    async def _close(self) -> None:
        """Give up the connection."""


class SqliteLedger(GroupingLedger):
    """The ledger on SQLite."""

    def __init__(self, database: Database) -> None:
        """The database must exist and have the newest revision."""
        super().__init__()
        if not isinstance(database.backend, SqliteFile):
            raise TypeError(database.backend.name)
        self._engine = database.backend.ledger_engine()
        self._turn = database.backend.ledger_turn
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")

    async def _commit(self, wishes: _Wishes) -> _Done:
        async with self._turn:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._transaction, wishes)

    def _transaction(self, wishes: _Wishes) -> _Done:
        """One transaction, in the ledger's thread."""
        with self._engine.begin() as connection:
            done = _fulfilled(wishes, SqliteTransitions(connection, _now()))
        _warn_of_strangers(wishes, done)
        return done

    def _is_passing(self, error: Exception) -> bool:
        return isinstance(error, OperationalError)

    async def _close(self) -> None:
        self._thread.shutdown()
        self._engine.dispose()


class PostgresLedger(GroupingLedger):
    """The ledger on PostgreSQL. Several processes may have one each."""

    def __init__(self, database: Database) -> None:
        """The database must exist and have the newest revision."""
        super().__init__()
        if not isinstance(database.backend, PostgresServer):
            raise TypeError(database.backend.name)
        self._engine = database.backend.ledger_engine()

    async def _commit(self, wishes: _Wishes) -> _Done:
        async with self._engine.begin() as connection:
            done = await connection.run_sync(self._transaction, wishes)
        _warn_of_strangers(wishes, done)
        return done

    def _transaction(self, connection: Connection, wishes: _Wishes) -> _Done:
        _lock(connection, wishes)
        return _fulfilled(wishes, PostgresTransitions(connection, _now()))

    def _is_passing(self, error: Exception) -> bool:
        return is_passing(error)

    async def _close(self) -> None:
        await self._engine.dispose()


def ledger_of(database: Database) -> GroupingLedger:
    """The ledger for this kind of database."""
    return PostgresLedger(database) if isinstance(database.backend, PostgresServer) else SqliteLedger(database)


def _fulfilled(wishes: _Wishes, transitions: Transitions) -> _Done:
    transitions.traced = wishes.traced()
    recorded = transitions.settle(wishes.settlements())
    began = transitions.begin(wishes.begins())
    answers = []
    for call in wishes.calls:
        transitions.ids = call.ids
        answers.append(call.run(transitions))
    return _Done(recorded, began, answers)


def _lock(connection: Connection, wishes: _Wishes) -> None:
    """Transitions of single messages go on beside each other; whatever decides about others' mails does not."""
    verdicts = [settlement.verdict for settlement in wishes.settlements()]
    if any(call.writes for call in wishes.calls) or any(one.suppress or one.stop_mailbox for one in verdicts):
        postgres_locks.alone(connection)
    elif wishes.advances:
        messages = [*(settlement.message for settlement in wishes.settlements()), *wishes.begins()]
        postgres_locks.together(connection, (message.key.campaign_id for message in messages))


def _warn_of_strangers(wishes: _Wishes, done: _Done) -> None:
    """Say which answers of a relay were not recorded, because another attempt owns the message."""
    for settlement in wishes.settlements():
        if not _is_mine(settlement.message, done.recorded):
            key = settlement.message.key
            _log.warning("ledger.not_mine", campaign_id=key.campaign_id, lead_number=key.number, step=key.step)


def _is_mine(message: ClaimedMessage, changed: Changed) -> bool:
    """Whether it was this attempt's row that changed: two attempts may ask for one message in one commit."""
    return changed.get(message.key) == message.token


def _now() -> int:
    return time.time_ns() // 1_000_000
