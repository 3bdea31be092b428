"""Rows of leads on their way from a login to somebody who can be written to."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Row, Update, and_, bindparam, case, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.lead import LeadEnd, LeadState
from domain.message import MessageState
from domain.source_ports import Enriched, Found
from domain.sourcing import Contribution, Profile, Repository
from storage.database import Database
from storage.keys import Keys
from storage.lead_work import repository_of
from storage.portions import rows_among
from storage.ranking import SAME_ADDRESS, end_all_but, settle_shared_addresses
from storage.schema import campaigns, contacts, contributions, leads, messages, people, repositories
from storage.sightings import SOURCE_PREFIX, hold_campaign, places_left
from storage.upserts import upsert

_UNENRICHED = and_(leads.c.enriched_at.is_(None), leads.c.ended.is_(None))


class PeopleRows:
    """domain.source_ports.People on the database."""

    def __init__(self, database: Database, keys: Keys) -> None:
        """`keys` makes the identities of addresses."""
        self._database = database
        self._keys = keys

    async def unenriched(self, campaign_id: str, first: int, last: int, fresh_since: datetime) -> list[Found]:
        """See domain.source_ports.People."""
        query = (
            select(leads.c.number, leads.c.source_identity, leads.c.login)
            .where(leads.c.campaign_id == campaign_id, leads.c.number.between(first, last), _UNENRICHED)
            .order_by(leads.c.number)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
            if not rows:
                return []
            identities = [row.source_identity.removeprefix(SOURCE_PREFIX) for row in rows]
            work = await work_of(connection, campaign_id, identities)
            known = await _known_profiles(connection, identities, fresh_since)
        return [
            Found(
                number=row.number,
                identity=identity,
                login=row.login,
                contributions=tuple([contribution for contribution, _ in work.get(identity, ())]),
                repositories=tuple([repository for _, repository in work.get(identity, ())]),
                known=known.get(identity),
            )
            for row, identity in zip(rows, identities, strict=True)
        ]

    async def store_enriched(
        self,
        campaign_id: str,
        enriched: Sequence[Enriched],
        max_leads: int,
        points: int = 0,
        contacted_since: datetime | None = None,
    ) -> None:
        """See domain.source_ports.People."""
        now = datetime.now(UTC)
        asked = sorted(enriched, key=lambda one: one.number)
        addresses = {one.number: self._keys.address_identity(one.email) for one in asked if one.email}
        profiles = {one.number: _profile_row(one.profile) for one in asked if one.profile is not None}
        async with self._database.write(campaign_id, brief=True) as connection:
            await hold_campaign(connection, campaign_id)
            if points:
                await connection.execute(_spent(campaign_id, points))
            still = await _still_unenriched(connection, campaign_id, [one.number for one in asked])
            fresh = [one for one in asked if one.number in still]
            if not fresh:
                return
            await _store_profiles(connection, [profiles[one.number] for one in fresh if one.number in profiles])
            asked_for = [addresses[one.number] for one in fresh if one.email]
            taken = await _taken(connection, campaign_id, asked_for)
            contacted = await _contacted(connection, campaign_id, asked_for, contacted_since)
            room = _Room(await places_left(connection, campaign_id, max_leads), taken, contacted)
            rows = [
                self._row(campaign_id, room.settled(one, addresses.get(one.number, "")), addresses, now)
                for one in fresh
            ]
            await connection.execute(_ENRICH, rows)

    async def enrichment_counts(self, campaign_id: str, first: int, last: int) -> dict[str, int]:
        """See domain.source_ports.People."""
        outcome = case(
            (leads.c.fit.is_not(None), "done"), (leads.c.ended.is_not(None), leads.c.ended), else_=LeadState.OPEN
        )
        query = (
            select(outcome.label("outcome"), func.count())
            .where(leads.c.campaign_id == campaign_id, leads.c.number.between(first, last))
            .group_by("outcome")
        )
        async with self._database.read(brief=True) as connection:
            return dict((await connection.execute(query)).all())

    async def keep_top(self, campaign_id: str, top: int) -> int:
        """See domain.source_ports.People. Whoever has a draft already stays: that was made after a first answer."""
        async with self._database.write(campaign_id) as connection:
            await hold_campaign(connection, campaign_id)
            await settle_shared_addresses(connection, campaign_id)
            return await end_all_but(connection, campaign_id, top)

    def _row(self, campaign_id: str, one: Enriched, addresses: Mapping[int, str], now: datetime) -> dict[str, Any]:
        profile = one.profile
        return {
            "c": campaign_id,
            "n": one.number,
            "mail": one.email,
            "address": addresses.get(one.number, ""),
            "at_domain": self._keys.domain_identity(one.email) if one.email else "",
            "called": profile.name if profile else "",
            "works_at": profile.company if profile else "",
            "place": profile.location if profile else "",
            "zone": one.timezone,
            "said_by": _source(profile) if profile else "",
            "account": profile.login if profile else None,
            "about": one.repository,
            "score": one.fit,
            "why_fit": json.dumps(one.reasons) if one.reasons else None,
            "at": now,
            "state": one.ended.state if one.ended else None,
            "why": one.ended.reason if one.ended else None,
        }


class _Room:
    """Who of one call gets a place among those who can be written to: at most so many, each address once."""

    def __init__(self, places: int, taken: set[str], contacted: set[str]) -> None:
        self._places = places
        self._taken = taken
        self._contacted = contacted

    def settled(self, one: Enriched, address: str) -> Enriched:
        """The outcome with what the other leads of the campaign make of it. Asked by number, each lead once."""
        if one.fit is None:
            return one
        if address in self._taken:
            return _without_place(one, SAME_ADDRESS)
        if address in self._contacted:
            return _without_place(one, "contacted_recently")
        if self._places <= 0:
            return _without_place(one, "enough_people")
        self._places -= 1
        self._taken.add(address)
        return one


class Work(NamedTuple):
    """What somebody did, and where."""

    contribution: Contribution
    repository: Repository


_ENRICH = (
    update(leads)
    .where(leads.c.campaign_id == bindparam("c"), leads.c.number == bindparam("n"))
    .values(
        email=bindparam("mail"),
        address_identity=bindparam("address"),
        domain_identity=bindparam("at_domain"),
        name=bindparam("called"),
        company=bindparam("works_at"),
        location=bindparam("place"),
        timezone=bindparam("zone"),
        source=bindparam("said_by"),
        login=func.coalesce(bindparam("account", type_=leads.c.login.type), leads.c.login),
        repository=bindparam("about"),
        fit=bindparam("score"),
        fit_reasons=bindparam("why_fit"),
        enriched_at=bindparam("at"),
        ended=bindparam("state"),
        reason=bindparam("why"),
    )
)


def _spent(campaign_id: str, points: int) -> Update:
    """Points are gone whoever stores what they bought."""
    return (
        update(campaigns)
        .where(campaigns.c.campaign_id == campaign_id)
        .values(profile_points=campaigns.c.profile_points + points)
    )


def _without_place(one: Enriched, reason: str) -> Enriched:
    end = LeadEnd(number=one.number, state=LeadState.SKIPPED, reason=reason)
    return replace(one, fit=None, ended=end)


def _source(profile: Profile) -> str:
    """Where an address comes from, as the person who gets the mail reads it."""
    return f"your public GitHub profile github.com/{profile.login}, read on {profile.read_at:%Y-%m-%d}"


async def work_of(connection: AsyncConnection, campaign_id: str, identities: Sequence[str]) -> dict[str, list[Work]]:
    """What people did, those repositories first that have most of their commits."""
    by = contributions.c
    query = (
        select(contributions, repositories.c.facts)
        .outerjoin(
            repositories,
            and_(repositories.c.campaign_id == by.campaign_id, repositories.c.identity == by.repository),
        )
        .where(by.campaign_id == campaign_id)
        .order_by(by.identity, by.commits.desc(), by.repository)
    )
    rows = await rows_among(connection, query, by.identity, identities)
    facts = {row.repository: row.facts for row in rows}
    parsed = {identity: _repository(identity, text) for identity, text in facts.items()}
    return {
        identity: [Work(_contribution(row), parsed[row.repository]) for row in of_one]
        for identity, of_one in groupby(rows, key=lambda row: str(row.identity))
    }


def _repository(identity: str, facts: str | None) -> Repository:
    """A source that showed people without their repository must not keep a window from its end."""
    return repository_of(facts) if facts else Repository(identity=identity, full_name="", url="")


def _contribution(row: Row[Any]) -> Contribution:
    return Contribution(
        identity=row.identity,
        login=row.login,
        repository=row.repository,
        commits=row.commits,
        last_commit_at=row.last_commit_at,
        offsets={int(minutes): count for minutes, count in json.loads(row.offsets).items()},
    )


async def _known_profiles(
    connection: AsyncConnection, identities: Sequence[str], fresh_since: datetime
) -> dict[str, Profile]:
    query = select(people.c.profile).where(people.c.read_at >= fresh_since)
    rows = await rows_among(connection, query, people.c.identity, identities)
    profiles = [Profile.model_validate_json(row.profile) for row in rows]
    return {profile.identity: profile for profile in profiles}


async def _still_unenriched(connection: AsyncConnection, campaign_id: str, numbers: Sequence[int]) -> set[int]:
    """Without those that another attempt at the window has stored, or somebody has ended."""
    query = select(leads.c.number).where(leads.c.campaign_id == campaign_id, _UNENRICHED)
    return {row.number for row in await rows_among(connection, query, leads.c.number, numbers)}


def _profile_row(one: Profile) -> dict[str, Any]:
    return {"identity": one.identity, "profile": one.model_dump_json(exclude_defaults=True), "read_at": one.read_at}


async def _store_profiles(connection: AsyncConnection, profiles: Iterable[dict[str, Any]]) -> None:
    """Profiles belong to all campaigns: in the order of their identities two of them cannot block each other."""
    rows = sorted(profiles, key=lambda row: row["identity"])
    if rows:
        new = upsert(connection, people)
        changed = new.on_conflict_do_update(
            index_elements=["identity"],
            set_={"profile": new.excluded.profile, "read_at": new.excluded.read_at},
            where=people.c.read_at < new.excluded.read_at,
        )
        await connection.execute(changed, rows)


async def _taken(connection: AsyncConnection, campaign_id: str, addresses: Sequence[str]) -> set[str]:
    """Addresses of people of the campaign who can be written to.

    Asked by address only: with the other conditions in it, SQLite would go through all who can be written to.
    """
    query = select(leads.c.campaign_id, leads.c.address_identity, leads.c.fit)
    rows = await rows_among(connection, query, leads.c.address_identity, addresses)
    return {row.address_identity for row in rows if row.campaign_id == campaign_id and row.fit is not None}


async def _contacted(
    connection: AsyncConnection, campaign_id: str, addresses: Sequence[str], since: datetime | None
) -> set[str]:
    """Addresses to which a mail of another campaign went after `since`, None = nobody is asked about."""
    if since is None or not addresses:
        return set()
    went = exists().where(
        messages.c.campaign_id == contacts.c.campaign_id,
        messages.c.address_identity == contacts.c.address_identity,
        messages.c.state.in_([MessageState.SENT, MessageState.IN_DOUBT]),
    )
    query = select(contacts.c.address_identity).where(
        contacts.c.campaign_id != campaign_id, contacts.c.contacted_at > since, went
    )
    return {row.address_identity for row in await rows_among(connection, query, contacts.c.address_identity, addresses)}
