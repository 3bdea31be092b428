"""A migrated database file for each test, copied from one that was migrated once."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from stored_campaigns import StoredCampaigns

from storage.database import Database
from storage.ledger import SqliteLedger


@pytest.fixture(scope="session")
async def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables and no rows."""
    path: Path = tmp_path_factory.mktemp("migrated") / "outrider.db"
    database = Database(f"sqlite+aiosqlite:///{path}")
    await database.migrate()
    await database.close()
    return path


@pytest.fixture
async def stored(migrated_file: Path, tmp_path: Path) -> AsyncIterator[StoredCampaigns]:
    """An empty database of the test's own; at the end its audit trail must be whole."""
    shutil.copy(migrated_file, tmp_path / "outrider.db")
    opened = StoredCampaigns(tmp_path / "outrider.db")
    yield opened
    await opened.database.close()
    opened.assert_trail_is_whole()


@pytest.fixture
async def ledger(stored: StoredCampaigns) -> AsyncIterator[SqliteLedger]:
    """The ledger of that database, with its writer running."""
    async with SqliteLedger(stored.database) as running:
        yield running
