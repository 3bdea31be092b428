"""The send ledger's transitions on SQLite: rows as one JSON array, the audit trail as a second statement."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import CursorResult

from domain.message import ClaimedMessage, MessageKey, MessageState
from domain.ports import Settlement
from storage import ledger_statements as sql
from storage.ledger_transitions import Changed, Transitions, changed_rows
from storage.schema import to_stored

_EVENTS_AT_ONCE = 100
"""Far below what SQLite takes, and few different statements."""


class SqliteTransitions(Transitions):
    """One transaction of the ledger's own connection."""

    def _run(self, statement: str, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> CursorResult[Any]:
        return self._connection.exec_driver_sql(statement, values)

    def _change(self, statement: str, values: Mapping[str, Any], state: str, cause: str) -> Changed:
        return self._recorded(self._run(statement, values), state, cause)

    def _settle(self, settlements: Sequence[Settlement]) -> Changed:
        rows = [_settlement_row(settlement) for settlement in settlements]
        changed = changed_rows(self._run(sql.SETTLE, {"rows": json.dumps(rows), "now": self._now}))
        mine = [one for one in settlements if changed.get(one.message.key) == one.message.token]
        self._record(self._settlement_event(settlement) for settlement in mine)
        return changed

    def _begin(self, messages: Sequence[ClaimedMessage]) -> Changed:
        rows = [
            {"c": message.key.campaign_id, "n": message.key.number, "s": message.key.step, "token": message.token}
            for message in messages
        ]
        changed = self._run(sql.BEGIN, {"rows": json.dumps(rows), "now": self._now})
        return self._recorded(changed, MessageState.TRANSMITTING, "begin")

    def _recorded(self, found: Iterable[Any], state: str, cause: str) -> Changed:
        changed = changed_rows(found)
        self._record(self._event(key, state, cause, token) for key, token in changed.items())
        return changed

    def _settlement_event(self, settlement: Settlement) -> dict[str, Any]:
        sent, cause = settlement.transmission, settlement.verdict.reason or "confirm"
        event = self._event(settlement.message.key, settlement.verdict.state, cause, settlement.message.token)
        return {**event, "reply_code": sent.code, "reply_text": sent.text or None}

    def _event(self, key: MessageKey, state: str, cause: str, token: str | None) -> dict[str, Any]:
        return {
            **key._asdict(),
            "at": self._now,
            "state": state,
            "cause": cause,
            "token": token,
            "reply_code": None,
            "reply_text": None,
            **self.traced.get(key, self.ids)._asdict(),
        }

    def _record(self, events: Iterable[dict[str, Any]]) -> None:
        rows = list(events)
        for start in range(0, len(rows), _EVENTS_AT_ONCE):
            some = rows[start : start + _EVENTS_AT_ONCE]
            values = tuple(row[column] for row in some for column in sql.EVENT_COLUMNS)
            self._connection.exec_driver_sql(sql.record_events(len(some)), values)


def _settlement_row(settlement: Settlement) -> dict[str, Any]:
    key, verdict, sent = settlement.message.key, settlement.verdict, settlement.transmission
    return {
        "c": key.campaign_id,
        "n": key.number,
        "s": key.step,
        "token": settlement.message.token,
        "state": verdict.state,
        "reason": verdict.reason,
        "next_at": to_stored(verdict.next_at) if verdict.next_at else None,
        "code": sent.code,
        "enhanced": sent.enhanced,
    }
