"""SQLite (WAL), the embedded default: one file, one writer at a time."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
from sqlalchemy import URL, Connection, Engine, PoolResetState, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from domain.errors import InputError, Unreachable
from storage import sqlite_hops
from storage.slow_statements import show_slow_statements

_BUSY_MILLISECONDS = 10_000
"""How long rows wait for another writer: whoever is at a terminal waits with them."""
_LEDGER_BUSY_MILLISECONDS = 30_000
_OLDEST_SQLITE = (3, 38, 0)  # UPDATE … FROM, RETURNING and the ->> operator
_CONNECTIONS = 16
"""Kept once they are open: each has a thread and took four pragmas. Whoever comes when all are busy waits."""
_CACHE_KILOBYTES = 512
"""Of each connection. SQLite's own 2 MB, times all connections, make a worker grow with the file and nothing faster."""
_WRITES = "outrider_writes"
_BRIEF = "outrider_brief"
_LOCKED = ("is locked by another process", "try again when that process is done")
_OUTSIDE = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: ("cannot be written", "let this user write to the file and to its directory"),
    sqlite3.SQLITE_IOERR: ("cannot be read or written: its disk fails", ""),
    sqlite3.SQLITE_FULL: ("cannot grow: the disk is full", "free some space there; nothing was lost"),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "let this user read and write the file and its directory"),
}
"""What can be wrong with the file, by SQLite's primary result codes, and the way out. All else is our mistake."""
_PRIMARY = 0xFF


class SqliteFile:
    """One database file: its engines, and what can be wrong with it."""

    def __init__(self, url: URL) -> None:
        """`url` names a file; raises InputError when this Python's SQLite is too old."""
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            raise InputError(f"SQLite {sqlite3.sqlite_version} is too old: 3.38 or newer is needed")
        self.url = url.set(drivername="sqlite+aiosqlite")
        self.path = Path(str(url.database))
        self.name = f"the database at {self.path}"
        self.engine: AsyncEngine = create_async_engine(
            self.url,
            hide_parameters=True,
            async_creator=self._connect,
            pool_size=_CONNECTIONS,
            max_overflow=0,
            pool_use_lifo=True,
            pool_reset_on_return=None,
        )
        _end_what_is_open(self.engine.sync_engine)
        _prepare(self.engine.sync_engine, synchronous="NORMAL", busy_milliseconds=_BUSY_MILLISECONDS)
        self._rows = asyncio.Lock()
        self.ledger_turn = asyncio.Lock()
        """Of a ledger of this event loop: it waits for one transaction and not for all that want to write.

        The one of the event loop that sends shares nothing with this object: it finds the file locked, for 6 ms.
        """

    async def _connect(self) -> aiosqlite.Connection:
        place, options = self.engine.dialect.create_connect_args(self.url)
        return await sqlite_hops.connect(*place, **options)

    def ledger_engine(self) -> Engine:
        """A synchronous engine with one connection, for the ledger's own thread.

        `synchronous=FULL`: with NORMAL a power cut can lose a committed `transmitting`, which is a mail sent twice.
        """
        url = self.url.set(drivername="sqlite")
        engine = create_engine(
            url, hide_parameters=True, poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        _prepare(engine, synchronous="FULL", busy_milliseconds=_LEDGER_BUSY_MILLISECONDS)
        return engine

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the others of this process: SQLite itself has no queue, it looks again after up to 100 ms."""
        async with self._rows, self.ledger_turn:
            yield

    async def for_reading(self, connection: AsyncConnection, *, brief: bool) -> AsyncConnection:
        """A transaction of this connection sees the file as it is at its first statement."""
        return await connection.execution_options(**{_BRIEF: True}) if brief else connection

    async def for_writing(self, connection: AsyncConnection, *, brief: bool) -> AsyncConnection:
        """A transaction of this connection takes the lock at once: upgrading a read lock can fail with SQLITE_BUSY."""
        return await connection.execution_options(**{_WRITES: True, _BRIEF: brief})

    async def lock(self, connection: AsyncConnection, campaign_id: str | None) -> None:
        """The whole file is locked by BEGIN IMMEDIATE."""

    def connect_trouble(self, error: BaseException) -> Unreachable | None:
        """A file that cannot be opened is said as one that cannot be read is."""
        return self.trouble(error)

    def trouble(self, error: BaseException) -> Unreachable | None:
        """What is wrong with the file itself, None when the error is about something else."""
        if not isinstance(error, DBAPIError):
            return None
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
        if code not in _OUTSIDE:
            return None
        what, hint = _OUTSIDE[code]
        return Unreachable(f"{self.name} {what}", hint=hint)

    def create(self) -> None:
        """People's addresses are in this file: only its owner may read it."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch(mode=0o600, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"no database can be made at {self.path}: {error.strerror}", hint="set OUTRIDER_HOME"
            ) from None

    def check_exists(self) -> None:
        """Raise Unreachable when there is no file: connecting would make one."""
        if not self.path.exists():
            raise Unreachable(f"no database at {self.path}", hint="outrider up (or: outrider migrate)")


def _end_what_is_open(engine: Engine) -> None:
    """Roll back what goes to the pool with a transaction. Nobody does that: one thread hop less for all others.

    Whoever is cancelled in the middle of a statement gives no connection back: SQLAlchemy closes it.
    """

    @event.listens_for(engine, "reset")
    def reset(raw: DBAPIConnection, _record: object, state: PoolResetState) -> None:
        if state.asyncio_safe and not state.terminate_only and raw.driver_connection.in_transaction:
            raw.rollback()


def _prepare(engine: Engine, *, synchronous: str, busy_milliseconds: int) -> None:
    """Set the pragmas of each new connection and let SQLAlchemy, not the driver, begin transactions."""
    show_slow_statements(engine)

    @event.listens_for(engine, "connect")
    def connect(raw: sqlite3.Connection, _record: object) -> None:
        raw.isolation_level = None
        cursor = raw.cursor()
        for pragma in (
            f"busy_timeout={busy_milliseconds}",
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            f"cache_size=-{_CACHE_KILOBYTES}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        writes = options.get(_WRITES) or synchronous == "FULL"
        if options.get(_BRIEF):
            _begin_brief(connection, busy_milliseconds, writes=writes)
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_brief(connection: Connection, busy_milliseconds: int, *, writes: bool) -> None:
    """Only the wait for another writer is left to the connection's thread."""
    hopping = connection.connection.driver_connection
    assert isinstance(hopping, sqlite_hops.HoppingConnection)  # noqa: S101 for the type checker
    if not writes:
        hopping.brief = True
        connection.exec_driver_sql("BEGIN")
        return
    if not hopping.begin_at_once(busy_milliseconds):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    hopping.brief = True
