"""Engines and transactions: SQLite (WAL) as the embedded default."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from domain.errors import DatabaseMismatch, InputError, Unreachable

_BUSY_MILLISECONDS = 10_000
"""How long rows wait for another writer: whoever is at a terminal waits with them."""
_LEDGER_BUSY_MILLISECONDS = 30_000
_OLDEST_SQLITE = (3, 38, 0)  # UPDATE … FROM, RETURNING and the ->> operator
_WRITES = "outrider_writes"
_WAY_OUT = "leave the variable out, or give sqlite+aiosqlite:///PATH"
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


class Database:
    """One database. `read()` and `write()` are its only two kinds of transactions.

    Both raise Unreachable when the file is locked, full or closed to this user: what was begun is undone, and trying
    again is safe.
    """

    def __init__(self, url: str) -> None:
        """`url` is an SQLAlchemy URL such as `sqlite+aiosqlite:////var/lib/outrider/outrider.db`."""
        self.url = _file_url(url)
        self._path = Path(str(self.url.database))
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            raise InputError(f"SQLite {sqlite3.sqlite_version} is too old: 3.38 or newer is needed")
        self._engine: AsyncEngine = create_async_engine(self.url, hide_parameters=True)
        _prepare(self._engine.sync_engine, synchronous="NORMAL", busy_milliseconds=_BUSY_MILLISECONDS)

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
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view; nothing is written."""
        with self._outside_trouble():
            async with self._engine.connect() as connection, connection.begin():
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A write transaction that takes its lock at once: upgrading a read lock can fail with SQLITE_BUSY."""
        with self._outside_trouble():
            async with self._engine.connect() as idle:
                connection = await idle.execution_options(**{_WRITES: True})
                async with connection.begin():
                    yield connection

    @contextmanager
    def _outside_trouble(self) -> Iterator[None]:
        """Turn what is wrong with the file itself into Unreachable."""
        try:
            yield
        except DBAPIError as error:
            code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
            if code not in _OUTSIDE:
                raise
            what, hint = _OUTSIDE[code]
            raise Unreachable(f"the database at {self._path} {what}", hint=hint) from None

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    async def migrate(self) -> tuple[str | None, str]:
        """Bring the database to the newest revision; returns (revision before, revision now). Safe to run twice."""
        _create_private(self._path)
        try:
            async with self.write() as connection:
                before = await connection.run_sync(_revision)
                self._check_known(before)
                await connection.run_sync(_upgrade)
        except DBAPIError as error:
            raise Unreachable(f"the database at {self._path} cannot be migrated: {error.orig}") from None
        return before, _head()

    async def check_revision(self) -> None:
        """Raise unless the database exists and has the revision this program was written for."""
        if not self._path.exists():
            raise Unreachable(f"no database at {self._path}", hint="outrider up (or: outrider migrate)")
        try:
            async with self.read() as connection:
                found = await connection.run_sync(_revision)
        except DBAPIError as error:
            raise Unreachable(f"the database at {self._path} cannot be opened: {error.orig}") from None
        self._check_known(found)
        if found != _head():
            raise DatabaseMismatch(
                f"the database is at revision {found or 'none'}, this program needs {_head()}", hint="outrider migrate"
            )

    def _check_known(self, revision: str | None) -> None:
        """Raise when another program's migrations, most likely a newer version's, were here."""
        if revision is not None and revision not in _revisions():
            raise DatabaseMismatch(
                f"the database at {self._path} is at revision {revision}, which this program does not know",
                hint="use the Outrider that migrated it last, or a newer one",
            )


def _file_url(text: str) -> URL:
    """The URL of an SQLite file with the driver we use; raises InputError that does not quote it."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise InputError("OUTRIDER_DATABASE_URL is no database URL", hint=_WAY_OUT) from None
    if url.get_backend_name() != "sqlite":
        raise InputError(
            f"OUTRIDER_DATABASE_URL: this version keeps its rows in SQLite, not {url.get_backend_name()}", hint=_WAY_OUT
        )
    if url.database in (None, "", ":memory:"):
        raise InputError("OUTRIDER_DATABASE_URL names no file: worker and web must share one", hint=_WAY_OUT)
    return url.set(drivername="sqlite+aiosqlite")


def _prepare(engine: Engine, *, synchronous: str, busy_milliseconds: int) -> None:
    """Set the pragmas of each new connection and let SQLAlchemy, not the driver, begin transactions."""

    @event.listens_for(engine, "connect")
    def connect(raw: sqlite3.Connection, _record: object) -> None:
        raw.isolation_level = None
        cursor = raw.cursor()
        for pragma in (
            f"busy_timeout={busy_milliseconds}",
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES) or synchronous == "FULL"
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _create_private(path: Path) -> None:
    """People's addresses are in this file: only its owner may read it."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise InputError(f"no database can be made at {path}: {error.strerror}", hint="set OUTRIDER_HOME") from None


def _config() -> Config:
    config = Config()
    location = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", location.replace("%", "%%"))  # as in every INI file
    return config


@cache
def _revisions() -> tuple[str, ...]:
    """All revisions this program knows, the newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _head() -> str:
    return _revisions()[0]


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
