"""The suppression list: one for all campaigns, by keyed hash, so it survives the erasure of the person."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import delete, select, update

from domain.lead import address_domain, normalise_address
from domain.message import MessageState
from storage.database import Database
from storage.keys import Keys
from storage.schema import campaigns, leads, messages, suppressions
from storage.upserts import upsert

_REACHED = (MessageState.SENT, MessageState.TRANSMITTING, MessageState.IN_DOUBT)
"""States of a message whose mail may be in front of the person who opts out."""


class Suppression(BaseModel):
    """One entry. `kind` is `address` or `domain`; `identity` its keyed hash."""

    identity: str
    kind: str
    reason: str
    source: str
    since: datetime


class SuppressionList:
    """Adds to, removes from and asks the list. What is on it is checked before every claim and every transmission."""

    def __init__(self, database: Database, keys: Keys) -> None:
        """`keys` makes the identities."""
        self._database = database
        self._keys = keys

    async def add(self, entries: Iterable[str], reason: str, source: str) -> int:
        """Suppress addresses, or domains (`example.org` or `@example.org`); returns how many were new."""
        now = datetime.now(UTC)
        rows = [self._row(entry, reason, source, now) for entry in entries]
        if not rows:
            return 0
        async with self._database.write() as connection:
            added = upsert(connection, suppressions).on_conflict_do_nothing().returning(suppressions.c.identity)
            return len((await connection.execute(added, rows)).all())

    async def remove(self, entry: str) -> bool:
        """Take an address or domain off the list; False when it was not on it."""
        async with self._database.write() as connection:
            result = await connection.execute(
                delete(suppressions).where(suppressions.c.identity == self._identity(entry))
            )
        return result.rowcount > 0

    async def check(self, entry: str) -> list[Suppression]:
        """Why an address (by itself or by its domain) or a domain is suppressed; empty when it is not."""
        identities = [self._identity(entry)]
        if _is_address(entry):
            identities.append(self._keys.domain_identity(entry))
        async with self._database.read() as connection:
            rows = await connection.execute(select(suppressions).where(suppressions.c.identity.in_(identities)))
        return [Suppression.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001 the documented way

    async def all(self) -> list[Suppression]:
        """The whole list, the newest first. The addresses themselves are not kept."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(suppressions).order_by(suppressions.c.since.desc()))
        return [Suppression.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001 the documented way

    async def opt_out(self, token: str) -> bool:
        """Suppress the person whose mail carried this token; False when no mail did. Repeating it changes nothing."""
        now = datetime.now(UTC)
        person = select(leads.c.address_identity, leads.c.campaign_id, leads.c.number).where(
            leads.c.opt_out_token == token
        )
        async with self._database.read() as connection:  # guessed tokens must not take the ledger's write lock
            row = (await connection.execute(person)).first()
        if row is None:
            return False
        entry = {
            "identity": row.address_identity,
            "kind": "address",
            "reason": "unsubscribed",
            "source": row.campaign_id,
            "since": now,
        }
        async with self._database.write() as connection:
            await connection.execute(upsert(connection, suppressions).values(entry).on_conflict_do_nothing())
            await connection.execute(
                update(messages)
                .where(messages.c.campaign_id == row.campaign_id, messages.c.number == row.number)
                .where(messages.c.state.in_(_REACHED))
                .values(outcome="unsubscribed")
            )
        return True

    async def writer(self, token: str) -> str | None:
        """Who wrote the mail that carried this token, as the spec names them (maybe ""); None when no mail did."""
        query = (
            select(campaigns.c.spec)
            .join(leads, leads.c.campaign_id == campaigns.c.campaign_id)
            .where(leads.c.opt_out_token == token)
        )
        async with self._database.read() as connection:
            spec = await connection.scalar(query)
        if spec is None:
            return None
        sender = json.loads(spec).get("sender") or {}
        return ", ".join(part for part in (sender.get("name"), sender.get("organization")) if part)

    def _identity(self, entry: str) -> str:
        if _is_address(entry):
            return self._keys.address_identity(entry)
        return self._keys.domain_identity(address_domain(entry))

    def _row(self, entry: str, reason: str, source: str, now: datetime) -> dict[str, Any]:
        return {
            "identity": self._identity(entry),
            "kind": "address" if _is_address(entry) else "domain",
            "reason": reason,
            "source": source,
            "since": now,
        }


def _is_address(entry: str) -> bool:
    """Whether something stands before the @; a domain may be written with one too."""
    return not normalise_address(entry).startswith("@")
