"""The send ledger's statements, for PostgreSQL: each changes rows and writes their audit trail in one round trip.

Rows to change arrive as arrays, one for each column. SETTLE may only write what a column holds: the audit row repeats
what was asked for, and only for rows that changed.
"""

from storage import ledger_statements as sql

_CHANGED = "SELECT campaign_id, number, step, token FROM changed"

SETTLE = f"""
WITH asked AS (
  SELECT * FROM unnest(:campaign_ids, :numbers, :steps, :tokens, :states, :reasons, :next_ats, :codes, :enhanceds,
                       :replies) AS asked(c, n, s, token, state, reason, next_at, code, enhanced, reply)),
changed AS (
{sql.SETTLED}
  RETURNING messages.campaign_id, messages.number, messages.step, messages.token,
            asked.state, asked.reason, asked.code, asked.reply),
recorded AS (
  INSERT INTO message_events (campaign_id, number, step, at, state, cause, token, reply_code, reply_text)
  SELECT campaign_id, number, step, :now, state, coalesce(nullif(reason, ''), 'confirm'), token, code, reply
  FROM changed)
{_CHANGED}"""

BEGIN = f"""
WITH asked AS (SELECT * FROM unnest(:campaign_ids, :numbers, :steps, :tokens) AS asked(c, n, s, token)),
changed AS (
{sql.BEGUN}
  RETURNING messages.campaign_id, messages.number, messages.step, messages.token),
recorded AS (
  INSERT INTO message_events (campaign_id, number, step, at, state, cause, token)
  SELECT campaign_id, number, step, :now, 'transmitting', 'begin', token FROM changed)
{_CHANGED}"""


def recorded(change: str) -> str:
    """A transition of a window, together with its audit trail."""
    return f"""
WITH changed AS ({change}),
recorded AS (
  INSERT INTO message_events (campaign_id, number, step, at, state, cause, token)
  SELECT campaign_id, number, step, :event_at, :event_state, :event_cause, token FROM changed)
{_CHANGED}"""
