"""Empty databases for tests, on either kind: copied from one that was migrated once."""

import asyncio
import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import raw_rows
from postgres import Server, server

from storage.database import Database

TEMPLATE = "migrated"
ONLY_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
ONLY_POSTGRESQL = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
_numbers = itertools.count(1)


class SqliteDatabases:
    """Files in one directory."""

    def __init__(self, place: Path) -> None:
        self.migrated = place / "migrated.db"
        self.place = place
        _migrate(f"sqlite+aiosqlite:///{self.migrated}")

    @contextmanager
    def new(self, *, migrated: bool = True) -> Iterator[str]:
        """The URL of a database that nobody else has."""
        path = self.place / f"{next(_numbers)}" / "outrider.db"
        if migrated:
            path.parent.mkdir()
            shutil.copy(self.migrated, path)
        yield f"sqlite+aiosqlite:///{path}"
        shutil.rmtree(path.parent, ignore_errors=True)


class PostgresDatabases:
    """Databases on one server."""

    def __init__(self, running: Server) -> None:
        self.server = running
        self._administration = running.url("postgres")
        raw_rows.execute(self._administration, f"CREATE DATABASE {TEMPLATE}")
        _migrate(running.url(TEMPLATE))

    @contextmanager
    def new(self, *, migrated: bool = True) -> Iterator[str]:
        """The URL of a database that nobody else has."""
        name = f"test_{next(_numbers)}"
        raw_rows.execute(
            self._administration, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE if migrated else 'template1'}"
        )
        try:
            yield self.server.url(name)
        finally:
            raw_rows.execute(self._administration, f"DROP DATABASE {name} WITH (FORCE)")


Databases = SqliteDatabases | PostgresDatabases


@contextmanager
def postgres_databases() -> Iterator[PostgresDatabases]:
    """Databases on a server that stops with the block."""
    with server() as running:
        yield PostgresDatabases(running)


def _migrate(url: str) -> None:
    async def migrate() -> None:
        database = Database(url)
        await database.migrate()
        await database.close()

    raw_rows.run(asyncio.wait_for(migrate(), 30))
