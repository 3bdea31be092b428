"""What is wrong with the database's file is said as such; what is wrong with a statement stays an error of ours."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from typing import Any

import aiosqlite
import pytest
from databases import ONLY_SQLITE
from sqlalchemy import event, make_url, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from stored_campaigns import StoredCampaigns
from turns import counted_turns

from domain.errors import Unreachable
from storage.database import Database


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits ten seconds for a lock here."""
    monkeypatch.setattr("storage.sqlite_file._BUSY_MILLISECONDS", 50)


@pytest.fixture
def other_program(stored: StoredCampaigns) -> Iterator[sqlite3.Connection]:
    """Another program's connection to the same file."""
    with closing(sqlite3.connect(stored.path, isolation_level=None)) as connection:
        yield connection


@ONLY_SQLITE
async def test_a_locked_database_is_said_to_be_locked_and_works_when_it_is_free(
    stored: StoredCampaigns, other_program: sqlite3.Connection
) -> None:
    other_program.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unreachable) as refused:
        await stored.suppressions.add(["kim@example.com"], "asked", "a person")
    assert refused.value.line == f"the database at {stored.path} is locked by another process"
    assert refused.value.hint == "try again when that process is done"
    assert await stored.suppressions.all() == [], "reading goes on beside a writer"
    other_program.execute("ROLLBACK")
    assert await stored.suppressions.add(["kim@example.com"], "asked", "a person") == 1


@ONLY_SQLITE
async def test_a_database_that_lets_nobody_read_is_locked_too(
    stored: StoredCampaigns, other_program: sqlite3.Connection
) -> None:
    other_program.execute("PRAGMA locking_mode=EXCLUSIVE")
    other_program.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Unreachable, match="is locked by another process"):
        await stored.database.check_revision()


@ONLY_SQLITE
async def test_a_full_disk_is_said_and_what_was_begun_is_undone(stored: StoredCampaigns) -> None:
    async def fill() -> None:
        async with stored.database.write() as connection:
            pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
            await connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
            await connection.exec_driver_sql(
                "INSERT INTO mailboxes (name) "
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) "
                "SELECT 'box' || i FROM n"
            )

    with pytest.raises(Unreachable) as refused:
        await fill()
    assert refused.value.line == f"the database at {stored.path} cannot grow: the disk is full"
    assert await stored.mailboxes.all() == []


@ONLY_SQLITE
async def test_a_database_that_may_only_be_read_is_read(stored: StoredCampaigns) -> None:
    await stored.create()
    reader = Database(f"sqlite+aiosqlite:///{stored.path}")
    reader.backend.url = make_url(f"sqlite+aiosqlite:///file:{stored.path}?mode=ro&uri=true")  # root may write to all
    async with reader.read() as connection:
        assert (await connection.exec_driver_sql("SELECT numbered FROM campaigns")).scalar_one() == 3
    with pytest.raises(Unreachable, match="cannot be written"):
        async with reader.write() as connection:
            await connection.exec_driver_sql("DELETE FROM mailboxes")
    await reader.close()


async def test_a_mistake_in_a_statement_is_not_blamed_on_the_file(stored: StoredCampaigns) -> None:
    with pytest.raises((OperationalError, ProgrammingError), match=r"no such table|does not exist"):
        async with stored.database.read() as connection:
            await connection.exec_driver_sql("SELECT 1 FROM nowhere")
    with pytest.raises(IntegrityError):
        async with stored.database.write() as connection:
            await connection.exec_driver_sql("INSERT INTO mailboxes (name) VALUES ('relay'), ('relay')")


@ONLY_SQLITE
async def test_connections_that_were_opened_are_kept(stored: StoredCampaigns) -> None:
    at_once = 12
    opened: list[object] = []
    event.listen(stored.database.backend.engine.sync_engine, "connect", lambda raw, _: opened.append(raw))

    async def read(together: asyncio.Barrier) -> None:
        async with stored.database.read() as connection:
            await together.wait()
            await connection.exec_driver_sql("SELECT 1")

    for _ in range(4):
        together = asyncio.Barrier(at_once)
        await asyncio.gather(*(read(together) for _ in range(at_once)))
    assert len(opened) == at_once


@ONLY_SQLITE
async def test_whoever_comes_when_all_connections_are_busy_waits_for_one(stored: StoredCampaigns) -> None:
    async def read() -> int:
        async with stored.database.read() as connection:
            return int((await connection.exec_driver_sql("SELECT 1")).scalar_one())

    assert await asyncio.gather(*(read() for _ in range(100))) == [1] * 100


@ONLY_SQLITE
async def test_when_all_connections_stay_busy_it_is_said(
    stored: StoredCampaigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = stored.database.backend.engine.sync_engine.pool
    monkeypatch.setattr(pool, "_timeout", 0.05)
    async with AsyncExitStack() as busy:
        for _ in range(16):
            _ = await busy.enter_async_context(stored.database.read())
        with pytest.raises(Unreachable, match="all connections are in use"):
            _ = await busy.enter_async_context(stored.database.read())


@ONLY_SQLITE
async def test_a_statement_is_one_trip_to_the_thread_of_its_connection(
    stored: StoredCampaigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips = 0
    execute: Any = aiosqlite.Connection._execute

    async def counted(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401 aiosqlite's
        nonlocal trips
        trips += 1
        return await execute(*arguments, **more)

    async def read(statements: int) -> int:
        nonlocal trips
        trips = 0
        async with stored.database.read() as connection:
            for _ in range(statements):
                (await connection.exec_driver_sql("SELECT name FROM mailboxes")).all()
        return trips

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
    await read(1)
    assert await read(5) == await read(1) + 4


@ONLY_SQLITE
async def test_a_brief_transaction_gives_nobody_else_a_turn_between_its_statements(stored: StoredCampaigns) -> None:
    async def write(*, brief: bool) -> int:
        async with stored.database.write(brief=brief) as connection:
            before = turns.had
            for number in range(5):
                await connection.exec_driver_sql("DELETE FROM mailboxes WHERE name = ?", (str(number),))
            (await connection.exec_driver_sql("SELECT name FROM mailboxes")).all()
            return turns.had - before

    async def read(*, brief: bool) -> int:
        async with stored.database.read(brief=brief) as connection:
            before = turns.had
            for _ in range(5):
                (await connection.exec_driver_sql("SELECT name FROM mailboxes")).all()
            return turns.had - before

    async with counted_turns() as turns:
        for transaction in (write, read):
            assert await transaction(brief=False) > 0
            assert await transaction(brief=True) == 0
            assert await transaction(brief=False) > 0, "of a connection that was brief"


@ONLY_SQLITE
async def test_a_brief_transaction_that_reads_waits_for_no_other_program(
    stored: StoredCampaigns, other_program: sqlite3.Connection
) -> None:
    other_program.execute("BEGIN IMMEDIATE")
    other_program.execute("INSERT INTO mailboxes (name) VALUES ('relay')")
    async with asyncio.timeout(1), stored.database.read(brief=True) as connection:
        assert (await connection.exec_driver_sql("SELECT name FROM mailboxes")).all() == []
        other_program.execute("COMMIT")
        assert (await connection.exec_driver_sql("SELECT name FROM mailboxes")).all() == [], "one consistent view"


@ONLY_SQLITE
async def test_a_brief_transaction_lets_others_work_while_it_waits_for_another_program(
    stored: StoredCampaigns, other_program: sqlite3.Connection
) -> None:
    async def write() -> None:
        async with stored.database.write(brief=True) as connection:
            await connection.exec_driver_sql("INSERT INTO mailboxes (name) VALUES ('relay')")

    await write()
    other_program.execute("BEGIN IMMEDIATE")
    other_program.execute("DELETE FROM mailboxes")
    waiting = asyncio.create_task(write())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    other_program.execute("COMMIT")
    await waiting
    assert stored.rows("SELECT name FROM mailboxes") == [{"name": "relay"}]


@ONLY_SQLITE
async def test_a_brief_transaction_that_fails_leaves_nothing(stored: StoredCampaigns) -> None:
    async def write() -> None:
        async with stored.database.write(brief=True) as connection:
            await connection.exec_driver_sql("INSERT INTO mailboxes (name) VALUES ('relay')")
            await connection.exec_driver_sql("INSERT INTO mailboxes (name) VALUES ('relay')")

    for _ in range(3):
        with pytest.raises(IntegrityError):
            await write()
    assert stored.rows("SELECT name FROM mailboxes") == []


@ONLY_SQLITE
async def test_results_that_come_in_parts_come_whole_and_may_be_left(stored: StoredCampaigns) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT i FROM n"
    async with stored.database.read() as connection:
        assert list((await connection.exec_driver_sql(numbers)).scalars()) == list(range(1, 2501))
        result = await connection.stream(text(numbers))
        assert await result.scalars().fetchmany(1200) == list(range(1, 1201))
        await result.close()
        assert (await connection.exec_driver_sql("SELECT 7")).scalar_one() == 7


@ONLY_SQLITE
async def test_no_connection_is_given_back_with_an_open_transaction_whenever_its_task_is_cancelled(
    stored: StoredCampaigns, other_program: sqlite3.Connection
) -> None:
    given_back: list[Any] = []
    event.listen(stored.database.backend.engine.sync_engine, "checkin", lambda raw, _: given_back.append(raw))

    async def write() -> None:
        async with stored.database.write() as connection:
            await connection.exec_driver_sql("DELETE FROM mailboxes")
            await connection.exec_driver_sql("INSERT INTO mailboxes (name) VALUES ('relay')")

    async def read() -> None:
        async with stored.database.read() as connection:
            await connection.exec_driver_sql("SELECT * FROM mailboxes")

    ends: Counter[bool] = Counter()
    for step in range(400):
        task = asyncio.create_task(write() if step % 2 else read())
        await asyncio.sleep(step % 100 * 0.000_05)
        task.cancel()
        ends[isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)] += 1
        for raw in filter(None, given_back):  # None: it was closed instead
            cursor = await raw.driver_connection.execute("SELECT 1")  # after all that its thread still had to do
            await cursor.close()
            assert not raw.driver_connection.in_transaction, step
        given_back.clear()
        other_program.execute("BEGIN IMMEDIATE")
        other_program.execute("ROLLBACK")
    assert ends.keys() == {True, False}, "some were in time"
    assert min(ends.values()) > 20, ends


@ONLY_SQLITE
async def test_what_is_given_back_with_an_open_transaction_is_rolled_back(
    stored: StoredCampaigns, other_program: sqlite3.Connection
) -> None:
    async with stored.database.backend.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await (await driver.execute("BEGIN IMMEDIATE")).close()
    assert not driver.in_transaction
    other_program.execute("BEGIN IMMEDIATE")
    other_program.execute("ROLLBACK")
