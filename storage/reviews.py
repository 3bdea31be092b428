"""People's decisions on drafts: every change is a compare-and-set on the text that the person saw."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.campaign import ReviewMode
from domain.errors import InputError
from domain.message import MessageState
from domain.ports import ReviewLook
from domain.review import PERSON, SAMPLE, Decided, Decision, Edited, ReviewQueue, StoredDraft
from domain.wire import ChangeKind
from storage.database import Database
from storage.ledger_statements import FORGET_CONTACT
from storage.review_queries import (
    SCHEDULED,
    WAITS,
    drawn_sample,
    look_at,
    outcomes,
    review_of,
    stored_draft,
    stored_drafts,
)
from storage.schema import campaign_events, drafts, message_events, messages
from storage.upserts import upsert
from telemetry.tracing import current_ids

_STANDS = {
    None: "will not be sent: the same person has another number",
    MessageState.CLAIMED: "is being sent",
    MessageState.TRANSMITTING: "is being sent",
    MessageState.SENT: "was sent already",
    MessageState.DEFERRED: "was handed to the relay already, which put it off",
    MessageState.FAILED: "was refused by the relay already",
    MessageState.IN_DOUBT: "may have been sent already",
}


class ReviewRows:
    """domain.ports.Reviews on the database, and what people at a keyboard need of drafts."""

    def __init__(self, database: Database) -> None:
        """Decisions are columns of the drafts."""
        self._database = database

    async def approve(self, campaign_id: str, spans: Sequence[tuple[int, int]] | None, by: str) -> int:
        """See domain.ports.Reviews."""
        async with self._database.write(campaign_id) as connection:
            return await _approve(connection, campaign_id, spans, by)

    async def look(self, campaign_id: str, first: int, last: int) -> ReviewLook:
        """See domain.ports.Reviews. An edited text is approved by people only, never with its sample."""
        async with self._database.read() as connection:
            review = await review_of(connection, campaign_id)
            found = await look_at(connection, campaign_id, first, last)
        if review.mode is not ReviewMode.SAMPLE or not found.undecided:
            return found
        async with self._database.write(campaign_id) as connection:
            drawn = await drawn_sample(connection, campaign_id, review)
            if drawn is not None and drawn.approved:
                await _approve(connection, campaign_id, [(first, last)], SAMPLE, drafts.c.author != PERSON)
            found = await look_at(connection, campaign_id, first, last)
        return found.model_copy(update={"sample_rejected": drawn.rejected if drawn and not drawn.waiting else 0})

    async def remind(self, campaign_id: str, deadline: datetime) -> bool:
        """See domain.ports.Reviews. Drafts that were waiting at the last reminder are not reminded of again."""
        async with self._database.write(campaign_id) as connection:
            waiting_since = deadline - (await review_of(connection, campaign_id)).deadline
            noted = select(campaign_events.c.event_id).where(
                campaign_events.c.campaign_id == campaign_id,
                campaign_events.c.kind == ChangeKind.REMINDED,
                campaign_events.c.at >= waiting_since,
            )
            if await connection.scalar(noted.limit(1)) is not None:
                return False
            await _note(connection, campaign_id, ChangeKind.REMINDED)
        return True

    async def queue(self, campaign_id: str) -> ReviewQueue:
        """What waits for a person now; raises NotFound. Of a sampled campaign that is the sample and what was edited.

        Where a part of the sample was rejected, the others follow: a person may look at them or approve them unseen.
        """
        async with self._database.read() as connection:
            review = await review_of(connection, campaign_id)
            query = select(drafts.c.number, drafts.c.step, drafts.c.author).where(
                drafts.c.campaign_id == campaign_id, WAITS
            )
            rows = (await connection.execute(query.order_by(drafts.c.number, drafts.c.step))).all()
            if review.mode is not ReviewMode.SAMPLE:
                return ReviewQueue(waiting=[(row.number, row.step) for row in rows])
            drawn = await drawn_sample(connection, campaign_id, review)
        if drawn is not None and drawn.rejected and not drawn.waiting:
            return ReviewQueue(waiting=[(row.number, row.step) for row in rows], sample_rejected=drawn.rejected)
        seen = drawn.numbers if drawn else frozenset()
        waiting = [(row.number, row.step) for row in rows if row.number in seen or row.author == PERSON]
        return ReviewQueue(waiting=waiting, others=len(rows) - len(waiting), drawn=drawn is not None)

    async def drafts(
        self, campaign_id: str, *, number: int | None = None, limit: int | None = None
    ) -> list[StoredDraft]:
        """The first drafts, or those of one lead, by number."""
        query = stored_drafts(campaign_id).order_by(drafts.c.number, drafts.c.step).limit(limit)
        if number is not None:
            query = query.where(drafts.c.number == number)
        async with self._database.read() as connection:
            return [StoredDraft.model_validate(dict(row)) for row in (await connection.execute(query)).mappings()]

    async def draft(self, campaign_id: str, number: int, step: int) -> StoredDraft:
        """One draft as it is now; raises NotFound."""
        async with self._database.read() as connection:
            return await stored_draft(connection, campaign_id, number, step)

    async def standing(self, campaign_id: str, spans: Sequence[tuple[int, int]]) -> dict[str, int]:
        """The leads of sorted spans by what was decided: done (approved), rejected, skipped, failed, undecided."""
        query = outcomes(campaign_id, spans[0][0], spans[-1][1])
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        asked = {number for first, last in spans for number in range(first, min(last, rows[-1][0]) + 1)} if rows else ()
        return dict(Counter(outcome for number, outcome in rows if number in asked))

    async def decide(self, campaign_id: str, decided: Decided) -> None:
        """Store a person's decision; raises InputError with one line when the draft cannot take it any more."""
        key = {"campaign_id": campaign_id, "number": decided.lead_number, "step": decided.step}
        async with self._database.write(campaign_id) as connection:
            change = (
                update(drafts)
                .where(_is(drafts, key), drafts.c.fingerprint == decided.seen, SCHEDULED)
                .where(_open_to(decided.decision))
                .values(decision=decided.decision, **_decided(decided.by), decision_reason=decided.reason or None)
            )
            if (await connection.execute(change)).rowcount == 0:
                now = await stored_draft(connection, campaign_id, decided.lead_number, decided.step)
                raise _why_not(now, decided.seen, decided.decision)
            if decided.decision is Decision.REJECTED:
                await _end(connection, key)

    async def edit(self, campaign_id: str, edited: Edited) -> None:
        """Put another text in a draft's place, and take its decision back; raises InputError as `decide` does.

        Where nobody reviews, the person who wrote the text has approved it.
        """
        draft = edited.draft
        key = {"campaign_id": campaign_id, "number": draft.number, "step": draft.step}
        values = {
            **draft.model_dump(include={"subject", "text", "html", "author", "version"}),
            "fingerprint": edited.fingerprint,
            **dict.fromkeys(("decision", "decided_at", "decided_by", "decision_reason")),
        }
        async with self._database.write(campaign_id) as connection:
            review = await review_of(connection, campaign_id)
            if edited.approved or review.mode is ReviewMode.NONE:
                values |= {"decision": Decision.APPROVED, **_decided(edited.by)}
            change = update(drafts).where(_is(drafts, key), drafts.c.fingerprint == edited.seen, SCHEDULED)
            if (await connection.execute(change.values(values))).rowcount == 0:
                now = await stored_draft(connection, campaign_id, draft.number, draft.step)
                raise _why_not(now, edited.seen, None)
            await _note(connection, campaign_id, ChangeKind.EDITED, by=edited.by, number=draft.number, step=draft.step)


async def _approve(
    connection: AsyncConnection,
    campaign_id: str,
    spans: Sequence[tuple[int, int]] | None,
    by: str,
    *further: ColumnElement[bool],
) -> int:
    change = (
        update(drafts)
        .where(drafts.c.campaign_id == campaign_id, WAITS, *further)
        .values(decision=Decision.APPROVED, **_decided(by))
    )
    if spans is None:
        return (await connection.execute(change)).rowcount
    within = change.where(drafts.c.number.between(bindparam("first"), bindparam("last")))
    approved = [await connection.execute(within, {"first": first, "last": last}) for first, last in spans]
    return sum(result.rowcount for result in approved)  # of many rows at once some drivers cannot tell the count


async def _end(connection: AsyncConnection, key: dict[str, Any]) -> None:
    """End the message of a rejected draft. Whoever reserved the person for it gives the reservation back."""
    ended = {"state": MessageState.SKIPPED, "reason": "rejected", "next_at": None}
    await connection.execute(update(messages).where(_is(messages, key)).values(ended))
    event = {**key, "at": datetime.now(UTC), "state": MessageState.SKIPPED, "cause": "rejected"}
    await connection.execute(insert(message_events).values({**event, **current_ids()._asdict()}))
    await connection.execute(text(FORGET_CONTACT), key)


async def _note(  # noqa: PLR0913 a row's columns
    connection: AsyncConnection, campaign_id: str, kind: str, *, by: str = "", number: int = 0, step: int = 0
) -> None:
    row = {"campaign_id": campaign_id, "at": datetime.now(UTC), "kind": kind, "by": by, "reason": ""}
    change = upsert(connection, campaign_events).values(**row, number=number, step=step)
    await connection.execute(change.on_conflict_do_nothing())


def _is(table: Table, key: dict[str, Any]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in key.items()))


def _decided(by: str) -> dict[str, Any]:
    return {"decided_at": datetime.now(UTC), "decided_by": by}


def _open_to(decision: Decision) -> ColumnElement[bool]:
    """What a decision may follow: an approval nothing, a rejection also an approval."""
    undecided = drafts.c.decision.is_(None)
    return undecided if decision is Decision.APPROVED else or_(undecided, drafts.c.decision == Decision.APPROVED)


def _why_not(now: StoredDraft, seen: str, wanted: Decision | None) -> InputError:
    """Why a draft takes no decision and no other text."""
    look = f"outrider drafts {now.campaign_id} --lead {now.lead_number}"
    who = f"lead {now.lead_number}"
    if now.decision is Decision.REJECTED:
        return InputError(f"{who}: the draft was rejected by {now.decided_by} already", hint=look)
    if now.state is MessageState.SKIPPED:
        return InputError(
            f"{who}: its mail will not be sent", hint=f"outrider show {now.campaign_id} --lead {now.lead_number}"
        )
    if now.state is not MessageState.SCHEDULED:
        return InputError(f"{who}: its mail {_STANDS[now.state]}")
    if now.fingerprint != seen:
        return InputError(f"{who}: the draft was changed meanwhile; look at it again", hint=look)
    return InputError(f"{who}: the draft was {wanted} by {now.decided_by} already", hint=look)
