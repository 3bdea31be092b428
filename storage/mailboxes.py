"""Rows of mailboxes, shared by all campaigns."""

from datetime import UTC, datetime

from sqlalchemy import select, update

from domain.ports import MailboxState
from storage.database import Database
from storage.schema import mailboxes, messages
from storage.upserts import upsert


class MailboxRows:
    """domain.ports.Mailboxes on the database."""

    def __init__(self, database: Database) -> None:
        """A mailbox has a row once it was stopped; before, it is simply not stopped."""
        self._database = database

    async def get(self, name: str) -> MailboxState:
        """See domain.ports.Mailboxes."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(mailboxes).where(mailboxes.c.name == name))).first()
        if row is None:
            return MailboxState(name=name)
        return MailboxState(name=name, stopped_reason=row.stopped_reason or "", stopped_at=row.stopped_at)

    async def stop(self, name: str, reason: str) -> None:
        """See domain.ports.Mailboxes."""
        row = {"name": name, "stopped_reason": reason, "stopped_at": datetime.now(UTC)}
        async with self._database.write() as connection:
            change = upsert(connection, mailboxes).values(row)
            await connection.execute(
                change.on_conflict_do_update(
                    index_elements=["name"], set_=row, where=mailboxes.c.stopped_reason.is_(None)
                )
            )

    async def resume(self, name: str) -> bool:
        """Let mails leave again; False when the mailbox was not stopped."""
        async with self._database.write() as connection:
            result = await connection.execute(
                update(mailboxes)
                .where(mailboxes.c.name == name, mailboxes.c.stopped_reason.is_not(None))
                .values(stopped_reason=None, stopped_at=None)
            )
        return result.rowcount > 0

    async def all(self) -> list[MailboxState]:
        """Every mailbox that a message was scheduled for or that was ever stopped, by name."""
        async with self._database.read() as connection:
            used = await connection.scalars(select(messages.c.mailbox).distinct())
            known = await connection.scalars(select(mailboxes.c.name))
            names = sorted({*used, *known})
        return [await self.get(name) for name in names]
