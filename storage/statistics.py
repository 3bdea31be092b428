"""What PostgreSQL's planner knows of tables that a campaign fills.

The server looks at them once a minute, and at a large table only when a tenth of it has changed. Until then a new
campaign counts as one that has no rows, and each statement about some of its people goes through all of them: a
search for 10,000 people took half as long again, and four times as much of the server.
"""

from sqlalchemy import Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage.database import Database
from storage.postgres_server import PostgresServer
from telemetry.logging import get_logger

_ENOUGH = 512
"""Among fewer rows it does not matter how they are found."""

_log = get_logger(__name__)


async def renew_statistics(database: Database, before: int, after: int, *tables: Table) -> None:
    """Have the server look at the tables when `before` + 1 to `after` pass a power of two: at about each doubling.

    Called after the rows were committed, as it holds no lock that others wait for. It is advice to the planner: where
    it cannot be given, nothing fails. SQLite needs none, it takes the index that fits most columns.
    """
    server = database.backend
    if not isinstance(server, PostgresServer) or after < _ENOUGH or before.bit_length() == after.bit_length():
        return
    names = ", ".join(table.name for table in tables)
    try:
        async with server.engine.connect() as connection:
            at_once = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await at_once.execute(text(f"ANALYZE (SKIP_LOCKED) {names}"))
    except (DBAPIError, OSError, PoolTimeout) as error:
        _log.info("database.statistics_not_renewed", error=type(error).__name__)
