"""The send ledger's statements, for PostgreSQL: each changes rows and writes their audit trail in one round trip.

Rows to change arrive as arrays, one for each column. SETTLE may only write what a column holds: the audit row repeats
what was asked for, and only for rows that changed.
"""

from storage import ledger_statements as sql

_CHANGED = "SELECT campaign_id, number, step, token FROM changed"

SETTLE = f"""
WITH asked AS (
  SELECT * FROM unnest(:campaign_ids, :numbers, :steps, :tokens, :states, :reasons, :next_ats, :codes, :enhanceds,
                       :replies, :trace_ids, :span_ids)
    AS asked(c, n, s, token, state, reason, next_at, code, enhanced, reply, trace_id, span_id)),
changed AS (
{sql.SETTLED}
  RETURNING messages.campaign_id, messages.number, messages.step, messages.token,
            asked.state, asked.reason, asked.code, asked.reply, asked.trace_id, asked.span_id),
recorded AS (
  INSERT INTO message_events (campaign_id, number, step, at, state, cause, token, reply_code, reply_text,
                              trace_id, span_id)
  SELECT campaign_id, number, step, :now, state, coalesce(nullif(reason, ''), 'confirm'), token, code, reply,
         trace_id, span_id
  FROM changed)
{_CHANGED}"""

BEGIN = f"""
WITH asked AS (
  SELECT * FROM unnest(:campaign_ids, :numbers, :steps, :tokens, :trace_ids, :span_ids)
    AS asked(c, n, s, token, trace_id, span_id)),
changed AS (
{sql.BEGUN}
  RETURNING messages.campaign_id, messages.number, messages.step, messages.token, asked.trace_id, asked.span_id),
recorded AS (
  INSERT INTO message_events (campaign_id, number, step, at, state, cause, token, trace_id, span_id)
  SELECT campaign_id, number, step, :now, 'transmitting', 'begin', token, trace_id, span_id FROM changed)
{_CHANGED}"""


def recorded(change: str) -> str:
    """A transition of a window, together with its audit trail."""
    return f"""
WITH changed AS ({change}),
recorded AS (
  INSERT INTO message_events (campaign_id, number, step, at, state, cause, token, trace_id, span_id)
  SELECT campaign_id, number, step, :event_at, :event_state, :event_cause, token, :trace_id, :span_id FROM changed)
{_CHANGED}"""
