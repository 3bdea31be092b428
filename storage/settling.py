"""What a person settles: doubts that nobody else can decide, and failures that deserve another try."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, exists, func, insert, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.campaign import Stage
from domain.errors import InputError, NotFound
from domain.lead import LeadState
from domain.message import MessageState
from domain.progress import DoubtfulMessage
from domain.wire import ChangeKind, Control
from storage.database import Database
from storage.ledger_statements import FORGET_CONTACT
from storage.progress import doubtful_messages
from storage.schema import campaign_events, campaigns, leads, message_events, messages, suppressions
from telemetry.tracing import current_ids

RETRIABLE = (Stage.PERSONALIZATION, Stage.SENDING)
"""Stages in which single leads or messages can fail."""

_NEW_TRY: dict[str, Any] = {"token": None, "next_at": None, "first_attempt_at": None, "settled_at": None}
"""Attempts are counted on; how long a message is tried for begins anew."""


class Retried(NamedTuple):
    """What is open again, and what stays failed because nobody may write to that address any more."""

    leads: int
    messages: int
    suppressed: int


class SettlingRows:
    """A person's decisions on messages and leads that have ended badly."""

    def __init__(self, database: Database) -> None:
        """Reads and writes in transactions of its own; every change is a compare-and-set."""
        self._database = database

    async def retry_failed(self, campaign_id: str, stage: Stage | None, by: str) -> Retried:
        """Open again what failed in `stage`, None = in any. What is in doubt stays: it may have arrived.

        Raises InputError for a stage in which nothing of its own can fail, and for a campaign that is cancelled.
        """
        if stage is not None and stage not in RETRIABLE:
            raise InputError(
                f"stage: nothing fails by itself in {stage}",
                hint=f"--stage {' or --stage '.join(RETRIABLE)}, or leave it out for both",
            )
        now = datetime.now(UTC)
        open_leads, scheduled, suppressed = 0, 0, 0
        async with self._database.write(campaign_id) as connection:
            if await _control(connection, campaign_id) is Control.END:
                raise InputError(f"campaign {campaign_id} is cancelled: nothing of it is sent any more")
            if stage in (None, Stage.PERSONALIZATION):
                open_leads = await _open_leads(connection, campaign_id)
            if stage in (None, Stage.SENDING):
                scheduled, suppressed = await _schedule_failed(connection, campaign_id, now)
            if open_leads or scheduled:
                note = {"kind": ChangeKind.RETRIED, "by": by, "reason": stage or "", "number": 0, "step": 0}
                await connection.execute(insert(campaign_events).values(campaign_id=campaign_id, at=now, **note))
        return Retried(open_leads, scheduled, suppressed)

    async def doubtful(self, campaign_id: str) -> list[DoubtfulMessage]:
        """The messages of which nobody can know, by lead number."""
        async with self._database.read() as connection:
            return await doubtful_messages(connection, campaign_id)

    async def resolve(  # noqa: PLR0913 one decision: which message, what became of it, who says so and why
        self, campaign_id: str, number: int, step: int, *, sent: bool, by: str, reason: str
    ) -> MessageState:
        """Settle a doubt; returns the message's state now. Raises InputError when it is not in doubt (any more).

        Sent: it counts as sent from when it began. Not sent: it is scheduled again, or, in a cancelled campaign,
        skipped; the person counts as contacted no longer.
        """
        now = datetime.now(UTC)
        key: dict[str, Any] = {"campaign_id": campaign_id, "number": number, "step": step}
        async with self._database.write(campaign_id) as connection:
            ended = await _control(connection, campaign_id) is Control.END
            state, values = _resolved(sent=sent, ended=ended, now=now)
            changed = await connection.execute(
                update(messages)
                .where(*(messages.c[name] == value for name, value in key.items()))
                .where(messages.c.state == MessageState.IN_DOUBT)
                .values(state=state, **values)
            )
            if changed.rowcount == 0:
                raise await _refusal(connection, key)
            if not sent:
                await connection.execute(text(FORGET_CONTACT), key)
            cause = "resolved_sent" if sent else "resolved_not_sent"
            event = {"at": now, "state": state, "cause": cause, **current_ids()._asdict()}
            await connection.execute(insert(message_events).values(**key, **event))
            note = {"kind": ChangeKind.RESOLVED, "by": by, "reason": reason}
            await connection.execute(insert(campaign_events).values(**key, at=now, **note))
        return state


def _resolved(*, sent: bool, ended: bool, now: datetime) -> tuple[MessageState, dict[str, Any]]:
    """What a doubt becomes; `ended` = the campaign was cancelled."""
    if sent:
        moment = func.coalesce(messages.c.began_at, literal(now, messages.c.began_at.type))
        return MessageState.SENT, {"reason": "", "sent_at": moment, "settled_at": moment}
    if ended:
        return MessageState.SKIPPED, {**_NEW_TRY, "reason": "cancelled"}
    return MessageState.SCHEDULED, {**_NEW_TRY, "reason": ""}


async def _control(connection: AsyncConnection, campaign_id: str) -> Control:
    found = await connection.scalar(select(campaigns.c.control).where(campaigns.c.campaign_id == campaign_id))
    if found is None:
        raise NotFound(f"no campaign {campaign_id}", hint="outrider list")
    return Control(found)


async def _open_leads(connection: AsyncConnection, campaign_id: str) -> int:
    change = update(leads).where(leads.c.campaign_id == campaign_id, leads.c.ended == LeadState.FAILED)
    return (await connection.execute(change.values(ended=None, reason=None))).rowcount


async def _schedule_failed(connection: AsyncConnection, campaign_id: str, now: datetime) -> tuple[int, int]:
    """How many are scheduled again, and how many are not because their addresses are suppressed."""
    failed = and_(messages.c.campaign_id == campaign_id, messages.c.state == MessageState.FAILED)
    barred = exists().where(suppressions.c.identity.in_([messages.c.address_identity, messages.c.domain_identity]))
    suppressed = await connection.scalar(select(func.count()).select_from(messages).where(failed, barred))
    changed = await connection.execute(
        update(messages)
        .where(failed, ~barred)
        .values(**_NEW_TRY, state=MessageState.SCHEDULED, reason="")
        .returning(messages.c.number, messages.c.step)
    )
    rows = changed.all()
    await _record(connection, rows, campaign_id=campaign_id, at=now, state=MessageState.SCHEDULED, cause="retried")
    return len(rows), suppressed or 0


async def _refusal(connection: AsyncConnection, key: Mapping[str, Any]) -> InputError:
    """Why a message cannot be settled."""
    campaign_id, number, step = key.values()
    state = await connection.scalar(
        select(messages.c.state).where(*(messages.c[name] == value for name, value in key.items()))
    )
    if state is None:
        return NotFound(
            f"{campaign_id} has no message for lead {number}, step {step}", hint=f"outrider show {campaign_id}"
        )
    return InputError(
        f"lead {number}, step {step} is {state}, not in_doubt: nothing to settle",
        hint=f"outrider show {campaign_id} --lead {number}",
    )


async def _record(connection: AsyncConnection, changed: Sequence[Row[Any]], **transition: object) -> None:
    """One row of the audit trail for each message that changed; `transition` is what they have in common."""
    if changed:
        ids = current_ids()._asdict()
        rows = [{"number": row.number, "step": row.step, **transition, **ids} for row in changed]
        await connection.execute(insert(message_events), rows)
