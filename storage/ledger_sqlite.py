"""The send ledger's transitions as SQLite statements.

Each transition is a compare-and-set: the WHERE names the state and the token it may start from, RETURNING says which
rows really changed, and a row that did not change belongs to somebody else. Rows to change arrive as one JSON array
behind `WITH … AS MATERIALIZED`: without it SQLite scans the campaign and calls json_each per row, a thousand times
slower on a database without statistics. tests/storage/test_ledger_plans.py holds the query plans.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from domain.message import OPEN_STATES, ClaimedMessage, MessageKey, MessageState
from domain.ports import ClaimRules, Settlement, WindowTally
from storage.schema import from_stored, to_stored

_WINDOW = "messages.campaign_id = :campaign_id AND messages.number BETWEEN :first AND :last"
_CLAIMABLE = f"{_WINDOW} AND messages.state IN ('scheduled', 'deferred', 'claimed')"
_DUE = f"{_CLAIMABLE} AND messages.scheduled_at <= :now AND coalesce(messages.next_at, 0) <= :now"
_SUPPRESSED = (
    "EXISTS (SELECT 1 FROM suppressions"
    " WHERE suppressions.identity IN (messages.address_identity, messages.domain_identity))"
)
_RUNNING = "EXISTS (SELECT 1 FROM campaigns WHERE campaigns.campaign_id = messages.campaign_id AND control = 'run')"
_MAILBOX_STOPPED = (
    "EXISTS (SELECT 1 FROM mailboxes WHERE mailboxes.name = messages.mailbox AND stopped_reason IS NOT NULL)"
)
_KEY = "messages.campaign_id, messages.number, messages.step"
_MAY_START = f"{_DUE} AND {_RUNNING} AND NOT {_MAILBOX_STOPPED} AND messages.basis <> ''"
_RESERVED = (
    "EXISTS (SELECT 1 FROM contacts WHERE contacts.address_identity = messages.address_identity"
    " AND contacts.campaign_id = messages.campaign_id)"
)
_CONTACT_WAIT_MILLISECONDS = 30_000
_JOINED = "messages.campaign_id = asked.c AND messages.number = asked.n AND messages.step = asked.s"

DOUBT = f"""
UPDATE messages SET state = :state, reason = :reason, next_at = :next_at
WHERE {_WINDOW} AND messages.state = 'transmitting' AND messages.token <> :token
RETURNING {_KEY}, messages.token"""

EXPIRE = f"""
UPDATE messages SET state = 'skipped', reason = 'not_after', token = NULL WHERE {_CLAIMABLE}
RETURNING {_KEY}, messages.token"""

SUPPRESS = f"""
UPDATE messages SET state = 'skipped', reason = 'suppressed', token = NULL WHERE {_CLAIMABLE} AND {_SUPPRESSED}
RETURNING {_KEY}, messages.token"""

# A contact is reserved with the claim, so two campaigns at once cannot both write first mails to one person.
RESERVE_CONTACTS = f"""
INSERT INTO contacts (address_identity, campaign_id, contacted_at)
SELECT messages.address_identity, messages.campaign_id, :now FROM messages WHERE {_MAY_START}
ON CONFLICT (address_identity) DO UPDATE SET
  previous_at = CASE WHEN contacts.campaign_id = excluded.campaign_id
                     THEN contacts.previous_at ELSE contacts.contacted_at END,
  campaign_id = excluded.campaign_id,
  contacted_at = excluded.contacted_at
WHERE contacts.campaign_id = excluded.campaign_id OR contacts.contacted_at <= :cutoff"""

COOL_DOWN = f"""
UPDATE messages SET state = 'skipped', reason = 'contacted_recently', token = NULL
WHERE {_MAY_START} AND NOT {_RESERVED} AND NOT EXISTS (
  SELECT 1 FROM contacts JOIN messages AS theirs
    ON theirs.campaign_id = contacts.campaign_id AND theirs.address_identity = contacts.address_identity
  WHERE contacts.address_identity = messages.address_identity
    AND theirs.state IN ('scheduled', 'claimed', 'transmitting', 'deferred'))
RETURNING {_KEY}, messages.token"""

# Another campaign is about to write to the person, and may yet fail to: nobody is skipped for a mail that never came.
WAIT_FOR_CONTACT = f"""
UPDATE messages SET next_at = :now + {_CONTACT_WAIT_MILLISECONDS}
WHERE {_MAY_START} AND NOT {_RESERVED}"""

CLAIM = f"""
UPDATE messages SET state = 'claimed', token = :token
WHERE {_MAY_START} AND (:dry_run OR {_RESERVED})
RETURNING {_KEY}, messages.token"""

CLAIMED = f"""
SELECT messages.number, messages.step, messages.attempts, messages.first_attempt_at, messages.reason,
       messages.message_id, messages.recipient, drafts.subject, drafts.text, drafts.html, drafts.opt_out_url
FROM messages
JOIN drafts ON drafts.campaign_id = messages.campaign_id AND drafts.number = messages.number
           AND drafts.step = messages.step
WHERE {_WINDOW} AND messages.state = 'claimed' AND messages.token = :token
ORDER BY messages.number, messages.step"""

SETTLE = f"""
WITH asked AS MATERIALIZED (
  SELECT value->>'c' AS c, value->>'n' AS n, value->>'s' AS s, value->>'token' AS token, value->>'state' AS state,
         value->>'reason' AS reason, value->>'next_at' AS next_at, value->>'code' AS code,
         value->>'enhanced' AS enhanced
  FROM json_each(:rows))
UPDATE messages SET
  state = asked.state, reason = asked.reason, next_at = asked.next_at,
  reply_code = asked.code, reply_enhanced = asked.enhanced,
  sent_at = CASE WHEN asked.state = 'sent' THEN :now END
FROM asked
WHERE {_JOINED} AND messages.token = asked.token
  AND (messages.state = 'transmitting'
       OR (messages.state = 'in_doubt' AND asked.state = 'sent')
       OR (messages.state = 'claimed' AND asked.state = 'failed'))
RETURNING {_KEY}, messages.token"""

BEGIN = f"""
WITH asked AS MATERIALIZED (
  SELECT value->>'c' AS c, value->>'n' AS n, value->>'s' AS s, value->>'token' AS token FROM json_each(:rows))
UPDATE messages SET
  state = 'transmitting', reason = '', next_at = NULL, began_at = :now, attempts = messages.attempts + 1,
  first_attempt_at = coalesce(messages.first_attempt_at, :now)
FROM asked
WHERE {_JOINED} AND messages.state = 'claimed' AND messages.token = asked.token
  AND {_RUNNING} AND NOT {_MAILBOX_STOPPED} AND NOT {_SUPPRESSED}
RETURNING {_KEY}, messages.token"""

RELEASE = f"""
UPDATE messages SET state = 'scheduled', token = NULL
WHERE {_WINDOW} AND messages.state = 'claimed' AND messages.token = :token
RETURNING {_KEY}, NULL AS token"""

TALLY = f"""
SELECT messages.state, count(*), min(max(messages.scheduled_at, coalesce(messages.next_at, 0)))
FROM messages WHERE {_WINDOW} GROUP BY messages.state"""

# Nothing of this campaign reached the person: the reservation goes back to what was there before.
FORGET_CONTACT = """
UPDATE contacts SET contacted_at = coalesce(previous_at, 0)
WHERE campaign_id = :campaign_id AND address_identity = (
  SELECT messages.address_identity FROM messages
  WHERE messages.campaign_id = :campaign_id AND messages.number = :number AND messages.step = :step)
AND NOT EXISTS (
  SELECT 1 FROM messages WHERE messages.campaign_id = :campaign_id AND messages.number = :number
  AND messages.state IN ('transmitting', 'sent', 'in_doubt'))
AND NOT EXISTS (
  SELECT 1 FROM message_events WHERE message_events.campaign_id = :campaign_id AND message_events.number = :number
  AND message_events.cause = 'resent_in_doubt')"""

SUPPRESS_ADDRESS = """
INSERT INTO suppressions (identity, kind, reason, source, since)
SELECT messages.address_identity, 'address', 'hard_bounce', messages.campaign_id, :now FROM messages
WHERE messages.campaign_id = :campaign_id AND messages.number = :number AND messages.step = :step
ON CONFLICT (identity) DO NOTHING"""

STOP_MAILBOX = """
INSERT INTO mailboxes (name, stopped_reason, stopped_at)
SELECT messages.mailbox, :reason, :now FROM messages
WHERE messages.campaign_id = :campaign_id AND messages.number = :number AND messages.step = :step
ON CONFLICT (name) DO UPDATE SET
  stopped_reason = coalesce(mailboxes.stopped_reason, excluded.stopped_reason),
  stopped_at = coalesce(mailboxes.stopped_at, excluded.stopped_at)"""

RECORD_EVENT = """
INSERT INTO message_events (campaign_id, number, step, at, state, cause, token, reply_code, reply_text)
VALUES (:campaign_id, :number, :step, :at, :state, :cause, :token, :reply_code, :reply_text)"""


class Window(NamedTuple):
    """Lead numbers of one campaign, both ends included."""

    campaign_id: str
    first: int
    last: int


def claim(connection: Connection, asked: Window, token: str, rules: ClaimRules, now: int) -> list[ClaimedMessage]:
    """See domain.ports.Ledger.claim. `now` in milliseconds since the epoch."""
    window = {**asked._asdict(), "token": token, "now": now}
    doubt = ("scheduled", "resent_in_doubt") if rules.resend_doubts else ("in_doubt", "attempt_died")
    found = connection.exec_driver_sql(DOUBT, {**window, "state": doubt[0], "reason": doubt[1], "next_at": None})
    _record(connection, found, now, *doubt)
    if rules.expired:
        skipped = _record(connection, connection.exec_driver_sql(EXPIRE, window), now, "skipped", "not_after")
        _forget_contacts(connection, skipped)
        return []
    skipped = _record(connection, connection.exec_driver_sql(SUPPRESS, window), now, "skipped", "suppressed")
    _forget_contacts(connection, skipped)
    if not rules.may_start:
        return []
    if not rules.dry_run:
        cutoff = now - 1000 * rules.cool_down_seconds
        connection.exec_driver_sql(RESERVE_CONTACTS, {**window, "cutoff": cutoff})
        _record(connection, connection.exec_driver_sql(COOL_DOWN, window), now, "skipped", "contacted_recently")
        connection.exec_driver_sql(WAIT_FOR_CONTACT, window)
    claimed = connection.exec_driver_sql(CLAIM, {**window, "dry_run": rules.dry_run})
    _record(connection, claimed, now, "claimed", "claim")
    return [
        ClaimedMessage(
            key=MessageKey(asked.campaign_id, row.number, row.step),
            token=token,
            attempts=row.attempts + 1,
            first_attempt_at=from_stored(row.first_attempt_at or now),
            refused_before=row.reason,
            message_id=row.message_id,
            recipient=row.recipient,
            subject=row.subject,
            text=row.text,
            html=row.html,
            opt_out_url=row.opt_out_url,
        )
        for row in connection.exec_driver_sql(CLAIMED, window)
    ]


def settle(connection: Connection, settlements: Sequence[Settlement], now: int) -> Mapping[MessageKey, str | None]:
    """Record how transmissions ended; returns the keys that changed, each with the token it was recorded for."""
    if not settlements:
        return {}
    rows = [_settlement_row(settlement) for settlement in settlements]
    changed = _keys(connection.exec_driver_sql(SETTLE, {"rows": json.dumps(rows), "now": now}))
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
    changed = connection.exec_driver_sql(BEGIN, {"rows": json.dumps(rows), "now": now})
    return _record(connection, changed, now, MessageState.TRANSMITTING, "begin")


def release(connection: Connection, asked: Window, token: str, now: int) -> None:
    """Give back what was claimed and not begun."""
    window = {**asked._asdict(), "token": token}
    released = _record(connection, connection.exec_driver_sql(RELEASE, window), now, "scheduled", "release")
    _forget_contacts(connection, released)


def tally(connection: Connection, asked: Window) -> WindowTally:
    """Count a window's messages by state."""
    rows = connection.exec_driver_sql(TALLY, asked._asdict()).all()
    due = [row[2] for row in rows if row[0] in OPEN_STATES]
    return WindowTally(
        counts={row[0]: row[1] for row in rows},
        open=sum(row[1] for row in rows if row[0] in OPEN_STATES),
        next_at=from_stored(min(due)) if due else None,
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
        connection.exec_driver_sql(SUPPRESS_ADDRESS, row)
    if verdict.stop_mailbox:
        connection.exec_driver_sql(STOP_MAILBOX, row)


def _forget_contacts(connection: Connection, keys: Iterable[MessageKey]) -> None:
    rows = [key._asdict() for key in keys]
    if rows:
        connection.exec_driver_sql(FORGET_CONTACT, rows)


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
        connection.exec_driver_sql(RECORD_EVENT, rows)
