"""Rows of campaigns, with the leads they begin with."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, insert, literal, null, or_, select, update

from domain.campaign import CampaignSpec, CampaignStatus, Stage
from domain.errors import InputError, NotFound
from domain.lead import NewLead
from domain.message import MessageState
from domain.ports import Campaign, Waits
from domain.report import RejectedRow
from domain.stopping import Judged
from domain.wire import ChangeKind, Control, ControlChange, ControlTask, Hold
from storage.database import Database
from storage.keys import Keys
from storage.schema import campaign_events, campaigns, errors, leads, messages
from storage.statistics import renew_statistics
from storage.upserts import upsert

_ENDED = (CampaignStatus.COMPLETED, CampaignStatus.FAILED, CampaignStatus.CANCELLED)
_NOT_PAUSED = {"paused_at": None, "paused_by": None, "paused_reason": None}
_STEERING = (ChangeKind.PAUSED, ChangeKind.RESUMED, ChangeKind.CANCELLED)
_REFUSED_FOR_GOOD = 500
_SPECS = 64


class CampaignRows:
    """domain.ports.Campaigns on the database, and what the client does with campaigns."""

    def __init__(self, database: Database, keys: Keys) -> None:
        """`keys` makes the identities of the leads' addresses."""
        self._database = database
        self._keys = keys

    async def create(
        self,
        campaign_id: str,
        spec: CampaignSpec,
        people: Sequence[NewLead],
        rejected: Sequence[RejectedRow],
        priority: int = 3,
    ) -> None:
        """Store a queued campaign with all its leads, numbered 1..N, in one transaction: all of it or nothing.

        `priority`: 1 goes first, 5 last.
        """
        now = datetime.now(UTC)
        text = spec.model_dump_json()
        row = {
            "campaign_id": campaign_id,
            "name": spec.name,
            "owner": spec.owner,
            "spec": text,
            "spec_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "status": CampaignStatus.QUEUED,
            "control": Control.RUN,
            "dry_run": spec.dry_run,
            "numbered": len(people),
            "priority": priority,
            "created_at": now,
        }
        async with self._database.write(campaign_id) as connection:
            taken = await connection.scalar(select(campaigns.c.name).where(campaigns.c.campaign_id == campaign_id))
            if taken is not None:
                raise InputError(f"campaign {campaign_id} exists already", hint=f"outrider show {campaign_id}")
            await connection.execute(insert(campaigns).values(row))
            if people:
                rows = [self._lead_row(campaign_id, number, lead, now) for number, lead in enumerate(people, start=1)]
                await connection.execute(insert(leads), rows)
            if rejected:
                await connection.execute(insert(errors), [_error_row(campaign_id, one, now) for one in rejected])
        await renew_statistics(self._database, 0, len(people), leads)

    async def get(self, campaign_id: str) -> Campaign:
        """See domain.ports.Campaigns."""
        async with self._database.read(brief=True) as connection:
            row = (await connection.execute(select(campaigns).where(campaigns.c.campaign_id == campaign_id))).first()
        if row is None:
            raise NotFound(f"no campaign {campaign_id}", hint="outrider list")
        return _campaign(row)

    async def all(self) -> list[Campaign]:
        """All campaigns, the newest first."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(campaigns).order_by(campaigns.c.created_at.desc()))
        return [_campaign(row) for row in rows]

    async def take_up(self, campaign_id: str) -> Campaign:
        """See domain.ports.Campaigns."""
        searches = (await self.get(campaign_id)).searches
        runs = campaigns.c.control == Control.RUN
        opened = {
            "status": case((runs, CampaignStatus.RUNNING), else_=CampaignStatus.PAUSED),
            "stage": Stage.DISCOVERY if searches else Stage.PERSONALIZATION,
            "started_at": _first(campaigns.c.started_at, datetime.now(UTC)),
            "finished_at": None,
        }
        change = update(campaigns).where(campaigns.c.campaign_id == campaign_id, campaigns.c.control != Control.END)
        async with self._database.write(campaign_id) as connection:
            await connection.execute(change.values(opened))
        return await self.get(campaign_id)

    async def set_status(self, campaign_id: str, status: CampaignStatus, stage: Stage | None) -> None:
        """See domain.ports.Campaigns."""
        now = datetime.now(UTC)
        changes: dict[str, Any] = {"status": status, "stage": stage}
        if status in _ENDED:
            changes |= {"finished_at": _first(campaigns.c.finished_at, now), **_waiting(None, None)}
        await self._update(campaign_id, changes)

    async def set_hold(self, campaign_id: str, stage: Stage, hold: Hold | None) -> None:
        """See domain.ports.Campaigns. There is room for one wait: the latest; a stage ends only its own."""
        further = [later for later in Stage if list(Stage).index(later) > list(Stage).index(stage)]
        if hold is None and await self._goes_on(campaign_id, stage, further):
            return
        changes: dict[str, Any] = {"stage": case((campaigns.c.stage.in_(further), campaigns.c.stage), else_=stage)}
        if hold is None:
            changes |= {
                name: case((campaigns.c.waiting_stage == stage, null()), else_=campaigns.c[name])
                for name in _waiting(None, None)
            }
        else:
            same = and_(campaigns.c.waiting_reason == hold.reason, campaigns.c.waiting_stage == stage)
            since = campaigns.c.waiting_since
            changes |= _waiting(stage, hold)
            changes["waiting_since"] = case((same, since), else_=literal(datetime.now(UTC), since.type))
        await self._update(campaign_id, changes)

    async def _goes_on(self, campaign_id: str, stage: Stage, further: Sequence[Stage]) -> bool:
        """Whether the row says already that this stage, or a further one, works: most windows need not write."""
        query = select(campaigns.c.stage, campaigns.c.waiting_stage).where(campaigns.c.campaign_id == campaign_id)
        async with self._database.read(brief=True) as connection:
            row = (await connection.execute(query)).first()
        return row is not None and row.waiting_stage != stage and row.stage in (stage, *further)

    async def write_control(self, task: ControlTask, status: CampaignStatus | None) -> None:
        """See domain.ports.Campaigns. An attempt that comes late does not undo what was wanted after it."""
        wanted: dict[str, Any] = {"control": task.control}
        if status is not None:  # one that is over stays so, whatever was wanted meanwhile
            over = campaigns.c.finished_at.is_not(None)
            wanted["status"] = case((over, campaigns.c.status), else_=status)
        paused, resumed = _last(task.changes, ChangeKind.PAUSED), _last(task.changes, ChangeKind.RESUMED)
        if task.control is not Control.HOLD:
            wanted |= _NOT_PAUSED
        elif paused is not None:
            wanted |= {"paused_at": paused.at, "paused_by": paused.by, "paused_reason": paused.reason}
        if resumed is not None:
            wanted["judged_since"] = resumed.at
        change = update(campaigns).where(campaigns.c.campaign_id == task.campaign_id).values(wanted)
        wanted_at = max([one.at for one in task.changes] + ([task.at] if task.at else []), default=None)
        if wanted_at is not None:
            change = change.where(~exists().where(_steered_after(task.campaign_id, wanted_at)))
        async with self._database.write(task.campaign_id) as connection:
            await connection.execute(change)
            if task.changes:
                rows = [_event_row(task.campaign_id, one) for one in task.changes]
                await connection.execute(upsert(connection, campaign_events).on_conflict_do_nothing(), rows)

    async def judged(self, campaign_id: str, newest: int) -> Judged:
        """See domain.ports.Campaigns."""
        async with self._database.read() as connection:
            row = (await connection.execute(judgement(campaign_id, newest))).one()
        return Judged(mails=row.mails, bounces=row.bounces, complaints=row.complaints)

    async def _update(self, campaign_id: str, changes: dict[str, Any]) -> None:
        async with self._database.write(campaign_id) as connection:
            await connection.execute(update(campaigns).where(campaigns.c.campaign_id == campaign_id).values(changes))

    def _lead_row(self, campaign_id: str, number: int, lead: NewLead, now: datetime) -> dict[str, Any]:
        return {
            "campaign_id": campaign_id,
            "number": number,
            **lead.model_dump(exclude={"extra"}),
            "extra": json.dumps(lead.extra, ensure_ascii=False),
            "address_identity": self._keys.address_identity(lead.email),
            "domain_identity": self._keys.domain_identity(lead.email),
            "opt_out_token": self._keys.opt_out_token(campaign_id, number),
            "created_at": now,
        }


def _error_row(campaign_id: str, rejected: RejectedRow, now: datetime) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        "at": now,
        "stage": Stage.DISCOVERY,
        "kind": "rejected_row",
        "line": rejected.line,
        "message": rejected.reason,
    }


def judgement(campaign_id: str, newest: int) -> Select[int, int, int]:
    """Mails, bounces and complaints among the newest so many; walks the index of what is settled, and no further."""
    since = select(func.coalesce(campaigns.c.judged_since, 0)).where(campaigns.c.campaign_id == campaign_id)
    mails = (
        select(messages.c.state, messages.c.outcome)
        .where(messages.c.campaign_id == campaign_id, messages.c.settled_at > since.scalar_subquery())
        .where(or_(messages.c.state == MessageState.SENT, messages.c.reply_code >= _REFUSED_FOR_GOOD))
        .order_by(messages.c.settled_at.desc())
        .limit(newest)
        .subquery()
    )
    bounced = or_(mails.c.state == MessageState.FAILED, mails.c.outcome == "bounced")
    return select(
        func.count().label("mails"),
        func.count(case((bounced, 1))).label("bounces"),
        func.count(case((mails.c.outcome == "complained", 1))).label("complaints"),
    ).select_from(mails)


def _steered_after(campaign_id: str, at: datetime) -> ColumnElement[bool]:
    """Somebody's pause, resumption or cancellation after that has been written down."""
    return and_(
        campaign_events.c.campaign_id == campaign_id,
        campaign_events.c.kind.in_(_STEERING),
        campaign_events.c.at > at,
    )


def _last(changes: Sequence[ControlChange], kind: ChangeKind) -> ControlChange | None:
    return next((one for one in reversed(changes) if one.kind is kind), None)


def _event_row(campaign_id: str, change: ControlChange) -> dict[str, Any]:
    values = change.model_dump(include={"kind", "at", "by", "reason"})
    return {"campaign_id": campaign_id, **values, "number": 0, "step": 0}


@lru_cache(maxsize=_SPECS)
def _spec(text: str) -> CampaignSpec:
    """A stored spec: every window of a campaign asks for it."""
    return CampaignSpec.model_validate_json(text)


def _campaign(row: Row[Any]) -> Campaign:
    waiting = row.waiting_reason and Waits(
        stage=row.waiting_stage, reason=row.waiting_reason, since=row.waiting_since, until=row.waiting_until
    )
    return Campaign(
        campaign_id=row.campaign_id,
        spec=_spec(row.spec),
        status=row.status,
        stage=row.stage,
        control=row.control,
        numbered=row.numbered,
        dry_run=row.dry_run,
        waits=waiting or None,
        priority=row.priority,
        paused_since=row.paused_at,
        paused_by=row.paused_by or "",
        paused_reason=row.paused_reason or "",
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _first(column: ColumnElement[Any], now: datetime) -> ColumnElement[Any]:
    """The value that was written first stays."""
    return func.coalesce(column, literal(now, column.type))


def _waiting(stage: Stage | None, hold: Hold | None) -> dict[str, Any]:
    return {
        "waiting_stage": stage,
        "waiting_reason": hold.reason if hold else None,
        "waiting_until": (hold.deadline or hold.until) if hold else None,
        "waiting_since": None,
    }
