"""A database works with the key it was first used with, and with no other."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from raw_rows import is_postgres, path_of, rows
from sqlalchemy import func, select

from domain.errors import DatabaseMismatch
from storage.database import Database
from storage.keys import Keys
from storage.schema import secret_keys
from storage.secret_key import check_secret_key

MINE, OTHER = Keys("the key of this database"), Keys("the key of another one")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url)
    yield made
    await made.close()


def all_bytes(url: str) -> bytes:
    """Whatever is in the files of the database, or in the only table that a key could be in."""
    if is_postgres(url):
        return repr(rows(url, "SELECT * FROM secret_keys")).encode()
    return b"".join(path.read_bytes() for path in path_of(url).parent.iterdir())


async def known_keys(database: Database) -> int | None:
    async with database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(secret_keys))


async def test_the_first_key_is_remembered_and_stays_right(database: Database) -> None:
    for _ in range(3):
        await check_secret_key(database, MINE)
    assert await known_keys(database) == 1


async def test_another_key_is_refused_with_the_way_out(database: Database) -> None:
    await check_secret_key(database, MINE)
    with pytest.raises(DatabaseMismatch) as refused:
        await check_secret_key(database, OTHER)
    assert refused.value.line == "OUTRIDER_SECRET_KEY is not the key this database was written with"
    assert refused.value.hint.startswith("give the old key back")
    assert await known_keys(database) == 1
    await check_secret_key(database, MINE)


async def test_of_two_keys_at_the_same_moment_one_wins(database: Database) -> None:
    results = await asyncio.gather(
        *(check_secret_key(database, keys) for keys in (MINE, OTHER) * 4), return_exceptions=True
    )
    assert len([result for result in results if result is None]) == 4
    assert len([result for result in results if isinstance(result, DatabaseMismatch)]) == 4
    assert await known_keys(database) == 1


async def test_checking_a_known_key_waits_for_no_writer(database: Database) -> None:
    await check_secret_key(database, MINE)
    async with database.write(), asyncio.timeout(5):
        await check_secret_key(database, MINE)


async def test_the_key_itself_is_not_stored(database: Database, database_url: str) -> None:
    await check_secret_key(database, MINE)
    kept = all_bytes(database_url)
    assert MINE.fingerprint().encode() in kept, "the search looks where rows are"
    assert b"the key of this database" not in kept
