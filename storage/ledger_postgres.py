"""The send ledger's transitions on PostgreSQL: rows as arrays, the audit trail in the same statement."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, CursorResult, Integer, String, TextClause, bindparam, text
from sqlalchemy.types import TypeEngine

from domain.message import ClaimedMessage
from domain.ports import Settlement
from storage import ledger_postgres_statements as sql
from storage.ledger_transitions import Changed, Transitions, changed_rows
from storage.schema import to_stored

_TYPES: dict[str, TypeEngine[Any]] = {
    "campaign_id": String(),
    "number": Integer(),
    "step": Integer(),
    "first": Integer(),
    "last": Integer(),
    "token": String(),
    "state": String(),
    "reason": String(),
    "next_at": BigInteger(),
    "now": BigInteger(),
    "cutoff": BigInteger(),
    "dry_run": Boolean(),
    "event_at": BigInteger(),
    "event_state": String(),
    "event_cause": String(),
    "campaign_ids": ARRAY(String()),
    "numbers": ARRAY(Integer()),
    "steps": ARRAY(Integer()),
    "tokens": ARRAY(String()),
    "states": ARRAY(String()),
    "reasons": ARRAY(String()),
    "next_ats": ARRAY(BigInteger()),
    "codes": ARRAY(Integer()),
    "enhanceds": ARRAY(String()),
    "replies": ARRAY(String()),
    "trace_id": String(),
    "span_id": String(),
    "trace_ids": ARRAY(String()),
    "span_ids": ARRAY(String()),
}
"""Said outright: left to itself the server takes `:now + 30000` for a 32-bit number."""


class PostgresTransitions(Transitions):
    """One transaction of the ledger's own connection."""

    def _run(self, statement: str, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> CursorResult[Any]:
        return self._connection.execute(typed(statement), values)

    def _change(self, statement: str, values: Mapping[str, Any], state: str, cause: str) -> Changed:
        event = {"event_at": self._now, "event_state": state, "event_cause": cause, **self.ids._asdict()}
        return changed_rows(self._run(_recorded(statement), {**values, **event}))

    def _settle(self, settlements: Sequence[Settlement]) -> Changed:
        verdicts = [settlement.verdict for settlement in settlements]
        sent = [settlement.transmission for settlement in settlements]
        columns = {
            **self._keys([settlement.message for settlement in settlements]),
            "states": [verdict.state for verdict in verdicts],
            "reasons": [verdict.reason for verdict in verdicts],
            "next_ats": [to_stored(verdict.next_at) if verdict.next_at else None for verdict in verdicts],
            "codes": [one.code for one in sent],
            "enhanceds": [one.enhanced for one in sent],
            "replies": [_storable(one.text) for one in sent],
        }
        return changed_rows(self._run(sql.SETTLE, {**columns, "now": self._now}))

    def _begin(self, messages: Sequence[ClaimedMessage]) -> Changed:
        return changed_rows(self._run(sql.BEGIN, {**self._keys(messages), "now": self._now}))

    def _keys(self, messages: Sequence[ClaimedMessage]) -> dict[str, list[Any]]:
        """Which messages, whose they are, and where that is traced."""
        ids = [self.traced.get(message.key, self.ids) for message in messages]
        return {
            "campaign_ids": [message.key.campaign_id for message in messages],
            "numbers": [message.key.number for message in messages],
            "steps": [message.key.step for message in messages],
            "tokens": [message.token for message in messages],
            "trace_ids": [one.trace_id for one in ids],
            "span_ids": [one.span_id for one in ids],
        }


@cache
def typed(statement: str) -> TextClause:
    """A statement that says of which type each of its values is."""
    names = set(re.findall(r":(\w+)", statement))
    return text(statement).bindparams(*(bindparam(name, type_=_TYPES[name]) for name in names))


@cache
def _recorded(change: str) -> str:
    return sql.recorded(change)


def _storable(reply: str) -> str | None:
    """A relay may say anything; a NUL, which PostgreSQL has no place for, must not cost the whole commit."""
    return reply.replace("\0", "\N{REPLACEMENT CHARACTER}") or None
