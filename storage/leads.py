"""Rows of leads and drafts, and the messages that drafting schedules."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, bindparam, case, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import NotFound
from domain.lead import Lead, LeadEnd, LeadRepository, LeadState, address_domain
from domain.message import MessageState
from domain.ports import NewMessage
from domain.review import Decision
from domain.sourcing import Repository
from storage.database import Database
from storage.keys import Keys
from storage.lead_work import CONTRIBUTION_OF_LEAD, REPOSITORY_OF_LEAD, repository_of
from storage.portions import rows_among
from storage.schema import contributions, drafts, leads, message_events, messages, repositories
from storage.statistics import renew_statistics
from storage.upserts import upsert
from telemetry.tracing import current_ids

_LEADS = (
    select(leads, repositories.c.facts, contributions.c.commits)
    .outerjoin(repositories, REPOSITORY_OF_LEAD)
    .outerjoin(contributions, CONTRIBUTION_OF_LEAD)
)
"""Leads with what they work on; those from a file have nothing there."""

_DRAFTED = and_(drafts.c.campaign_id == leads.c.campaign_id, drafts.c.number == leads.c.number)


class _MessageRows(NamedTuple):
    """What is stored of one draft."""

    draft: dict[str, Any]
    message: dict[str, Any]
    event: dict[str, Any]


class LeadRows:
    """domain.ports.Leads on the database."""

    def __init__(self, database: Database, keys: Keys) -> None:
        """`keys` makes the identities of addresses."""
        self._database = database
        self._keys = keys

    async def undrafted(self, campaign_id: str, first: int, last: int) -> list[Lead]:
        """See domain.ports.Leads."""
        query = (
            _LEADS.outerjoin(drafts, _DRAFTED)
            .where(leads.c.campaign_id == campaign_id, leads.c.number.between(first, last))
            .where(leads.c.ended.is_(None), drafts.c.number.is_(None), leads.c.email != "")
            .order_by(leads.c.number)
        )
        async with self._database.read(brief=True) as connection:
            rows = (await connection.execute(query)).all()
        return [_lead(row) for row in rows]

    async def get(self, campaign_id: str, number: int) -> Lead:
        """One lead; raises NotFound."""
        query = _LEADS.where(leads.c.campaign_id == campaign_id, leads.c.number == number)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            raise NotFound(f"{campaign_id} has no lead {number}", hint=f"outrider show {campaign_id}")
        return _lead(row)

    async def store_drafts(self, campaign_id: str, new: Sequence[NewMessage], ended: Sequence[LeadEnd]) -> None:
        """See domain.ports.Leads."""
        now = datetime.now(UTC)
        made = [self._rows_of(campaign_id, message, now) for message in new]  # before anybody has to wait for us
        async with self._database.write(campaign_id, brief=True) as connection:
            numbers = [*(message.draft.number for message in new), *(end.number for end in ended)]
            done = await _done_before(connection, campaign_id, numbers)
            fresh = [rows for rows in made if rows.draft["number"] not in done]
            if fresh:
                await _store_messages(connection, campaign_id, fresh)
            rows = [
                {"c": campaign_id, "n": end.number, "state": end.state, "why": end.reason}
                for end in ended
                if end.number not in done
            ]
            if rows:
                await connection.execute(_END, rows)
        if fresh:
            await renew_statistics(self._database, min(numbers) - 1, max(numbers), drafts, messages, message_events)

    async def drafting_counts(self, campaign_id: str, first: int, last: int) -> dict[str, int]:
        """See domain.ports.Leads."""
        outcome = case(
            (leads.c.ended.is_not(None), leads.c.ended), (drafts.c.number.is_not(None), "done"), else_=LeadState.OPEN
        )
        query = (
            select(outcome.label("outcome"), func.count())
            .outerjoin(drafts, _DRAFTED)
            .where(leads.c.campaign_id == campaign_id, leads.c.number.between(first, last))
            .group_by("outcome")
        )
        async with self._database.read(brief=True) as connection:
            return dict((await connection.execute(query)).all())

    def _rows_of(self, campaign_id: str, message: NewMessage, now: datetime) -> _MessageRows:
        return _MessageRows(
            draft=_draft_row(campaign_id, message, now),
            message=self._message_row(campaign_id, message, now),
            event=_event_row(campaign_id, message, now),
        )

    def _message_row(self, campaign_id: str, message: NewMessage, now: datetime) -> dict[str, Any]:
        return {
            "campaign_id": campaign_id,
            "number": message.draft.number,
            "step": message.draft.step,
            "message_id": message.message_id,
            "recipient": message.recipient,
            "address_identity": self._keys.address_identity(message.recipient),
            "domain_identity": self._keys.domain_identity(message.recipient),
            "receiver": address_domain(message.recipient),
            "mailbox": message.mailbox,
            "basis": message.basis,
            "state": MessageState.SKIPPED if message.skipped else MessageState.SCHEDULED,
            "reason": message.skipped,
            "attempts": 0,
            "scheduled_at": now,
        }


_END = (
    update(leads)
    .where(leads.c.campaign_id == bindparam("c"), leads.c.number == bindparam("n"))
    .values(ended=bindparam("state"), reason=bindparam("why"))
)


async def _done_before(connection: AsyncConnection, campaign_id: str, numbers: Sequence[int]) -> set[int]:
    """Leads that another attempt at the same window has drafted or ended: what it stored stays."""
    if not numbers:
        return set()
    query = (
        select(leads.c.number)
        .outerjoin(drafts, _DRAFTED)
        .where(leads.c.campaign_id == campaign_id, leads.c.number.between(min(numbers), max(numbers)))
        .where(or_(leads.c.ended.is_not(None), drafts.c.number.is_not(None)))
    )
    return set(await connection.scalars(query))


async def _store_messages(connection: AsyncConnection, campaign_id: str, new: Sequence[_MessageRows]) -> None:
    await connection.execute(insert(drafts), [rows.draft for rows in new])
    await connection.execute(upsert(connection, messages).on_conflict_do_nothing(), [rows.message for rows in new])
    same_address = await _end_same_address(connection, campaign_id, [rows.message for rows in new])
    events = [rows.event for rows in new if rows.event["number"] not in same_address]
    if events:
        await connection.execute(insert(message_events), events)


async def _end_same_address(
    connection: AsyncConnection, campaign_id: str, new: Sequence[Mapping[str, Any]]
) -> set[int]:
    """A draft whose message was refused by the unique address belongs to a second lead of the same person."""
    numbers = [row["number"] for row in new]
    inserted = select(messages.c.number).where(
        messages.c.campaign_id == campaign_id,
        messages.c.number.between(min(numbers), max(numbers)),
    )
    mine = [row["message_id"] for row in new]
    orphans = set(numbers) - {row.number for row in await rows_among(connection, inserted, messages.c.message_id, mine)}
    if orphans:
        end = {"state": LeadState.SKIPPED, "why": "same_address"}
        await connection.execute(_END, [{"c": campaign_id, "n": number, **end} for number in sorted(orphans)])
    return orphans


def _lead(row: Row[Any]) -> Lead:
    return Lead(
        number=row.number,
        email=row.email,
        name=row.name,
        company=row.company,
        location=row.location,
        timezone=row.timezone,
        permission_basis=row.permission_basis,
        extra=json.loads(row.extra),
        opt_out_token=row.opt_out_token,
        source=row.source,
        login=row.login,
        repository=_repository(repository_of(row.facts), row.commits or 0) if row.facts else None,
    )


def _repository(facts: Repository, commits: int) -> LeadRepository:
    return LeadRepository(
        full_name=facts.full_name,
        url=facts.url,
        description=facts.description,
        language=facts.language,
        stars=facts.stars,
        commits=commits,
        share_percent=round(100 * facts.share_of(commits)),
        active_people=facts.active_people,
    )


def _draft_row(campaign_id: str, message: NewMessage, now: datetime) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        **message.draft.model_dump(),
        "opt_out_url": message.opt_out_url,
        "fingerprint": message.fingerprint,
        "decision": Decision.APPROVED if message.approved_by else None,
        "decided_at": now if message.approved_by else None,
        "decided_by": message.approved_by or None,
        "created_at": now,
    }


def _event_row(campaign_id: str, message: NewMessage, now: datetime) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        "number": message.draft.number,
        "step": message.draft.step,
        "at": now,
        "state": MessageState.SKIPPED if message.skipped else MessageState.SCHEDULED,
        "cause": message.skipped or "drafted",
        **current_ids()._asdict(),
    }
