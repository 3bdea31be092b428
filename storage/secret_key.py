"""Whether this program has the secret key that the database was written with."""

from datetime import UTC, datetime

from sqlalchemy import insert, select

from domain.errors import DatabaseMismatch
from storage.database import Database
from storage.keys import Keys
from storage.schema import secret_keys

_KNOWN = select(secret_keys.c.fingerprint)


async def check_secret_key(database: Database, keys: Keys) -> None:
    """Remember the key's fingerprint at first use, and refuse another key afterwards.

    With another key nobody would be recognised: the suppression list would silently be empty.
    """
    mine = keys.fingerprint()
    async with database.read() as connection:
        known = await connection.scalar(_KNOWN)
    if known is None:
        async with database.write() as connection:
            known = await connection.scalar(_KNOWN)  # two programs may be the first at the same time
            if known is None:
                await connection.execute(insert(secret_keys).values(fingerprint=mine, since=datetime.now(UTC)))
                known = mine
    if known != mine:
        raise DatabaseMismatch(
            "OUTRIDER_SECRET_KEY is not the key this database was written with",
            hint="give the old key back: with another one the suppression list recognises nobody",
        )
