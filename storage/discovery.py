"""Rows of what discovery saw: slices, pages, repositories, and the leads that were on them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Update, and_, bindparam, case, func, insert, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.source_ports import Seen, Slice, SliceCounts
from domain.sourcing import Contribution, PassedOver, SliceState, SourcePage
from storage.database import Database
from storage.keys import Keys
from storage.schema import campaigns, contributions, leads, onlookers, pages, repositories, slices
from storage.search_counts import count_seen
from storage.sightings import SOURCE_PREFIX, facts_of, hold_campaign, known, places_left, sorted_out, store_facts
from storage.statistics import renew_statistics

_FILLED = (leads, onlookers, repositories, contributions)
_MOST_PAGES = 1_000
"""Of one slice: no search shows more results, and a page has one at least."""


class DiscoveryRows:
    """domain.source_ports.Discoveries on the database."""

    def __init__(self, database: Database, keys: Keys) -> None:
        """`keys` makes the opt-out tokens of new leads."""
        self._database = database
        self._keys = keys

    async def cut(self, campaign_id: str, slices_: Sequence[str]) -> int:
        """See domain.source_ports.Discoveries."""
        async with self._database.write(campaign_id) as connection:
            await hold_campaign(connection, campaign_id)
            highest = await _highest_slice(connection, campaign_id)
            return highest or await _add_slices(connection, campaign_id, highest, slices_)

    async def open_slices(self, campaign_id: str, first: int, last: int) -> list[Slice]:
        """See domain.source_ports.Discoveries."""
        query = (
            select(slices.c.number, slices.c.query, slices.c.cursor)
            .where(slices.c.campaign_id == campaign_id, slices.c.number.between(first, last))
            .where(slices.c.state == SliceState.OPEN)
            .order_by(slices.c.number)
        )
        async with self._database.read(brief=True) as connection:
            return [Slice.model_validate(dict(row)) for row in (await connection.execute(query)).mappings()]

    async def store_page(
        self, campaign_id: str, slice_: Slice, page: SourcePage, exclude_logins: Sequence[str]
    ) -> int | None:
        """See domain.source_ports.Discoveries."""
        found, passed_over = sorted_out(page, exclude_logins)
        facts = facts_of(campaign_id, page, found)
        async with self._database.write(campaign_id, brief=True) as connection:
            numbered = await hold_campaign(connection, campaign_id)
            if await _goes_round(connection, campaign_id, slice_, page):
                page = page.model_copy(update={"next_cursor": None, "incomplete": True})
            if (await connection.execute(_moved_on(campaign_id, slice_, page))).rowcount == 0:
                await connection.execute(_spent(campaign_id, slice_, page.points))
                return None
            if page.split:
                highest = await _highest_slice(connection, campaign_id)
                await _add_slices(connection, campaign_id, highest, page.split)
                return 0
            new = await self._store_people(connection, campaign_id, numbered, found, passed_over)
            await store_facts(connection, facts)
            await connection.execute(
                insert(pages),
                {
                    "campaign_id": campaign_id,
                    "slice": slice_.number,
                    "cursor": slice_.cursor,
                    "at": datetime.now(UTC),
                    "people": new,
                    "looked_at": len({one.identity for one in found} | passed_over.keys()),
                },
            )
        await renew_statistics(self._database, numbered, numbered + new, *_FILLED)
        return new

    async def spent(self, campaign_id: str, slice_: Slice, points: int) -> None:
        """See domain.source_ports.Discoveries."""
        async with self._database.write(campaign_id) as connection:
            await connection.execute(_spent(campaign_id, slice_, points))

    async def enough(self, campaign_id: str, max_leads: int) -> bool:
        """See domain.source_ports.Discoveries."""
        async with self._database.read(brief=True) as connection:
            return await places_left(connection, campaign_id, max_leads) <= 0

    async def not_needed(self, campaign_id: str, first: int, last: int) -> None:
        """See domain.source_ports.Discoveries."""
        change = (
            update(slices)
            .where(slices.c.campaign_id == campaign_id, slices.c.number.between(first, last))
            .where(slices.c.state == SliceState.OPEN)
            .values(state=SliceState.NOT_NEEDED)
        )
        async with self._database.write(campaign_id) as connection:
            await connection.execute(change)

    async def counted(self, campaign_id: str, first: int, last: int) -> SliceCounts:
        """See domain.source_ports.Discoveries. The marks are read last: they may say more than the counts, not less."""
        states = (
            select(slices.c.state, func.count())
            .where(slices.c.campaign_id == campaign_id, slices.c.number.between(first, last))
            .group_by(slices.c.state)
        )
        async with self._database.read(brief=True) as connection:
            counts: dict[str, int] = dict((await connection.execute(states)).all())
            highest = await _highest_slice(connection, campaign_id)
            numbered = await connection.scalar(
                select(campaigns.c.numbered).where(campaigns.c.campaign_id == campaign_id)
            )
        still_open = counts.pop(SliceState.OPEN, 0)
        return SliceCounts(slices=highest, numbered=numbered or 0, counts=counts, open=still_open)

    async def seen(self, campaign_id: str) -> Seen:
        """See domain.source_ports.Discoveries."""
        async with self._database.read() as connection:
            return await count_seen(connection, campaign_id)

    async def _store_people(
        self,
        connection: AsyncConnection,
        campaign_id: str,
        numbered: int,
        found: Sequence[Contribution],
        passed_over: dict[str, PassedOver],
    ) -> int:
        """Number the people nobody has seen before; returns how many. What somebody is, lead or not, they stay."""
        logins = {SOURCE_PREFIX + one.identity: one.login for one in reversed(found)}
        in_order = dict.fromkeys(SOURCE_PREFIX + one.identity for one in found)
        before = await known(connection, campaign_id, [*in_order, *(SOURCE_PREFIX + one for one in passed_over)])
        new = [one for one in in_order if one not in before]
        if new:
            now = datetime.now(UTC)
            rows = [
                self._lead_row(campaign_id, number, identity, logins[identity], now)
                for number, identity in enumerate(new, start=numbered + 1)
            ]
            await connection.execute(_NEW_LEAD, rows)
            await connection.execute(
                update(campaigns).where(campaigns.c.campaign_id == campaign_id).values(numbered=numbered + len(new))
            )
        nobody = [
            {"campaign_id": campaign_id, "identity": identity, "reason": reason}
            for identity, reason in passed_over.items()
            if SOURCE_PREFIX + identity not in before
        ]
        if nobody:
            await connection.execute(insert(onlookers), nobody)
        return len(new)

    def _lead_row(
        self, campaign_id: str, number: int, source_identity: str, login: str, now: datetime
    ) -> dict[str, Any]:
        return {
            "campaign": campaign_id,
            "no": number,
            "who": source_identity,
            "called": login,
            "token": self._keys.opt_out_token(campaign_id, number),
            "now": now,
        }


_EMPTY: ColumnElement[str] = literal_column("''")
_NEW_LEAD = insert(leads).values(
    campaign_id=bindparam("campaign"),
    number=bindparam("no"),
    source_identity=bindparam("who"),
    login=bindparam("called"),
    opt_out_token=bindparam("token"),
    created_at=bindparam("now"),
    extra=literal_column("'{}'"),
    address_identity=_EMPTY,
    domain_identity=_EMPTY,
    email=_EMPTY,
    name=_EMPTY,
    company=_EMPTY,
    location=_EMPTY,
    timezone=_EMPTY,
    permission_basis=_EMPTY,
    source=_EMPTY,
)
"""A person of whom nothing is known yet. What all have in common is no parameter: pages bring hundreds of rows."""


async def _highest_slice(connection: AsyncConnection, campaign_id: str) -> int:
    """Slices are never deleted, and whoever adds some holds the campaign's row: the highest number is the count."""
    return await connection.scalar(select(func.max(slices.c.number)).where(slices.c.campaign_id == campaign_id)) or 0


async def _add_slices(connection: AsyncConnection, campaign_id: str, highest: int, queries: Sequence[str]) -> int:
    """Number and store slices after the highest number so far; returns the highest number now."""
    rows = [
        {
            "campaign_id": campaign_id,
            "number": number,
            "query": query,
            "cursor": "",
            "state": SliceState.OPEN,
            "incomplete": False,
            **dict.fromkeys(("pages", "gone", "points"), 0),
        }
        for number, query in enumerate(queries, start=highest + 1)
    ]
    if rows:
        await connection.execute(insert(slices), rows)
    return highest + len(rows)


def _spent(campaign_id: str, slice_: Slice, points: int) -> Update:
    here = and_(slices.c.campaign_id == campaign_id, slices.c.number == slice_.number)
    return update(slices).where(here).values(points=slices.c.points + points)


async def _goes_round(connection: AsyncConnection, campaign_id: str, slice_: Slice, page: SourcePage) -> bool:
    """Whether the slice would go on where it has been already, or for ever: it ends here then, as incomplete."""
    if page.next_cursor is None:
        return False
    if page.next_cursor == slice_.cursor:
        return True
    again = func.coalesce(func.max(case((pages.c.cursor == page.next_cursor, 1), else_=0)), 0)
    of_slice = (pages.c.campaign_id == campaign_id, pages.c.slice == slice_.number)
    been = (await connection.execute(select(func.count(), again).select_from(pages).where(*of_slice))).one()
    return bool(been[1]) or been[0] >= _MOST_PAGES - 1


def _moved_on(campaign_id: str, slice_: Slice, page: SourcePage) -> Any:  # noqa: ANN401 an SQLAlchemy statement
    """The slice after this page, unless it has gone on from there already."""
    state = SliceState.SPLIT if page.split else SliceState.OPEN if page.next_cursor is not None else SliceState.DONE
    changes: dict[str, Any] = {
        "state": state,
        "cursor": page.next_cursor if page.next_cursor is not None else slice_.cursor,
        "gone": slices.c.gone + page.gone,
        "points": slices.c.points + page.points,
    }
    if not page.split:
        changes["pages"] = slices.c.pages + 1
    if page.incomplete:
        changes["incomplete"] = True
    at_this_page = and_(slices.c.state == SliceState.OPEN, slices.c.cursor == slice_.cursor)
    here = and_(slices.c.campaign_id == campaign_id, slices.c.number == slice_.number)
    return update(slices).where(here, at_this_page).values(changes)
