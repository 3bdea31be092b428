"""Transactions and migrations, on an SQLite file or a PostgreSQL server."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import DatabaseMismatch, InputError, Unreachable
from storage.postgres_server import PostgresServer
from storage.sqlite_file import SqliteFile

_LAST_PORT = 65_535
_LATER = "try again in a moment"
_WAY_OUT = "leave the variable out, or give sqlite+aiosqlite:///PATH or postgresql+asyncpg://USER@HOST/NAME"


class Database:
    """One database. `read()` and `write()` are its only two kinds of transactions.

    Both raise Unreachable when the file is locked, full or closed to this user, or the server does not answer: what was
    begun is undone, and trying again is safe.
    """

    def __init__(self, url: str) -> None:
        """`url` is an SQLAlchemy URL: `sqlite+aiosqlite:///PATH` or `postgresql+asyncpg://USER:PASSWORD@HOST/NAME`."""
        self.backend = _backend(url)
        self.url = self.backend.url

    @asynccontextmanager
    async def read(self, *, brief: bool = False) -> AsyncIterator[AsyncConnection]:
        """A consistent view; nothing is written. `brief` promises what it does for `write`."""
        async with self._connected() as idle:
            connection = await self.backend.for_reading(idle, brief=brief)
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def write(self, campaign_id: str | None = None, *, brief: bool = False) -> AsyncIterator[AsyncConnection]:
        """A transaction beside which nobody else writes: what it has read stays true until it commits.

        With `campaign_id` it may change rows of that campaign only; on PostgreSQL others are written to meanwhile.
        `brief` promises that all statements together take some milliseconds. On an SQLite file they run in the event
        loop then: each way to a thread and back costs a busy loop more than most statements, and keeps the file locked.
        """
        async with self.backend.turn(), self._connected() as idle:
            connection = await self.backend.for_writing(idle, brief=brief)
            async with connection.begin():
                await self.backend.lock(connection, campaign_id)
                yield connection

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        """A connection; what is wrong with the database itself becomes Unreachable."""
        async with AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(self.backend.engine.connect())
            except PoolTimeout:
                raise Unreachable(f"{self.backend.name} is busy: all connections are in use", hint=_LATER) from None
            except (DBAPIError, OSError, TypeError) as error:
                raise self.backend.connect_trouble(error) or error from None
            try:
                yield connection
            except DBAPIError as error:
                trouble = self.backend.trouble(error)
                if trouble is None:
                    raise
                raise trouble from None

    async def close(self) -> None:
        """Close all connections."""
        await self.backend.engine.dispose()

    async def migrate(self) -> tuple[str | None, str]:
        """Bring the database to the newest revision; returns (revision before, revision now). Safe to run twice."""
        self.backend.create()
        try:
            async with self.write() as connection:
                before = await connection.run_sync(_revision)
                self._check_known(before)
                await connection.run_sync(_upgrade)
        except DBAPIError as error:
            raise Unreachable(f"{self.backend.name} cannot be migrated: {error.orig}") from None
        return before, _head()

    async def check_revision(self) -> None:
        """Raise unless the database exists and has the revision this program was written for."""
        self.backend.check_exists()
        try:
            async with self.read() as connection:
                found = await connection.run_sync(_revision)
        except DBAPIError as error:
            raise Unreachable(f"{self.backend.name} cannot be opened: {error.orig}") from None
        self._check_known(found)
        if found != _head():
            raise DatabaseMismatch(
                f"the database is at revision {found or 'none'}, this program needs {_head()}", hint="outrider migrate"
            )

    def _check_known(self, revision: str | None) -> None:
        """Raise when another program's migrations, most likely a newer version's, were here."""
        if revision is not None and revision not in _revisions():
            raise DatabaseMismatch(
                f"{self.backend.name} is at revision {revision}, which this program does not know",
                hint="use the Outrider that migrated it last, or a newer one",
            )


def _backend(text: str) -> SqliteFile | PostgresServer:
    url = _parsed(text)
    kind = url.get_backend_name()
    if kind in ("postgresql", "postgres"):
        if not url.database:
            raise InputError("OUTRIDER_DATABASE_URL names no database", hint=_WAY_OUT)
        return PostgresServer(url)
    if kind != "sqlite":
        raise InputError(f"OUTRIDER_DATABASE_URL: rows are kept in SQLite or PostgreSQL, not in {kind}", hint=_WAY_OUT)
    if url.database in (None, "", ":memory:"):
        raise InputError("OUTRIDER_DATABASE_URL names no file: worker and web must share one", hint=_WAY_OUT)
    if url.query:
        raise InputError("OUTRIDER_DATABASE_URL has an option: SQLite takes none", hint=_WAY_OUT)
    return SqliteFile(url)


def _parsed(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        url = None
    if url is None or not 0 <= (url.port or 0) <= _LAST_PORT:
        raise InputError("OUTRIDER_DATABASE_URL is no database URL", hint=_WAY_OUT)
    return url


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
