"""The send ledger's statements, for SQLite and, but for SETTLE and BEGIN, for PostgreSQL too.

Each transition is a compare-and-set: the WHERE names the state and the token it may start from, RETURNING says which
rows really changed, and a row that did not change belongs to somebody else. Rows to change arrive as one JSON array
behind `WITH … AS MATERIALIZED`: without it SQLite scans the campaign and calls json_each per row, a thousand times
slower on a database without statistics. tests/storage/test_ledger_plans.py holds the query plans.
PostgreSQL's own SETTLE and BEGIN are in ledger_postgres_statements: the same changes, other ways to say "these rows".
"""

from functools import cache

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
# Nobody's silence is a yes: what a person has not approved is not touched, not even by a reservation.
_APPROVED = (
    "EXISTS (SELECT 1 FROM drafts WHERE drafts.campaign_id = messages.campaign_id AND drafts.number = messages.number"
    " AND drafts.step = messages.step AND drafts.decision = 'approved')"
)
_KEY = "messages.campaign_id, messages.number, messages.step"
_MAY_START = f"{_DUE} AND {_RUNNING} AND NOT {_MAILBOX_STOPPED} AND messages.basis <> '' AND {_APPROVED}"
_RESERVED = (
    "EXISTS (SELECT 1 FROM contacts WHERE contacts.address_identity = messages.address_identity"
    " AND contacts.campaign_id = messages.campaign_id)"
)
_CONTACT_WAIT_MILLISECONDS = 30_000
_STALE_MILLISECONDS = 3_600_000
_REHEARSED = "EXISTS (SELECT 1 FROM campaigns WHERE campaigns.campaign_id = messages.campaign_id AND dry_run)"
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

# A contact is reserved with the claim, so two campaigns at once cannot both write first mails to one person. A campaign
# that was given up with people claimed holds them for an hour; its begin asks whether the reservation is still its own.
RESERVE_CONTACTS = f"""
INSERT INTO contacts (address_identity, campaign_id, contacted_at)
SELECT DISTINCT messages.address_identity, messages.campaign_id, :now FROM messages WHERE {_MAY_START}
ON CONFLICT (address_identity) DO UPDATE SET
  previous_at = CASE WHEN contacts.campaign_id = excluded.campaign_id
                     THEN contacts.previous_at ELSE contacts.contacted_at END,
  campaign_id = excluded.campaign_id,
  contacted_at = excluded.contacted_at
WHERE contacts.campaign_id = excluded.campaign_id OR contacts.contacted_at <= :cutoff
  OR (contacts.contacted_at <= :now - {_STALE_MILLISECONDS} AND NOT EXISTS (
    SELECT 1 FROM messages AS theirs
    WHERE theirs.campaign_id = contacts.campaign_id AND theirs.address_identity = contacts.address_identity
      AND theirs.state IN ('transmitting', 'sent', 'in_doubt')))"""

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
UPDATE messages SET next_at = :now + {_CONTACT_WAIT_MILLISECONDS}, reason = 'contact_claimed'
WHERE {_MAY_START} AND NOT {_RESERVED}"""

CLAIM = f"""
UPDATE messages SET state = 'claimed', token = :token,
  reason = CASE WHEN messages.reason = 'contact_claimed' THEN '' ELSE messages.reason END
WHERE {_MAY_START} AND (:dry_run OR {_RESERVED})
RETURNING {_KEY}, messages.token"""

CLAIMED = f"""
SELECT messages.number, messages.step, messages.attempts, messages.first_attempt_at, messages.reason,
       messages.message_id, messages.recipient, drafts.subject, drafts.text, drafts.html, drafts.opt_out_url,
       drafts.fingerprint
FROM messages
JOIN drafts ON drafts.campaign_id = messages.campaign_id AND drafts.number = messages.number
           AND drafts.step = messages.step
WHERE {_WINDOW} AND messages.state = 'claimed' AND messages.token = :token
ORDER BY messages.number, messages.step"""

SETTLED = f"""
UPDATE messages SET
  state = asked.state, reason = asked.reason, next_at = asked.next_at,
  reply_code = asked.code, reply_enhanced = asked.enhanced,
  sent_at = CASE WHEN asked.state = 'sent' THEN :now END,
  settled_at = CASE WHEN asked.state IN ('sent', 'failed') THEN :now END
FROM asked
WHERE {_JOINED} AND messages.token = asked.token
  AND (messages.state = 'transmitting'
       OR (messages.state = 'in_doubt' AND asked.state = 'sent')
       OR (messages.state = 'claimed' AND asked.state = 'failed'))"""

BEGUN = f"""
UPDATE messages SET
  state = 'transmitting', reason = '', next_at = NULL, began_at = :now, attempts = messages.attempts + 1,
  first_attempt_at = coalesce(messages.first_attempt_at, :now)
FROM asked
WHERE {_JOINED} AND messages.state = 'claimed' AND messages.token = asked.token
  AND {_RUNNING} AND NOT {_MAILBOX_STOPPED} AND NOT {_SUPPRESSED} AND ({_RESERVED} OR {_REHEARSED})"""

SETTLE = f"""
WITH asked AS MATERIALIZED (
  SELECT value->>'c' AS c, value->>'n' AS n, value->>'s' AS s, value->>'token' AS token, value->>'state' AS state,
         value->>'reason' AS reason, value->>'next_at' AS next_at, value->>'code' AS code,
         value->>'enhanced' AS enhanced
  FROM json_each(:rows))
{SETTLED}
RETURNING {_KEY}, messages.token"""

BEGIN = f"""
WITH asked AS MATERIALIZED (
  SELECT value->>'c' AS c, value->>'n' AS n, value->>'s' AS s, value->>'token' AS token FROM json_each(:rows))
{BEGUN}
RETURNING {_KEY}, messages.token"""

CANCEL = f"""
UPDATE messages SET state = 'skipped', reason = 'cancelled', token = NULL, next_at = NULL WHERE {_CLAIMABLE}
RETURNING {_KEY}, messages.token"""

CANCEL_LEADS = """
UPDATE leads SET ended = 'cancelled', reason = ''
WHERE leads.campaign_id = :campaign_id AND leads.number BETWEEN :first AND :last AND leads.ended IS NULL
  AND NOT EXISTS (
    SELECT 1 FROM messages WHERE messages.campaign_id = leads.campaign_id AND messages.number = leads.number)"""

RELEASE = f"""
UPDATE messages SET state = 'scheduled', token = NULL
WHERE {_WINDOW} AND messages.state = 'claimed' AND messages.token = :token
RETURNING {_KEY}, NULL AS token"""

TALLY = f"""
SELECT state, count(*), min(CASE WHEN decided THEN due END), count(*) FILTER (WHERE NOT decided) FROM (
  SELECT messages.state, messages.state <> 'scheduled' OR {_APPROVED} AS decided,
         CASE WHEN messages.next_at > messages.scheduled_at THEN messages.next_at ELSE messages.scheduled_at END AS due
  FROM messages WHERE {_WINDOW}) AS looked_at
GROUP BY state"""

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

EVENT_COLUMNS = (
    "campaign_id",
    "number",
    "step",
    "at",
    "state",
    "cause",
    "token",
    "reply_code",
    "reply_text",
    "trace_id",
    "span_id",
)


@cache
def record_events(rows: int) -> str:
    """So many rows for the audit trail, their values one after the other.

    One statement, not one for each row: between two of them a thread gives the interpreter away, and waits for it.
    """
    values = f"({', '.join('?' for _ in EVENT_COLUMNS)})"
    return f"INSERT INTO message_events ({', '.join(EVENT_COLUMNS)}) VALUES {', '.join([values] * rows)}"
