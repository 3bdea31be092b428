"""Rows read and changed past everything that is under test, on either database, without an event loop of the test's."""

import asyncio
import re
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import make_url

_Answer = TypeVar("_Answer")


def rows(url: str, statement: str, *values: object) -> list[dict[str, Any]]:
    """What a statement with `?` (or `?1`) for its values finds."""
    if not is_postgres(url):
        with closing(sqlite3.connect(path_of(url))) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement, values)]

    async def fetch(connection: Any) -> list[dict[str, Any]]:  # noqa: ANN401 asyncpg brings no types
        return [dict(row) for row in await connection.fetch(_numbered(statement), *values)]

    return _on(url, fetch)


def execute(url: str, statement: str, *values: object) -> None:
    """Change the database behind everybody's back; without values also several statements."""
    if not is_postgres(url):
        with closing(sqlite3.connect(path_of(url))) as connection, connection:
            if values:
                connection.execute(statement, values)
            else:
                connection.executescript(statement)
        return

    async def change(connection: Any) -> None:  # noqa: ANN401 asyncpg brings no types
        await connection.execute(_numbered(statement), *values)

    _on(url, change)


@contextmanager
def other_writer(url: str) -> Iterator[Callable[[], None]]:
    """Another program in the middle of a write: nobody else's ends before the block does, or the yielded call."""
    if is_postgres(url):
        held = run(asyncpg.connect(url.replace("+asyncpg", "")))
        run(held.execute("SELECT pg_advisory_lock(x'6f757472'::bigint)"))
        yield lambda: run(held.execute("SELECT pg_advisory_unlock_all()"))
        run(held.close())
    else:
        with closing(sqlite3.connect(path_of(url), isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection.rollback


def is_postgres(url: str) -> bool:
    """Which of the two databases it is."""
    return url.startswith("postgresql")


def path_of(url: str) -> Path:
    """The file of an SQLite database."""
    return Path(str(make_url(url).database))


def run(asked: Awaitable[_Answer]) -> _Answer:
    """Wait for something in a thread that has an event loop of its own: here there may be one running."""

    async def wait() -> _Answer:
        return await asked

    return asyncio.run_coroutine_threadsafe(wait(), _loop()).result(60)


def _on(url: str, work: Callable[[Any], Awaitable[_Answer]]) -> _Answer:
    async def connected() -> _Answer:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            return await work(connection)
        finally:
            await connection.close()

    return run(connected())


def _numbered(statement: str) -> str:
    """`?` and `?1` as `$1`."""
    count = iter(range(1, 100))
    return re.sub(r"\?(\d*)", lambda found: f"${found[1] or next(count)}", statement)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="raw-rows", daemon=True).start()
    return loop
