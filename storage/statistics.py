"""What PostgreSQL's planner knows of tables that a campaign fills.

The server looks at them once a minute, and at a large table only when a tenth of it has changed. Until then a new
campaign counts as one that has no rows, and each statement about some of its people goes through all of them: a
search for 10,000 people took half as long again, and four times as much of the server.
"""

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

_FEW = 512
"""Up to so many rows it does not matter how they are found."""


async def renew_statistics(connection: AsyncConnection, before: int, after: int, *tables: Table) -> None:
    """Have the server look at the tables now when a campaign has doubled, with `before` and `after` as its numbers.

    Nobody is kept from reading or writing meanwhile. SQLite needs none: it takes the index that fits most columns.
    """
    if connection.dialect.name == "postgresql" and after >= _FEW and before.bit_length() < after.bit_length():
        names = ", ".join(table.name for table in tables)
        await connection.execute(text(f"ANALYZE (SKIP_LOCKED) {names}"))
