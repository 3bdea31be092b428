"""SQLite statements for an event loop, each one trip to the connection's thread: run, fetched and closed there.

SQLAlchemy's own cursor over aiosqlite makes up to four trips for a statement. Between two of them a busy event loop has
other things to do, and a transaction that writes keeps the file locked meanwhile. So a brief one makes no trip at all.
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, Self

import aiosqlite

_AT_ONCE = 1_000
"""Rows that come with their statement; whoever wants more, such as an export, makes a trip for as many."""


class _Part(NamedTuple):
    """What a statement came to, and rows of it."""

    rows: Sequence[Any] = ()
    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    rest: sqlite3.Cursor | None = None
    """Has the other rows."""


class _Eager(sqlite3.Cursor):
    """Says at once all that it knows."""

    def fetchall(self) -> Any:  # noqa: ANN401 a list everywhere else; only `_Cursor` sees this one
        rows = self.fetchmany(_AT_ONCE) if self.description else []
        rest = self if len(rows) == _AT_ONCE else None
        part = _Part(rows, self.description, self.rowcount, self.lastrowid, rest)
        if rest is None:
            self.close()
        return part


class _EagerConnection(sqlite3.Connection):
    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:  # noqa: ANN401 as in sqlite3
        return self.cursor(_Eager).execute(sql, parameters)


class _Cursor:
    """A cursor as SQLAlchemy's asyncio connectors want it (AsyncIODBAPICursor)."""

    arraysize = 1

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._part = _Part()
        self._rows: deque[Any] = deque()

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:  # noqa: ANN401 DBAPI's tuple of tuples
        """Columns, None for a statement that has none."""
        return self._part.description

    @property
    def rowcount(self) -> int:
        """How many rows were changed, -1 when that is not known."""
        return self._part.rowcount

    @property
    def lastrowid(self) -> int | None:
        """Of the last row that was inserted."""
        return self._part.lastrowid

    async def execute(self, operation: str, parameters: Any = ()) -> Self:  # noqa: ANN401 as in DBAPI
        """Run a statement; its first rows come with it."""
        self._take(await self._connection.execute_fetchall(operation, parameters))
        return self

    async def executemany(self, operation: str, parameters: Iterable[Any]) -> Self:
        """Run a statement for each of the parameters."""
        cursor = await self._connection.executemany(operation, parameters)
        self._part = _Part(rowcount=cursor.rowcount)
        return self

    async def fetchone(self) -> Any:  # noqa: ANN401 a row
        """The next row, None after the last."""
        return next(iter(await self.fetchmany(1)), None)

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next rows."""
        wanted = size or self.arraysize
        while len(self._rows) < wanted and self._part.rest is not None:
            await self._more()
        return [self._rows.popleft() for _ in range(min(wanted, len(self._rows)))]

    async def fetchall(self) -> list[Any]:
        """All rows that are left."""
        while self._part.rest is not None:
            await self._more()
        rows = list(self._rows)
        self._rows.clear()
        return rows

    async def close(self) -> None:
        """Leave what was not fetched."""
        if self._part.rest is not None:
            await aiosqlite.Cursor(self._connection, self._part.rest).close()
            self._part = self._part._replace(rest=None)

    async def _more(self) -> None:
        self._take(await aiosqlite.Cursor(self._connection, self._part.rest).fetchall())  # type: ignore[arg-type]

    def _take(self, part: Any) -> None:  # noqa: ANN401 see _Eager
        self._part = part
        self._rows.extend(part.rows)


class HoppingConnection(aiosqlite.Connection):
    """A connection whose statements run in its thread, but for those of a brief transaction."""

    brief = False
    """Whether the statements of the transaction that is open run in the event loop: who shares it waits for them."""

    def cursor(self) -> _Cursor:  # type: ignore[override]
        """For SQLAlchemy."""
        return _Cursor(self)

    def begin_at_once(self, patience_milliseconds: int) -> bool:
        """Begin to write; False when somebody else does. The connection's busy_timeout is `patience_milliseconds`."""
        self._conn.execute("PRAGMA busy_timeout=0")
        try:
            self._conn.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        finally:
            self._conn.execute(f"PRAGMA busy_timeout={patience_milliseconds}")
        return True

    async def commit(self) -> None:
        """End the transaction."""
        await super().commit()
        self.brief = False

    async def rollback(self) -> None:
        """Undo the transaction."""
        await super().rollback()
        self.brief = False

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 as there
        if self.brief:
            return fn(*args, **kwargs)
        return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]


def connect(*place: str, **options: Any) -> aiosqlite.Connection:  # noqa: ANN401 those of sqlite3.connect
    """A connection with a thread of its own, to be awaited: for SQLAlchemy's `async_creator`."""
    options |= {"check_same_thread": False}
    connection = HoppingConnection(partial(sqlite3.connect, *place, factory=_EagerConnection, **options), _AT_ONCE)
    connection._thread.daemon = True  # noqa: SLF001 as SQLAlchemy does: nothing waits for it at the end of a process
    return connection
