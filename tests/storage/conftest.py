"""Every test of rows runs on both databases: each gets an empty one of its own, copied from one migrated once."""

from collections.abc import AsyncIterator, Iterator

import pytest
from databases import Databases, PostgresDatabases, SqliteDatabases, postgres_databases
from stored_campaigns import StoredCampaigns

from storage.ledger import GroupingLedger, ledger_of


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    """Files with all tables and no rows."""
    return SqliteDatabases(tmp_path_factory.mktemp("databases"))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresDatabases]:  # noqa: ARG001 pytest's cleanup comes last
    """A PostgreSQL server of this run's own; where none can be started, the tests that need it fail."""
    with postgres_databases() as databases:
        yield databases


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """The kind of database; a test that is about one of them says so with ONLY_SQLITE or ONLY_POSTGRESQL."""
    kind: str = request.param
    return kind


@pytest.fixture
def databases(request: pytest.FixtureRequest, backend: str) -> Databases:
    """Where databases of that kind come from: the server starts when the first test asks for it."""
    found: Databases = request.getfixturevalue("sqlite_databases" if backend == "sqlite" else "postgres")
    return found


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A migrated database of the test's own."""
    with databases.new() as url:
        yield url


@pytest.fixture
async def stored(database_url: str) -> AsyncIterator[StoredCampaigns]:
    """An empty database of the test's own; at the end its audit trail must be whole."""
    opened = StoredCampaigns(database_url)
    yield opened
    await opened.database.close()
    opened.assert_trail_is_whole()


@pytest.fixture
async def ledger(stored: StoredCampaigns) -> AsyncIterator[GroupingLedger]:
    """The ledger of that database, with its writer running."""
    async with ledger_of(stored.database) as running:
        yield running
