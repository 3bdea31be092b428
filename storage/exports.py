"""Rows as people take them away: leads, ledger, drafts, errors, events."""

from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from typing import Any

from sqlalchemy import CompoundSelect, Select, Text, and_, cast, func, literal, null, select, union_all

from domain.review import NOBODY, SAMPLE
from storage.database import Database
from storage.lead_state import MESSAGE_OF_LEAD, REASON_OF_LEAD, STATE_OF_LEAD
from storage.schema import campaign_events, drafts, errors, leads, message_events, messages

_PER_FETCH = 1000


def _ledger(campaign_id: str) -> Select[Any]:
    return (
        select(
            messages.c.campaign_id,
            messages.c.number.label("lead_number"),
            messages.c.step,
            messages.c.message_id,
            messages.c.recipient,
            messages.c.mailbox,
            messages.c.state,
            messages.c.outcome,
            messages.c.reason,
            messages.c.attempts,
            messages.c.reply_code,
            messages.c.scheduled_at,
            messages.c.sent_at,
            messages.c.basis.label("permission_basis"),
        )
        .where(messages.c.campaign_id == campaign_id)
        .order_by(messages.c.number, messages.c.step)
    )


def _leads(campaign_id: str) -> Select[Any]:
    return (
        select(
            leads.c.campaign_id,
            leads.c.number.label("lead_number"),
            leads.c.email,
            leads.c.name,
            leads.c.company,
            leads.c.location,
            leads.c.timezone,
            leads.c.permission_basis,
            leads.c.source,
            STATE_OF_LEAD.label("state"),
            REASON_OF_LEAD.label("reason"),
            leads.c.extra,
        )
        .outerjoin(messages, MESSAGE_OF_LEAD)
        .where(leads.c.campaign_id == campaign_id)
        .order_by(leads.c.number)
    )


def _drafts(campaign_id: str) -> Select[Any]:
    recipient = and_(leads.c.campaign_id == drafts.c.campaign_id, leads.c.number == drafts.c.number)
    return (
        select(
            drafts.c.campaign_id,
            drafts.c.number.label("lead_number"),
            drafts.c.step,
            leads.c.email.label("recipient"),
            drafts.c.subject,
            drafts.c.text,
            drafts.c.html,
            drafts.c.author,
            drafts.c.version,
            drafts.c.fingerprint,
            drafts.c.decision,
            drafts.c.decided_at,
            drafts.c.decided_by,
            drafts.c.decision_reason,
        )
        .join(leads, recipient)
        .where(drafts.c.campaign_id == campaign_id)
        .order_by(drafts.c.number, drafts.c.step)
    )


def _errors(campaign_id: str) -> Select[Any]:
    return (
        select(
            errors.c.campaign_id,
            errors.c.at,
            errors.c.stage,
            errors.c.kind,
            errors.c.number.label("lead_number"),
            errors.c.line,
            errors.c.message,
        )
        .where(errors.c.campaign_id == campaign_id)
        .order_by(errors.c.error_id)
    )


def _events(campaign_id: str) -> Select[Any]:
    return (
        select(
            message_events.c.campaign_id,
            message_events.c.number.label("lead_number"),
            message_events.c.step,
            message_events.c.at,
            message_events.c.state,
            message_events.c.cause,
            message_events.c.reply_code,
            message_events.c.reply_text,
            message_events.c.trace_id,
        )
        .where(message_events.c.campaign_id == campaign_id)
        .order_by(message_events.c.event_id)
    )


def _audit(campaign_id: str) -> CompoundSelect[Any]:
    """What messages went through, what people did to the campaign and what they decided, as rows of one shape."""
    nothing = null()
    transitions = select(
        message_events.c.at.label("at"),
        message_events.c.number.label("lead_number"),
        message_events.c.step.label("step"),
        message_events.c.state.label("kind"),
        message_events.c.cause.label("reason"),
        cast(nothing, Text).label("by"),
        message_events.c.reply_code.label("reply_code"),
        message_events.c.reply_text.label("reply_text"),
        message_events.c.event_id.label("event_id"),
    ).where(message_events.c.campaign_id == campaign_id)
    acts = select(
        campaign_events.c.at,
        func.nullif(campaign_events.c.number, 0),
        func.nullif(campaign_events.c.step, 0),
        campaign_events.c.kind,
        campaign_events.c.reason,
        campaign_events.c.by,
        nothing,
        nothing,
        campaign_events.c.event_id,
    ).where(campaign_events.c.campaign_id == campaign_id)
    decisions = select(
        drafts.c.decided_at,
        drafts.c.number,
        drafts.c.step,
        drafts.c.decision,
        func.coalesce(drafts.c.decision_reason, ""),
        drafts.c.decided_by,
        nothing,
        nothing,
        literal(0),
    ).where(
        drafts.c.campaign_id == campaign_id,
        drafts.c.decision.is_not(None),
        drafts.c.decided_by.not_in([NOBODY, SAMPLE]),
    )
    return union_all(transitions, acts, decisions)


EXPORTS: dict[str, Callable[[str], Select[Any]]] = {
    "leads": _leads,
    "ledger": _ledger,
    "drafts": _drafts,
    "errors": _errors,
    "events": _events,
}


class ExportRows:
    """Reads one campaign's rows of one kind, a thousand at a time."""

    def __init__(self, database: Database) -> None:
        """Reads only."""
        self._database = database

    def columns(self, what: str) -> list[str]:
        """The columns of an export, in their order."""
        return list(EXPORTS[what]("").selected_columns.keys())

    async def rows(
        self, campaign_id: str, what: str, *, limit: int | None = None, number: int | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The rows, times as ISO 8601 text; with `number` those of one lead, with `limit` the first so many."""
        query = EXPORTS[what](campaign_id).limit(limit)
        if number is not None:
            query = query.where(query.selected_columns["lead_number"] == number)
        async with self._database.read() as connection:
            result = await connection.stream(query.execution_options(yield_per=_PER_FETCH))
            async for row in result.mappings():
                yield {name: _plain(value) for name, value in row.items()}

    async def audit(
        self, campaign_id: str, limit: int | None = None, *, newest_first: bool = True, number: int | None = None
    ) -> list[dict[str, Any]]:
        """The audit trail in the order of time: transitions of messages, what people did, what they decided.

        `lead_number` and `step` are None for what concerns the whole campaign, `by` is None for what nobody did by
        hand. With `limit` the newest (or the first) so many, with `number` those of one lead.
        """
        trail = _audit(campaign_id).subquery()
        order = (trail.c.at, trail.c.event_id)
        query = select(*(column for column in trail.c if column.name != "event_id")).limit(limit)
        query = query.order_by(*(column.desc() if newest_first else column for column in order))
        if number is not None:
            query = query.where(trail.c.lead_number == number)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).mappings()
            return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
