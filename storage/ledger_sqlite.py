"""The send ledger's transitions on an SQLite connection, inside a transaction of storage.ledger's.

A transition answers with the rows that really changed, and each change leaves one row in the audit trail.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from domain.message import OPEN_STATES, ClaimedMessage, MessageKey, MessageState
from domain.ports import ClaimRules, Settlement, WindowTally
from storage import ledger_statements as sql
from storage.schema import from_stored, to_stored


class Window(NamedTuple):
    """Lead numbers of one campaign, both ends included."""

    campaign_id: str
    first: int
    last: int


def claim(connection: Connection, asked: Window, token: str, rules: ClaimRules, now: int) -> list[ClaimedMessage]:
    """See domain.ports.Ledger.claim. `now` in milliseconds since the epoch."""
    window = {**asked._asdict(), "token": token, "now": now}
    doubt = ("scheduled", "resent_in_doubt") if rules.resend_doubts else ("in_doubt", "attempt_died")
    found = connection.exec_driver_sql(sql.DOUBT, {**window, "state": doubt[0], "reason": doubt[1], "next_at": None})
    _record(connection, found, now, *doubt)
    if rules.expired:
        skipped = _record(connection, connection.exec_driver_sql(sql.EXPIRE, window), now, "skipped", "not_after")
        _forget_contacts(connection, skipped)
        return []
    skipped = _record(connection, connection.exec_driver_sql(sql.SUPPRESS, window), now, "skipped", "suppressed")
    _forget_contacts(connection, skipped)
    if not rules.may_start:
        return []
    if not rules.dry_run:
        cutoff = now - 1000 * rules.cool_down_seconds
        connection.exec_driver_sql(sql.RESERVE_CONTACTS, {**window, "cutoff": cutoff})
        _record(connection, connection.exec_driver_sql(sql.COOL_DOWN, window), now, "skipped", "contacted_recently")
        connection.exec_driver_sql(sql.WAIT_FOR_CONTACT, window)
    claimed = connection.exec_driver_sql(sql.CLAIM, {**window, "dry_run": rules.dry_run})
    _record(connection, claimed, now, "claimed", "claim")
    return [
        ClaimedMessage(
            key=MessageKey(asked.campaign_id, row.number, row.step),
            token=token,
            attempts=row.attempts + 1,
            first_attempt_at=from_stored(row.first_attempt_at or now),
            refused_before=row.reason,
            fingerprint=row.fingerprint,
            message_id=row.message_id,
            recipient=row.recipient,
            subject=row.subject,
            text=row.text,
            html=row.html,
            opt_out_url=row.opt_out_url,
        )
        for row in connection.exec_driver_sql(sql.CLAIMED, window)
    ]


def settle(connection: Connection, settlements: Sequence[Settlement], now: int) -> Mapping[MessageKey, str | None]:
    """Record how transmissions ended; returns the keys that changed, each with the token it was recorded for."""
    if not settlements:
        return {}
    rows = [_settlement_row(settlement) for settlement in settlements]
    changed = _keys(connection.exec_driver_sql(sql.SETTLE, {"rows": json.dumps(rows), "now": now}))
    mine = [one for one in settlements if changed.get(one.message.key) == one.message.token]
    _insert_events(connection, (_settlement_event(settlement, now) for settlement in mine))
    for settlement in mine:
        _consequences(connection, settlement, now)
    return changed


def begin(connection: Connection, messages: Sequence[ClaimedMessage], now: int) -> Mapping[MessageKey, str | None]:
    """Move claimed messages to transmitting; returns the keys that may be transmitted, each by its token's owner."""
    if not messages:
        return {}
    rows = [
        {"c": message.key.campaign_id, "n": message.key.number, "s": message.key.step, "token": message.token}
        for message in messages
    ]
    changed = connection.exec_driver_sql(sql.BEGIN, {"rows": json.dumps(rows), "now": now})
    return _record(connection, changed, now, MessageState.TRANSMITTING, "begin")


def release(connection: Connection, asked: Window, token: str, now: int) -> None:
    """Give back what was claimed and not begun."""
    window = {**asked._asdict(), "token": token}
    released = _record(connection, connection.exec_driver_sql(sql.RELEASE, window), now, "scheduled", "release")
    _forget_contacts(connection, released)


def cancel(connection: Connection, asked: Window, now: int) -> None:
    """See domain.ports.Ledger.cancel: whoever was transmitting here is dead or will say so with a late confirmation."""
    window = asked._asdict()
    doubt = {"state": MessageState.IN_DOUBT, "reason": "attempt_died", "next_at": None, "token": ""}
    found = connection.exec_driver_sql(sql.DOUBT, {**window, **doubt})
    _record(connection, found, now, MessageState.IN_DOUBT, "attempt_died")
    skipped = _record(connection, connection.exec_driver_sql(sql.CANCEL, window), now, "skipped", "cancelled")
    _forget_contacts(connection, skipped)
    connection.exec_driver_sql(sql.CANCEL_LEADS, window)


def tally(connection: Connection, asked: Window) -> WindowTally:
    """Count a window's messages by state."""
    rows = connection.exec_driver_sql(sql.TALLY, asked._asdict()).all()
    opened = [row for row in rows if row[0] in OPEN_STATES]
    due = [row[2] for row in opened if row[2] is not None]
    return WindowTally(
        counts={row[0]: row[1] for row in rows},
        open=sum(row[1] for row in opened),
        next_at=from_stored(min(due)) if due else None,
        undecided=sum(row[3] for row in opened),
    )


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


def _settlement_event(settlement: Settlement, now: int) -> dict[str, Any]:
    key, sent = settlement.message.key, settlement.transmission
    cause = settlement.verdict.reason or "confirm"
    event = _event(key, now, settlement.verdict.state, cause, settlement.message.token)
    return {**event, "reply_code": sent.code, "reply_text": sent.text or None}


def _consequences(connection: Connection, settlement: Settlement, now: int) -> None:
    key, verdict = settlement.message.key, settlement.verdict
    row = {**key._asdict(), "now": now, "reason": verdict.reason}
    if verdict.state not in (MessageState.SENT, MessageState.IN_DOUBT):
        _forget_contacts(connection, [key])
    if verdict.suppress:
        connection.exec_driver_sql(sql.SUPPRESS_ADDRESS, row)
    if verdict.stop_mailbox:
        connection.exec_driver_sql(sql.STOP_MAILBOX, row)


def _forget_contacts(connection: Connection, keys: Iterable[MessageKey]) -> None:
    rows = [key._asdict() for key in keys]
    if rows:
        connection.exec_driver_sql(sql.FORGET_CONTACT, rows)


def _keys(changed: Iterable[Any]) -> dict[MessageKey, str | None]:
    return {MessageKey(row[0], row[1], row[2]): row[3] for row in changed}


def _record(
    connection: Connection, changed: Iterable[Any], now: int, state: str, cause: str
) -> Mapping[MessageKey, str | None]:
    """Write one audit row for each row that a transition changed."""
    keys = _keys(changed)
    _insert_events(connection, (_event(key, now, state, cause, token) for key, token in keys.items()))
    return keys


def _event(key: MessageKey, now: int, state: str, cause: str, token: str | None) -> dict[str, Any]:
    return {
        **key._asdict(),
        "at": now,
        "state": state,
        "cause": cause,
        "token": token,
        "reply_code": None,
        "reply_text": None,
    }


def _insert_events(connection: Connection, events: Iterable[dict[str, Any]]) -> None:
    rows = list(events)
    if rows:
        connection.exec_driver_sql(sql.RECORD_EVENT, rows)
