"""Rows as people take them away: leads, ledger, drafts, errors, events, repositories."""

from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from typing import Any

from sqlalchemy import CompoundSelect, RowMapping, Select, Text, and_, cast, func, literal, null, select, union_all

from domain.review import NOBODY, SAMPLE
from storage.database import Database
from storage.lead_state import MESSAGE_OF_LEAD, REASON_OF_LEAD, STATE_OF_LEAD
from storage.lead_work import (
    CONTRIBUTION_OF_LEAD,
    FACTS,
    PROFILE_OF_LEAD,
    PROFILE_READ_AT,
    REPOSITORY_OF_LEAD,
    told,
)
from storage.schema import (
    campaign_events,
    contributions,
    drafts,
    errors,
    leads,
    message_events,
    messages,
    people,
    repositories,
)

_PER_FETCH = 1000
_NAMED = {"about": "repository"}
"""Columns that are called otherwise where they are taken away: of the stored facts only the name is told."""


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
            leads.c.login,
            repositories.c.facts.label("about"),
            contributions.c.commits,
            leads.c.fit,
            leads.c.fit_reasons,
            PROFILE_READ_AT.label("profile_read_at"),
        )
        .outerjoin(messages, MESSAGE_OF_LEAD)
        .outerjoin(repositories, REPOSITORY_OF_LEAD)
        .outerjoin(contributions, CONTRIBUTION_OF_LEAD)
        .outerjoin(people, PROFILE_OF_LEAD)
        .where(leads.c.campaign_id == campaign_id)
        .order_by(leads.c.number)
    )


def _repositories(campaign_id: str) -> Select[Any]:
    """`people` are all who committed there and are no bots, `leads` those who would be written to about it."""
    here = contributions.c.campaign_id == campaign_id
    people_of = (
        select(contributions.c.repository, func.count().label("people"))
        .where(here)
        .group_by(contributions.c.repository)
        .subquery()
    )
    leads_of = (
        select(leads.c.repository, func.count().label("leads"), func.count(leads.c.fit).label("reachable"))
        .where(leads.c.campaign_id == campaign_id, leads.c.repository != "")
        .group_by(leads.c.repository)
        .subquery()
    )
    identity = repositories.c.identity
    return (
        select(
            repositories.c.campaign_id,
            identity,
            repositories.c.facts,
            func.coalesce(people_of.c.people, 0).label("people"),
            func.coalesce(leads_of.c.leads, 0).label("leads"),
            func.coalesce(leads_of.c.reachable, 0).label("reachable"),
        )
        .outerjoin(people_of, people_of.c.repository == identity)
        .outerjoin(leads_of, leads_of.c.repository == identity)
        .where(repositories.c.campaign_id == campaign_id)
        .order_by(func.coalesce(leads_of.c.reachable, 0).desc(), identity)
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
            message_events.c.span_id,
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
        message_events.c.trace_id.label("trace_id"),
        message_events.c.span_id.label("span_id"),
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
        nothing,
        nothing,
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
        nothing,
        nothing,
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
    "repositories": _repositories,
}


class ExportRows:
    """Reads one campaign's rows of one kind, a thousand at a time."""

    def __init__(self, database: Database) -> None:
        """Reads only."""
        self._database = database

    def columns(self, what: str) -> list[str]:
        """The columns of an export, in their order."""
        names = EXPORTS[what]("").selected_columns.keys()
        return [column for name in names for column in (FACTS if name == "facts" else [_NAMED.get(name, name)])]

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
                yield _whole(row)

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


def _whole(row: RowMapping) -> dict[str, Any]:
    """A row as it is taken away, with a repository's facts in the place where they are stored as one text."""
    whole: dict[str, Any] = {}
    for name, value in row.items():
        if name == "facts":
            whole |= told(value)
        elif name == "about":
            whole[_NAMED[name]] = told(value)["full_name"] if value else ""
        else:
            whole[name] = _plain(value)
    return whole


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
