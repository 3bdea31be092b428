"""Who of a campaign's people is among the best: of each shared address the best of its people, then the best of all."""

import json
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, bindparam, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.fit import score_of
from domain.lead import LeadState
from storage.schema import drafts, leads

SAME_ADDRESS = "same_address"

_REACHABLE = leads.c.fit.is_not(None)
_SECOND = and_(~_REACHABLE, leads.c.ended == LeadState.SKIPPED, leads.c.reason == SAME_ADDRESS)
_MOVE = (
    update(leads)
    .where(leads.c.campaign_id == bindparam("c"), leads.c.number == bindparam("n"))
    .values(fit=bindparam("score"), ended=bindparam("state"), reason=bindparam("why"))
)


class _Person(NamedTuple):
    number: int
    score: float
    holds_place: bool
    open: bool


async def settle_shared_addresses(connection: AsyncConnection, campaign_id: str) -> None:
    """Give the place of each shared address to whoever of its people has the highest score, or the lowest number.

    As many can be written to as before, and none twice. Once somebody has a draft, every place stays where it is.
    """
    drafted = select(drafts.c.number).where(drafts.c.campaign_id == campaign_id).limit(1)
    if await connection.scalar(drafted) is not None:
        return
    moves: list[dict[str, Any]] = []
    for _, rows in groupby(await _sharing(connection, campaign_id), key=lambda row: str(row.address_identity)):
        people = [_person(row) for row in rows]
        holder = next((one for one in people if one.holds_place), None)
        best = min(people, key=lambda one: (-one.score, one.number))
        if holder is not None and holder.open and best is not holder:
            second = {"score": None, "state": LeadState.SKIPPED, "why": SAME_ADDRESS}
            moves.append({"c": campaign_id, "n": holder.number, **second})
            moves.append({"c": campaign_id, "n": best.number, "score": best.score, "state": None, "why": None})
    if moves:
        await connection.execute(_MOVE, moves)


async def end_all_but(connection: AsyncConnection, campaign_id: str, top: int) -> int:
    """End whoever is not among the best; returns how many. Whoever has a draft stays."""
    ranked = (
        select(leads.c.number)
        .where(leads.c.campaign_id == campaign_id, _REACHABLE)
        .order_by(leads.c.fit.desc(), leads.c.number)
        .offset(top)
    )
    drafted = exists().where(drafts.c.campaign_id == leads.c.campaign_id, drafts.c.number == leads.c.number)
    change = (
        update(leads)
        .where(leads.c.campaign_id == campaign_id, leads.c.number.in_(ranked), leads.c.ended.is_(None), ~drafted)
        .values(ended=LeadState.SKIPPED, reason="not_among_top")
    )
    return (await connection.execute(change)).rowcount


async def _sharing(connection: AsyncConnection, campaign_id: str) -> list[Row[Any]]:
    """Everybody with an address that somebody ended for, by address."""
    shared = select(leads.c.address_identity).where(leads.c.campaign_id == campaign_id, _SECOND)
    query = (
        select(leads.c.number, leads.c.address_identity, leads.c.fit, leads.c.fit_reasons, leads.c.ended)
        .where(leads.c.campaign_id == campaign_id, leads.c.address_identity.in_(shared))
        .where(or_(_REACHABLE, _SECOND), leads.c.fit_reasons.is_not(None))
        .order_by(leads.c.address_identity)
    )
    return list(await connection.execute(query))


def _person(row: Row[Any]) -> _Person:
    return _Person(row.number, score_of(json.loads(row.fit_reasons)), row.fit is not None, row.ended is None)
