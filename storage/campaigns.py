"""Rows of campaigns, with the leads they begin with."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, case, func, insert, literal, select, update

from domain.campaign import CampaignSpec, CampaignStatus, Stage
from domain.errors import InputError, NotFound
from domain.lead import NewLead
from domain.ports import Campaign, Control, Waits
from domain.report import RejectedRow
from domain.wire import Hold
from storage.database import Database
from storage.keys import Keys
from storage.schema import campaigns, errors, leads

_ENDED = (CampaignStatus.COMPLETED, CampaignStatus.FAILED, CampaignStatus.CANCELLED)


class CampaignRows:
    """domain.ports.Campaigns on the database, and what the client does with campaigns."""

    def __init__(self, database: Database, keys: Keys) -> None:
        """`keys` makes the identities of the leads' addresses."""
        self._database = database
        self._keys = keys

    async def create(
        self, campaign_id: str, spec: CampaignSpec, people: Sequence[NewLead], rejected: Sequence[RejectedRow]
    ) -> None:
        """Store a queued campaign with all its leads, numbered 1..N, in one transaction: all of it or nothing."""
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
            "created_at": now,
        }
        async with self._database.write() as connection:
            taken = await connection.scalar(select(campaigns.c.name).where(campaigns.c.campaign_id == campaign_id))
            if taken is not None:
                raise InputError(f"campaign {campaign_id} exists already", hint=f"outrider show {campaign_id}")
            await connection.execute(insert(campaigns).values(row))
            if people:
                rows = [self._lead_row(campaign_id, number, lead, now) for number, lead in enumerate(people, start=1)]
                await connection.execute(insert(leads), rows)
            if rejected:
                await connection.execute(insert(errors), [_error_row(campaign_id, one, now) for one in rejected])

    async def get(self, campaign_id: str) -> Campaign:
        """See domain.ports.Campaigns."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(campaigns).where(campaigns.c.campaign_id == campaign_id))).first()
        if row is None:
            raise NotFound(f"no campaign {campaign_id}", hint="outrider list")
        return _campaign(row)

    async def all(self) -> list[Campaign]:
        """All campaigns, the newest first."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(campaigns).order_by(campaigns.c.created_at.desc()))
        return [_campaign(row) for row in rows]

    async def set_status(self, campaign_id: str, status: CampaignStatus, stage: Stage | None) -> None:
        """See domain.ports.Campaigns."""
        now = datetime.now(UTC)
        changes: dict[str, Any] = {"status": status, "stage": stage}
        if status is CampaignStatus.RUNNING:
            changes |= {"started_at": _first(campaigns.c.started_at, now), "finished_at": None}
        if status in _ENDED:
            changes |= {"finished_at": _first(campaigns.c.finished_at, now), **_waiting(None, None)}
        await self._update(campaign_id, changes)

    async def set_hold(self, campaign_id: str, stage: Stage, hold: Hold | None) -> None:
        """See domain.ports.Campaigns."""
        changes: dict[str, Any] = {"stage": stage, **_waiting(stage if hold else None, hold)}
        if hold:
            same = campaigns.c.waiting_reason == hold.reason
            since = campaigns.c.waiting_since
            changes["waiting_since"] = case((same, since), else_=literal(datetime.now(UTC), since.type))
        await self._update(campaign_id, changes)

    async def _update(self, campaign_id: str, changes: dict[str, Any]) -> None:
        async with self._database.write() as connection:
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


def _campaign(row: Row[Any]) -> Campaign:
    waiting = row.waiting_reason and Waits(
        stage=row.waiting_stage, reason=row.waiting_reason, since=row.waiting_since, until=row.waiting_until
    )
    return Campaign(
        campaign_id=row.campaign_id,
        spec=CampaignSpec.model_validate_json(row.spec),
        status=row.status,
        stage=row.stage,
        control=row.control,
        numbered=row.numbered,
        dry_run=row.dry_run,
        waits=waiting or None,
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
        "waiting_until": hold.until if hold else None,
        "waiting_since": None,
    }
