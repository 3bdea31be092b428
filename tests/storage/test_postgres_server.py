"""What is wrong with a PostgreSQL server or the way to it is one clear line, which never names a password."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from databases import ONLY_POSTGRESQL, PostgresDatabases
from local_world import free_port
from raw_rows import execute, other_writer
from stored_campaigns import CAMPAIGN, OTHER, StoredCampaigns

from domain.errors import InputError, OutriderError, Unreachable
from storage.database import Database

pytestmark = ONLY_POSTGRESQL
PASSWORD = "a-password-that-nobody-may-see"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits ten seconds for a lock here."""
    monkeypatch.setattr("storage.postgres_server._LOCK_SECONDS", 0.05)


@pytest.fixture
async def impatient_rows(impatient: None, database_url: str) -> AsyncIterator[StoredCampaigns]:  # noqa: ARG001 before the engine is made
    opened = StoredCampaigns(database_url)
    yield opened
    await opened.database.close()


async def refusal(url: str) -> OutriderError:
    """How asking for the revision ends; no line may give the password away."""
    database = Database(url)
    with pytest.raises(OutriderError) as refused:
        await database.check_revision()
    await database.close()
    assert PASSWORD not in f"{refused.value.line} {refused.value.hint} {refused.value!r} {refused.value.__cause__}"
    return refused.value


async def test_a_server_that_is_down_does_not_answer(backend: str) -> None:
    port = free_port()
    error = await refusal(f"{backend}+asyncpg://dana:{PASSWORD}@127.0.0.1:{port}/outrider")
    assert isinstance(error, Unreachable)
    assert error.line == f"the database outrider at 127.0.0.1:{port} does not answer"
    assert error.hint == "is the server running, and is OUTRIDER_DATABASE_URL right?"


async def test_a_host_that_does_not_exist_does_not_answer(backend: str) -> None:
    error = await refusal(f"{backend}+asyncpg://dana:{PASSWORD}@db.invalid/outrider")
    assert isinstance(error, Unreachable)
    assert error.line == "the database outrider at db.invalid:5432 does not answer"


async def test_a_wrong_password_is_refused(postgres: PostgresDatabases, backend: str) -> None:
    execute(postgres.server.url("postgres"), "DROP ROLE IF EXISTS guarded; CREATE ROLE guarded LOGIN PASSWORD 'right'")
    port = postgres.server.port
    error = await refusal(f"{backend}+asyncpg://guarded:{PASSWORD}@127.0.0.1:{port}/postgres")
    assert isinstance(error, Unreachable)
    assert error.line == f"the database postgres at 127.0.0.1:{port} refuses this user or password"


async def test_a_database_that_nobody_made_does_not_exist(postgres: PostgresDatabases, backend: str) -> None:
    port = postgres.server.port
    error = await refusal(f"{backend}+asyncpg://postgres:{PASSWORD}@127.0.0.1:{port}/nowhere")
    assert isinstance(error, Unreachable)
    assert error.line == f"the database nowhere at 127.0.0.1:{port} does not exist"
    assert error.hint == "createdb, then: outrider migrate"


@pytest.mark.parametrize("option", ["conect_timeout=3", "sslmode=perhaps"])
async def test_an_option_that_the_driver_does_not_know_is_refused(database_url: str, option: str) -> None:
    error = await refusal(f"{database_url.replace('postgres@', f'postgres:{PASSWORD}@')}?{option}")
    assert isinstance(error, InputError)
    assert error.line == "OUTRIDER_DATABASE_URL has an option that the driver does not know"


async def test_the_short_name_is_understood(database_url: str) -> None:
    database = Database(database_url.replace("postgresql+asyncpg", "postgres"))
    await database.check_revision()
    await database.close()


async def test_sslmode_is_understood(database_url: str) -> None:
    database = Database(f"{database_url}?sslmode=disable")
    await database.check_revision()
    await database.close()


async def test_a_user_without_rights_is_told_so(postgres: PostgresDatabases, database_url: str) -> None:
    execute(postgres.server.url("postgres"), "DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN")
    rows = StoredCampaigns(database_url.replace("postgres@", "guest@"))
    with pytest.raises(Unreachable, match="this user lacks the right"):
        await rows.mailboxes.all()
    await rows.database.close()


async def test_a_lock_that_somebody_keeps_is_said_to_be_there_and_works_when_it_is_free(
    impatient_rows: StoredCampaigns,
) -> None:
    with other_writer(impatient_rows.url):
        with pytest.raises(Unreachable) as refused:
            await impatient_rows.suppressions.add(["kim@example.com"], "asked", "a person")
        assert refused.value.line.endswith("is locked by another process")
        assert await impatient_rows.suppressions.all() == [], "reading goes on beside a writer"
    assert await impatient_rows.suppressions.add(["kim@example.com"], "asked", "a person") == 1


async def test_connections_that_the_server_dropped_are_replaced(stored: StoredCampaigns) -> None:
    await stored.create()
    stored.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert (await stored.campaigns.get(CAMPAIGN)).numbered == 3


async def test_a_connection_lost_in_the_middle_undoes_what_was_begun(stored: StoredCampaigns) -> None:
    async def broken_off() -> None:
        async with stored.database.write() as connection:
            await connection.exec_driver_sql("INSERT INTO mailboxes (name) VALUES ('relay')")
            stored.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            await connection.exec_driver_sql("INSERT INTO mailboxes (name) VALUES ('other')")

    with pytest.raises(Unreachable, match="does not answer"):
        await broken_off()
    assert await stored.mailboxes.all() == []


async def test_a_reader_sees_one_moment_and_changes_nothing(stored: StoredCampaigns) -> None:
    count = "SELECT count(*) FROM mailboxes"
    async with stored.database.read() as connection:
        assert (await connection.exec_driver_sql(count)).scalar_one() == 0
        await stored.mailboxes.stop("relay", "refused_sender")
        assert (await connection.exec_driver_sql(count)).scalar_one() == 0
    with pytest.raises(Unreachable, match="cannot be written"):
        async with stored.database.read() as connection:
            await connection.exec_driver_sql("DELETE FROM mailboxes")
    assert len(await stored.mailboxes.all()) == 1


async def waits(stored: StoredCampaigns, mine: str | None, theirs: str | None) -> bool:
    """Whether a writer to one campaign (None = to anything) waits for a writer to another."""
    async with stored.database.write(mine):
        try:
            async with asyncio.timeout(0.3), stored.database.write(theirs):
                return False
        except TimeoutError:
            return True


@pytest.mark.parametrize(
    ("mine", "theirs", "waited"),
    [(None, None, True), (None, CAMPAIGN, True), (CAMPAIGN, None, True), (CAMPAIGN, CAMPAIGN, True),
     (CAMPAIGN, OTHER, False)],
)  # fmt: skip
async def test_writers_wait_for_each_other_unless_their_campaigns_differ(
    stored: StoredCampaigns, mine: str | None, theirs: str | None, waited: bool  # noqa: FBT001 parametrized
) -> None:  # fmt: skip
    assert await waits(stored, mine, theirs) is waited
