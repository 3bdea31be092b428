"""The report, read from the rows, and the artifacts it is kept as."""

import hashlib
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import NotFound
from domain.message import MessageState
from domain.report import CampaignReport, GroupRow, RejectedRow, ReviewerRow
from domain.review import Decision
from domain.wire import ChangeKind
from storage.campaigns import CampaignRows
from storage.database import Database
from storage.progress import count_leads, count_messages, count_outcomes, count_pauses, doubtful_messages
from storage.schema import artifacts, campaign_events, drafts, errors, message_events, messages
from storage.search_counts import search_report
from storage.upserts import upsert

_LARGEST_GROUPS = 10


class ReportRows:
    """domain.ports.Reports on the database."""

    def __init__(self, database: Database, campaigns: CampaignRows) -> None:
        """`campaigns` reads the campaign's own row."""
        self._database = database
        self._campaigns = campaigns

    async def read(self, campaign_id: str) -> CampaignReport:
        """See domain.ports.Reports."""
        campaign = await self._campaigns.get(campaign_id)
        async with self._database.read() as connection:
            states = await count_messages(connection, campaign_id)
            confirmations, resolved, twice = await _confirmations(connection, campaign_id)
            return CampaignReport(
                campaign_id=campaign_id,
                name=campaign.spec.name,
                status=campaign.status,
                dry_run=campaign.dry_run,
                as_of=datetime.now(UTC),
                started_at=campaign.started_at,
                finished_at=campaign.finished_at,
                lead_total=campaign.numbered,
                leads=await count_leads(connection, campaign_id),
                message_total=sum(states.model_dump().values()),
                messages=states,
                message_reasons=await _reasons(connection, campaign_id),
                confirmations=confirmations,
                resolved_sent=resolved,
                twice=twice,
                resent_doubts=await _resent(connection, campaign_id),
                relay_deferrals=await _deferrals(connection, campaign_id),
                deferred_delivered=await _delivered_later(connection, campaign_id),
                outcomes=await count_outcomes(connection, campaign_id),
                by_mailbox=await _groups(connection, campaign_id, messages.c.mailbox),
                by_receiver=await _groups(connection, campaign_id, messages.c.receiver),
                rejected_rows=await _rejected(connection, campaign_id),
                in_doubt=await doubtful_messages(connection, campaign_id),
                pauses=await count_pauses(connection, campaign_id),
                cancelled_by=await _cancelled_by(connection, campaign_id),
                reviewers=await _reviewers(connection, campaign_id),
                search=await search_report(connection, campaign_id) if campaign.searches else None,
            )

    async def keep(self, report: CampaignReport) -> None:
        """See domain.ports.Reports."""
        contents = {"report.md": report.as_markdown(), "report.json": report.model_dump_json(indent=2)}
        rows = [
            {
                "campaign_id": report.campaign_id,
                "kind": kind,
                "content": text.encode(),
                "size": len(text.encode()),
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
                "created_at": report.as_of,
            }
            for kind, text in contents.items()
        ]
        async with self._database.write(report.campaign_id) as connection:
            change = upsert(connection, artifacts)
            changed = {name: change.excluded[name] for name in ("content", "size", "sha256", "created_at")}
            await connection.execute(
                change.on_conflict_do_update(index_elements=["campaign_id", "kind"], set_=changed), rows
            )

    async def artifact(self, campaign_id: str, kind: str) -> bytes:
        """A stored artifact, such as `report.md`; raises NotFound."""
        query = select(artifacts.c.content).where(artifacts.c.campaign_id == campaign_id, artifacts.c.kind == kind)
        async with self._database.read() as connection:
            content: bytes | None = await connection.scalar(query)
        if content is None:
            raise NotFound(f"{campaign_id} has no {kind} yet", hint=f"outrider show {campaign_id}")
        return content


async def _confirmations(connection: AsyncConnection, campaign_id: str) -> tuple[int, int, int]:
    """Confirmations in the audit trail: from the relay, by a person; and how many messages have more than one."""
    by_person = message_events.c.cause == "resolved_sent"
    per_message = (
        select(func.count().label("times"), func.count(case((by_person, 1))).label("resolved"))
        .where(message_events.c.campaign_id == campaign_id, message_events.c.state == MessageState.SENT)
        .group_by(message_events.c.number, message_events.c.step)
        .subquery()
    )
    twice = func.count(case((per_message.c.times > 1, 1)))
    times, resolved = (func.coalesce(func.sum(column), 0) for column in (per_message.c.times, per_message.c.resolved))
    row = (await connection.execute(select(times - resolved, resolved, twice))).one()
    return int(row[0]), int(row[1]), row[2]  # PostgreSQL sums up in decimals


async def _cancelled_by(connection: AsyncConnection, campaign_id: str) -> str:
    query = (
        select(campaign_events.c.by)
        .where(campaign_events.c.campaign_id == campaign_id, campaign_events.c.kind == ChangeKind.CANCELLED)
        .order_by(campaign_events.c.at)
        .limit(1)
    )
    return await connection.scalar(query) or ""


async def _reviewers(connection: AsyncConnection, campaign_id: str) -> list[ReviewerRow]:
    """Who decided on drafts; who decided most comes first."""
    query = (
        select(
            drafts.c.decided_by,
            func.count(case((drafts.c.decision == Decision.APPROVED, 1))),
            func.count(case((drafts.c.decision == Decision.REJECTED, 1))),
        )
        .where(drafts.c.campaign_id == campaign_id, drafts.c.decision.is_not(None))
        .group_by(drafts.c.decided_by)
        .order_by(func.count().desc(), drafts.c.decided_by)
    )
    rows = await connection.execute(query)
    return [ReviewerRow(name=name or "", approved=approved, rejected=rejected) for name, approved, rejected in rows]


async def _reasons(connection: AsyncConnection, campaign_id: str) -> dict[str, int]:
    query = (
        select(messages.c.state, messages.c.reason, func.count())
        .where(messages.c.campaign_id == campaign_id, messages.c.reason != "")
        .group_by(messages.c.state, messages.c.reason)
        .order_by(func.count().desc())
    )
    return {f"{state}:{reason}": count for state, reason, count in await connection.execute(query)}


async def _resent(connection: AsyncConnection, campaign_id: str) -> int:
    query = select(func.count()).where(
        message_events.c.campaign_id == campaign_id, message_events.c.cause == "resent_in_doubt"
    )
    return await connection.scalar(query) or 0


async def _deferrals(connection: AsyncConnection, campaign_id: str) -> int:
    lost = and_(message_events.c.state == MessageState.SCHEDULED, message_events.c.cause == "connection_lost")
    query = select(func.count()).where(
        message_events.c.campaign_id == campaign_id, or_(message_events.c.state == MessageState.DEFERRED, lost)
    )
    return await connection.scalar(query) or 0


async def _delivered_later(connection: AsyncConnection, campaign_id: str) -> int:
    query = select(func.count()).where(
        messages.c.campaign_id == campaign_id, messages.c.state == MessageState.SENT, messages.c.attempts > 1
    )
    return await connection.scalar(query) or 0


async def _groups(connection: AsyncConnection, campaign_id: str, column: ColumnElement[str]) -> list[GroupRow]:
    """The largest groups; what is left over stands in one row, so the rows add up."""

    def counted(state: MessageState) -> ColumnElement[int]:
        return func.count(case((messages.c.state == state, 1)))

    query = (
        select(column, counted(MessageState.SENT), counted(MessageState.FAILED), counted(MessageState.DEFERRED))
        .where(messages.c.campaign_id == campaign_id)
        .group_by(column)
        .order_by(func.count().desc(), column)
    )
    rows = [
        GroupRow(name=name, sent=sent, failed=failed, deferred=deferred)
        for name, sent, failed, deferred in await connection.execute(query)
    ]
    shown, rest = rows[:_LARGEST_GROUPS], rows[_LARGEST_GROUPS:]
    if rest:
        shown.append(
            GroupRow(
                name=f"{len(rest)} others",
                sent=sum(row.sent for row in rest),
                failed=sum(row.failed for row in rest),
                deferred=sum(row.deferred for row in rest),
            )
        )
    return shown


async def _rejected(connection: AsyncConnection, campaign_id: str) -> list[RejectedRow]:
    query = (
        select(errors.c.line, errors.c.message)
        .where(errors.c.campaign_id == campaign_id, errors.c.kind == "rejected_row")
        .order_by(errors.c.line)
    )
    return [RejectedRow(line=line, reason=reason) for line, reason in await connection.execute(query)]
