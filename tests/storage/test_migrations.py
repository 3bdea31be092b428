"""The migrations make exactly the schema, once, whoever runs them; a database they do not fit is refused."""

import asyncio
import stat
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from databases import ONLY_SQLITE, Databases
from raw_rows import execute
from sqlalchemy import Connection, MetaData, inspect

import storage
from domain.errors import DatabaseMismatch, InputError, OutriderError, Unreachable
from storage import schema
from storage.database import Database

HEAD = "0005"
MIGRATE = """
import asyncio, sys
from storage.database import Database
async def migrate():
    database = Database(sys.argv[1])
    print(await database.migrate())
    await database.close()
asyncio.run(migrate())
"""


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Database]:
    """A database in which there is nothing yet; on SQLite there is not even a file."""
    with databases.new(migrated=False) as url:
        made = Database(url)
        yield made
        await made.close()


def file_of(database: Database) -> Path:
    return Path(str(database.url.database))


def differences(connection: Connection) -> list[object]:
    """What Alembic would have to change in the database to make it the schema."""
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, schema.metadata))


def shape(connection: Connection) -> dict[str, object]:
    """What Alembic does not compare: primary keys and CHECK constraints."""
    inspector = inspect(connection)
    return {
        table: (
            inspector.get_pk_constraint(table),
            sorted((check["name"] or "", check["sqltext"]) for check in inspector.get_check_constraints(table)),
        )
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


async def test_the_migrations_add_up_to_the_schema(database: Database, databases: Databases) -> None:
    await database.migrate()
    with databases.new(migrated=False) as url:
        drawn = Database(url)
        drawn.backend.create()
        async with drawn.write() as connection:
            await connection.run_sync(schema.metadata.create_all)
            wanted = await connection.run_sync(shape)
        await drawn.close()
    async with database.read() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(shape) == wanted
    assert set(wanted) == set(schema.metadata.tables)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("ALTER TABLE leads ADD COLUMN planted TEXT", "remove_column"),
        ("ALTER TABLE leads DROP COLUMN company", "add_column"),
        (
            "ALTER TABLE leads DROP COLUMN company; ALTER TABLE leads ADD COLUMN company INTEGER NOT NULL DEFAULT 0",
            "modify",
        ),
        ("DROP INDEX ix_leads_address_identity", "add_index"),
        ("DROP INDEX ix_messages_campaign_id_settled_at", "add_index"),
        ("DROP TABLE artifacts", "add_table"),
    ],
)
async def test_the_comparison_sees_a_difference(database: Database, change: str, kind: str) -> None:
    await database.migrate()
    async with database.write() as connection:
        for statement in change.split(";"):
            await connection.exec_driver_sql(statement)
        found = await connection.run_sync(differences)
    assert kind in str(found)


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    assert await database.migrate() == (None, HEAD)
    async with database.write() as connection:
        await connection.exec_driver_sql("INSERT INTO mailboxes (name) VALUES ('relay')")
    assert await database.migrate() == (HEAD, HEAD)
    async with database.read() as connection:
        assert (await connection.exec_driver_sql("SELECT name FROM mailboxes")).all() == [("relay",)]
    await database.check_revision()


async def test_two_processes_at_the_same_moment_both_succeed(database: Database) -> None:
    root = Path(str(storage.__file__)).parents[1]
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", MIGRATE, database.url.render_as_string(hide_password=False)),
            cwd=root,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(3)
    ]
    outputs = [await process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    assert sorted(out.decode().strip() for out, _ in outputs) == [
        f"('{HEAD}', '{HEAD}')",
        f"('{HEAD}', '{HEAD}')",
        f"(None, '{HEAD}')",
    ]
    await database.check_revision()


@ONLY_SQLITE
async def test_only_the_owner_can_read_the_data(database: Database) -> None:
    await database.migrate()
    async with database.write() as connection:
        await connection.exec_driver_sql("INSERT INTO mailboxes (name) VALUES ('relay')")
        names = {path.name for path in file_of(database).parent.iterdir()}
        modes = {stat.S_IMODE(path.stat().st_mode) for path in file_of(database).parent.iterdir()}
    assert names == {"outrider.db", "outrider.db-wal", "outrider.db-shm"}
    assert modes == {0o600}
    assert stat.S_IMODE(file_of(database).parent.stat().st_mode) == 0o700


@ONLY_SQLITE
async def test_a_missing_database_is_not_made_by_looking(database: Database) -> None:
    with pytest.raises(Unreachable) as refused:
        await database.check_revision()
    assert refused.value.line == f"no database at {file_of(database)}"
    assert refused.value.hint == "outrider up (or: outrider migrate)"
    assert not file_of(database).exists()


async def test_an_empty_database_asks_for_migrate(database: Database) -> None:
    database.backend.create()
    with pytest.raises(DatabaseMismatch) as refused:
        await database.check_revision()
    assert refused.value.line == f"the database is at revision none, this program needs {HEAD}"
    assert refused.value.hint == "outrider migrate"


@pytest.mark.parametrize("operation", [Database.check_revision, Database.migrate])
async def test_an_unknown_revision_is_refused_with_the_way_out(
    database: Database, operation: Callable[[Database], object]
) -> None:
    await database.migrate()
    async with database.write() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseMismatch) as refused:
        await operation(database)  # type: ignore[misc]
    assert refused.value.line.endswith("is at revision 9999, which this program does not know")
    assert refused.value.hint == "use the Outrider that migrated it last, or a newer one"
    async with database.read() as connection:
        assert (await connection.exec_driver_sql("SELECT version_num FROM alembic_version")).all() == [("9999",)]


@ONLY_SQLITE
@pytest.mark.parametrize("operation", [Database.check_revision, Database.migrate])
async def test_a_file_that_is_no_database_is_refused(
    database: Database, operation: Callable[[Database], object]
) -> None:
    file_of(database).parent.mkdir()
    file_of(database).write_text("email,name\nada@example.com,Ada\n" * 100, encoding="utf-8")
    with pytest.raises(OutriderError, match="file is not a database") as refused:
        await operation(database)  # type: ignore[misc]
    assert str(file_of(database)) in refused.value.line


async def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, not a directory", encoding="utf-8")
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'data' / 'outrider.db'}")
    with pytest.raises(InputError, match="no database can be made at"):
        await database.migrate()
    await database.close()


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("mysql+asyncmy://user:hidden@localhost/outrider", "rows are kept in SQLite or PostgreSQL, not in mysql"),
        ("postgresql+asyncpg://user:hidden@localhost", "names no database"),
        ("outrider.db:hidden", "is no database URL"),
        ("postgresql+asyncpg://somebody:hidden@127.0.0.1:99999/rows", "is no database URL"),
        ("postgresql+asyncpg://somebody:hidden@127.0.0.1:port/rows", "is no database URL"),
        ("postgresql+asyncpg://somebody:hidden@[::1/rows", "is no database URL"),
        ("sqlite+aiosqlite:///outrider.db?mode=hidden", "SQLite takes none"),
        ("sqlite+aiosqlite://", "names no file"),
        ("sqlite+aiosqlite:///:memory:", "names no file"),
    ],
)
def test_a_wrong_url_is_refused_without_quoting_it(url: str, line: str) -> None:
    with pytest.raises(InputError, match=line) as refused:
        Database(url)
    assert refused.value.line.startswith("OUTRIDER_DATABASE_URL")
    assert refused.value.hint.startswith("leave the variable out, or give sqlite+aiosqlite:///PATH or postgresql")
    assert "hidden" not in refused.value.line


async def test_the_driver_need_not_be_named(databases: Databases) -> None:
    with databases.new(migrated=False) as url:
        database = Database(url.replace("+aiosqlite", "").replace("+asyncpg", ""))
        assert await database.migrate() == (None, HEAD)
        await database.close()


def test_every_table_has_a_primary_key() -> None:
    tables: MetaData = schema.metadata
    assert [table.name for table in tables.sorted_tables if not table.primary_key.columns] == []


FIRST_REVISION = """
import asyncio
import sys
from pathlib import Path
import storage
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import create_async_engine
config = Config()
config.set_main_option("script_location", str(Path(storage.__file__).parent / "migrations"))
def upgrade(connection):
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
async def main():
    engine = create_async_engine(sys.argv[1])
    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
    await engine.dispose()
asyncio.run(main())
"""


async def test_campaigns_of_the_first_version_go_on_after_the_upgrade(database: Database) -> None:
    """Their drafts were made without a review, so they count as approved; what was settled keeps its time."""
    database.backend.create()
    root = Path(str(storage.__file__)).parents[1]
    url = database.url.render_as_string(hide_password=False)
    first = await asyncio.create_subprocess_exec(*(sys.executable, "-W", "error", "-c", FIRST_REVISION, url), cwd=root)
    assert await first.wait() == 0
    execute(
        url,
        """
            INSERT INTO campaigns (campaign_id, name, owner, spec, spec_sha256, status, control, dry_run, numbered,
              created_at) VALUES ('old', 'n', 'o', '{}', '', 'running', 'run', false, 3, 1);
            WITH RECURSIVE n(number) AS (VALUES (1) UNION ALL SELECT number + 1 FROM n WHERE number < 3)
            INSERT INTO leads (campaign_id, number, source_identity, address_identity, domain_identity, email, name,
              company, location, timezone, permission_basis, extra, source, opt_out_token, created_at)
            SELECT 'old', number, number, number, 'd', '', '', '', '', '', '', '{}', '', number, 1 FROM n;
            INSERT INTO drafts (campaign_id, number, step, subject, text, html, opt_out_url, author, version,
              fingerprint, created_at)
            SELECT 'old', number, 1, 's', 't', 'h', '', 'template', 'v', 'f', 7 FROM leads;
            INSERT INTO messages (campaign_id, number, step, message_id, recipient, address_identity, domain_identity,
              receiver, mailbox, basis, state, reason, attempts, scheduled_at, began_at, sent_at)
            SELECT 'old', number, 1, number, '', number, 'd', '', 'relay', 'consent',
              CASE number WHEN 1 THEN 'sent' WHEN 2 THEN 'failed' ELSE 'scheduled' END, '', 0, 0,
              CASE WHEN number < 3 THEN 8 END, CASE number WHEN 1 THEN 9 END FROM leads;
            """,
    )
    assert await database.migrate() == ("0001", HEAD)
    await database.check_revision()
    async with database.read() as connection:
        drafts = "SELECT DISTINCT decision, decided_by, decided_at FROM drafts"
        assert [tuple(row) for row in await connection.exec_driver_sql(drafts)] == [("approved", "review: none", 7)]
        settled = "SELECT number, settled_at FROM messages ORDER BY number"
        assert [tuple(row) for row in await connection.exec_driver_sql(settled)] == [(1, 9), (2, 8), (3, None)]
        steered = "SELECT priority, paused_at, judged_since FROM campaigns"
        assert [tuple(row) for row in await connection.exec_driver_sql(steered)] == [(3, None, None)]
        assert await connection.run_sync(differences) == []
