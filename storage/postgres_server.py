"""PostgreSQL, for workers on several machines."""

from contextlib import AbstractAsyncContextManager, nullcontext

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from domain.errors import InputError, Unreachable
from storage import postgres_locks
from storage.slow_statements import show_slow_statements

_LOCK_SECONDS = 10
"""How long rows wait for another writer: whoever is at a terminal waits with them."""
_LEDGER_LOCK_SECONDS = 30
_CONNECT_SECONDS = 10
_IDLE_SECONDS = 60
"""A machine that dies in the middle of a transaction must not keep everybody else's locks for longer."""
_PORT = 5432

_BUSY = ("is locked by another process", "try again when that process is done")
_OPTIONS = "sslmode=require is one that it knows"
_AWAY = ("does not answer", "is the server running, and is OUTRIDER_DATABASE_URL right?")
_OUTSIDE = {
    "08": _AWAY,
    "28": ("refuses this user or password", "look at OUTRIDER_DATABASE_URL"),
    "3D": ("does not exist", "createdb, then: outrider migrate"),
    "25P03": _AWAY,
    "25006": ("cannot be written: the server only reads", "give the address of the primary server"),
    "40": _BUSY,
    "42501": ("cannot be read or written: this user lacks the right", "let this user own the tables"),
    "53100": ("cannot grow: the disk is full", "free some space there; nothing was lost"),
    "53": ("has no room for another connection or more memory", "raise the server's limits, or stop other programs"),
    "55P03": _BUSY,
    "57": _AWAY,
    "58": ("cannot be read or written: its disk fails", ""),
}
"""What can be wrong with the server, by SQLSTATE or its class, and the way out. All else is our mistake."""
_PASSING = (*_OUTSIDE, "0A000")
"""What may be over or mended when the ledger tries again. 0A000: somebody migrated beneath a prepared statement."""


class PostgresServer:
    """One database on a server: its engines, and what can be wrong with it. No message names a password."""

    def __init__(self, url: URL) -> None:
        """`url` names host and database; `sslmode` is understood as the other programs of PostgreSQL understand it."""
        query = dict(url.query)
        if "sslmode" in query:
            query["ssl"] = query.pop("sslmode")
        self.url = url.set(drivername="postgresql+asyncpg", query=query)
        self.name = f"the database {url.database} at {url.host or 'localhost'}:{url.port or _PORT}"
        self.engine: AsyncEngine = self._engine(_LOCK_SECONDS, pool_pre_ping=True)

    def ledger_engine(self) -> AsyncEngine:
        """An engine with one connection; what it has committed survives a crash of the server."""
        return self._engine(_LEDGER_LOCK_SECONDS, pool_size=1, max_overflow=0)

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Nobody waits here: the server has queues of its own."""
        return nullcontext()

    async def for_reading(self, connection: AsyncConnection, *, brief: bool) -> AsyncConnection:  # noqa: ARG002 a file's
        """A transaction of this connection sees the database as it is at its first statement."""
        return await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    async def for_writing(self, connection: AsyncConnection, *, brief: bool) -> AsyncConnection:  # noqa: ARG002 a file's
        """A transaction of this connection sees in each statement what others have committed before it."""
        return connection

    async def lock(self, connection: AsyncConnection, campaign_id: str | None) -> None:
        """Wait until nobody else writes to that campaign, None = to anything."""
        if campaign_id is None:
            await connection.run_sync(postgres_locks.alone)
        else:
            await connection.run_sync(postgres_locks.alone_in, campaign_id)

    def connect_trouble(self, error: BaseException) -> Unreachable | InputError | None:
        """What is wrong with the way to the server. What is behind the ? of the URL becomes the driver's arguments."""
        cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig is not None else error
        if isinstance(cause, (TypeError, ValueError)):
            return InputError("OUTRIDER_DATABASE_URL has an option that the driver does not know", hint=_OPTIONS)
        return self.trouble(error)

    def trouble(self, error: BaseException) -> Unreachable | None:
        """What is wrong with the server, None when the error is about something else."""
        if isinstance(error, DBAPIError) and not error.connection_invalidated:
            state = _sqlstate(error)
            what = _OUTSIDE.get(state) or _OUTSIDE.get(state[:2])
        else:
            what = _AWAY if _is_away(error) else None
        return Unreachable(f"{self.name} {what[0]}", hint=what[1]) if what is not None else None

    def create(self) -> None:
        """A database is made by the server's own tools: it has an owner, an encoding and a place."""

    def check_exists(self) -> None:
        """Connecting will tell."""

    def _engine(self, lock_seconds: int, **pool: int) -> AsyncEngine:
        settings = {
            "application_name": "outrider",
            "idle_in_transaction_session_timeout": f"{_IDLE_SECONDS}s",
            "jit": "off",  # compiling costs more than any statement here
            "lock_timeout": f"{lock_seconds}s",
            "synchronous_commit": "on",
        }
        engine = create_async_engine(
            self.url,
            hide_parameters=True,
            connect_args={"server_settings": settings, "timeout": _CONNECT_SECONDS},
            **pool,
        )
        show_slow_statements(engine.sync_engine)
        return engine


def is_passing(error: BaseException) -> bool:
    """Whether the same transaction may succeed later: a server that restarts, a lock, a deadlock, a full disk."""
    return _is_away(error) or (isinstance(error, DBAPIError) and _sqlstate(error).startswith(_PASSING))


def _is_away(error: BaseException) -> bool:
    return isinstance(error, OSError) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")
