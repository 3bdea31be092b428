"""How drafts stand with their reviewers, read from the rows."""

import json
from collections import Counter
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.campaign import Review
from domain.errors import NotFound
from domain.message import MessageState
from domain.ports import ReviewLook
from domain.review import Decision, StoredDraft, sample
from domain.sourcing import SliceState
from storage.schema import campaigns, drafts, leads, messages, slices

_UNDECIDED = "undecided"
_DECIDED = ("done", "rejected")

_MESSAGE = and_(
    messages.c.campaign_id == drafts.c.campaign_id,
    messages.c.number == drafts.c.number,
    messages.c.step == drafts.c.step,
)
SCHEDULED = exists().where(_MESSAGE, messages.c.state == MessageState.SCHEDULED)
WAITS = and_(drafts.c.decision.is_(None), SCHEDULED)
_OUTCOME = case(
    (leads.c.ended.is_not(None), leads.c.ended),
    (drafts.c.decision == Decision.APPROVED, "done"),
    (drafts.c.decision == Decision.REJECTED, "rejected"),
    (messages.c.state == MessageState.SKIPPED, "skipped"),
    else_=_UNDECIDED,
)


class Sample(NamedTuple):
    """A sample that was drawn."""

    numbers: frozenset[int]
    waiting: int
    rejected: int

    @property
    def approved(self) -> bool:
        """Whether all of it is."""
        return not self.waiting and not self.rejected


async def review_of(connection: AsyncConnection, campaign_id: str) -> Review:
    """What the campaign's spec says about its review; raises NotFound."""
    spec = await connection.scalar(select(campaigns.c.spec).where(campaigns.c.campaign_id == campaign_id))
    if spec is None:
        raise NotFound(f"no campaign {campaign_id}", hint="outrider list")
    return Review.model_validate(json.loads(spec)["review"])


async def drawn_sample(connection: AsyncConnection, campaign_id: str, review: Review) -> Sample | None:
    """The sample among the drafts that could be sent, None while somebody is searched for or undrafted."""
    missing = (
        select(leads.c.number)
        .outerjoin(drafts, and_(drafts.c.campaign_id == leads.c.campaign_id, drafts.c.number == leads.c.number))
        .where(leads.c.campaign_id == campaign_id, leads.c.ended.is_(None), drafts.c.number.is_(None))
    )
    searched = select(slices.c.number).where(slices.c.campaign_id == campaign_id, slices.c.state == SliceState.OPEN)
    if await connection.scalar(missing.union_all(searched).limit(1)) is not None:
        return None
    sendable = (
        select(drafts.c.number, drafts.c.decision)
        .join(messages, _MESSAGE)
        .where(drafts.c.campaign_id == campaign_id)
        .where(or_(drafts.c.decision.is_not(None), messages.c.state != MessageState.SKIPPED))
    )
    decisions: dict[int, str | None] = dict((await connection.execute(sendable)).all())
    numbers = sample(decisions, review.size or 0, review.seed)
    drawn = Counter(decisions[number] for number in numbers)
    return Sample(numbers, waiting=drawn[None], rejected=drawn[Decision.REJECTED])


async def look_at(connection: AsyncConnection, campaign_id: str, first: int, last: int) -> ReviewLook:
    """How a window stands, without a word about samples."""
    rows = (await connection.execute(outcomes(campaign_id, first, last))).all()
    runs = [list(run) for _, run in groupby(rows, key=lambda row: row[1] in _DECIDED)]
    waits = [run for run in runs if any(outcome == _UNDECIDED for _, outcome in run)]
    undecided = [(run[0][0], run[-1][0]) for run in waits]
    since = None
    if undecided:
        waiting = select(func.min(drafts.c.created_at)).where(drafts.c.campaign_id == campaign_id, WAITS)
        since = await connection.scalar(waiting)
    counts = Counter(outcome for run in runs if run not in waits for _, outcome in run)
    open_ = sum(outcome == _UNDECIDED for run in waits for _, outcome in run)
    return ReviewLook(counts=dict(counts), undecided=undecided, open=open_, waiting_since=since)


def outcomes(campaign_id: str, first: int, last: int) -> Select[Any]:
    """(number, outcome) of every lead of the window, by number."""
    return (
        select(leads.c.number, _OUTCOME)
        .outerjoin(drafts, and_(drafts.c.campaign_id == leads.c.campaign_id, drafts.c.number == leads.c.number))
        .outerjoin(messages, _MESSAGE)
        .where(leads.c.campaign_id == campaign_id, leads.c.number.between(first, last))
        .order_by(leads.c.number)
    )


def stored_drafts(campaign_id: str) -> Select[Any]:
    """The fields of StoredDraft for every draft of the campaign."""
    recipient = and_(leads.c.campaign_id == drafts.c.campaign_id, leads.c.number == drafts.c.number)
    return (
        select(drafts, drafts.c.number.label("lead_number"), leads.c.email.label("recipient"), messages.c.state)
        .join(leads, recipient)
        .outerjoin(messages, _MESSAGE)
        .where(drafts.c.campaign_id == campaign_id)
    )


async def stored_draft(connection: AsyncConnection, campaign_id: str, number: int, step: int) -> StoredDraft:
    """One draft as it is now; raises NotFound."""
    query = stored_drafts(campaign_id).where(drafts.c.number == number, drafts.c.step == step)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFound(f"lead {number} has no draft of step {step}", hint=f"outrider drafts {campaign_id}")
    return StoredDraft.model_validate(dict(row))
