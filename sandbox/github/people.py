"""Invented people, bots and organizations, drawn from the stated distributions."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal

from sandbox.github import distributions as shares
from sandbox.github import words
from sandbox.github.drawing import chooser
from sandbox.github.ids import Kind, node_id

AccountKind = Literal["user", "vanished", "organization", "bot"]

_FIRST_ID = 1_000_000
_name = chooser(shares.NAMES)
_address = chooser(shares.ADDRESSES)
_bio = chooser(shares.BIOS)
_company = chooser(shares.COMPANIES)
_account = chooser(shares.ACCOUNTS)
_zone = chooser(shares.TIME_ZONES)
_language = chooser(shares.LANGUAGES)
_ID_KINDS: dict[AccountKind, Kind] = {"user": "U", "vanished": "U", "organization": "U", "bot": "BOT"}


@dataclass(frozen=True, slots=True)
class Person:
    """An account that writes commits. `email` is what the profile publishes, empty when hidden."""

    index: int
    kind: AccountKind
    login: str
    name: str | None
    email: str
    address: str
    """A key of `distributions.ADDRESSES`."""
    bio: str | None
    company: str | None
    location: str | None
    zone: str
    traveller: bool
    language: str | None
    website: str | None
    twitter: str | None
    pronouns: str | None
    hireable: bool
    followers: int
    following: int
    organizations: tuple[int, ...]
    created_at: datetime

    @property
    def database_id(self) -> int:
        """The number GitHub knows the account by."""
        return _FIRST_ID + 4 * self.index + (2 if self.kind == "bot" else 0)

    @property
    def id(self) -> str:
        """The global id. One that was converted to an organization keeps the old form of its id."""
        return node_id(_ID_KINDS[self.kind], self.database_id)


@dataclass(frozen=True, slots=True)
class Organization:
    """An account that owns repositories."""

    index: int
    login: str
    name: str
    created_at: datetime

    @property
    def database_id(self) -> int:
        """The number GitHub knows the account by."""
        return _FIRST_ID + 4 * self.index + 1

    @property
    def id(self) -> str:
        """The global id."""
        return node_id("O", self.database_id)


def index_of_account(database_id: int) -> tuple[str, int]:
    """Return which list a database id belongs to (`person`, `organization`, `bot` or ``) and the index in it."""
    index, rest = divmod(database_id - _FIRST_ID, 4)
    return ("person", "organization", "bot", "")[rest], index


def draw_people(
    random: Random, count: int, organizations: list[Organization], as_of: datetime, given: shares.Distributions
) -> list[Person]:
    """Draw people; a shared address is that of somebody drawn before, now and then in other letters."""
    people: list[Person] = []
    published: list[str] = []
    for index in range(count):
        person = _draw_person(random, index, organizations, as_of, given, published)
        if person.address in {"public", "shared"}:
            published.append(person.email)
        people.append(person)
    return people


def draw_bots(count: int, as_of: datetime) -> list[Person]:
    """Return accounts of automata: their logins end in `[bot]`."""
    return [
        Person(
            index=index,
            kind="bot",
            login=f"{words.WORDS[index % len(words.WORDS)]}-keeper-{index}[bot]",
            name=None,
            email="",
            address="hidden",
            bio=None,
            company=None,
            location=None,
            zone="UTC",
            traveller=False,
            language=None,
            website=None,
            twitter=None,
            pronouns=None,
            hireable=False,
            followers=0,
            following=0,
            organizations=(),
            created_at=as_of - timedelta(days=900),
        )
        for index in range(count)
    ]


def draw_organizations(random: Random, count: int, as_of: datetime) -> list[Organization]:
    """Draw organizations."""
    return [
        Organization(
            index=index,
            login=f"{random.choice(words.WORDS)}-collective-{index}",
            name=f"{random.choice(words.WORDS).title()} Collective",
            created_at=as_of - timedelta(days=random.randint(30, 4_000)),
        )
        for index in range(count)
    ]


def _draw_person(  # noqa: PLR0913, PLR0917 - everything a person is drawn from
    random: Random,
    index: int,
    organizations: list[Organization],
    as_of: datetime,
    given: shares.Distributions,
    published: list[str],
) -> Person:
    given_name, family_name = random.choice(words.GIVEN), random.choice(words.FAMILY)
    login = f"{random.choice(words.WORDS)}-{random.choice(words.WORDS)}-{index}"
    zone, place = _zone(random)
    member_of = tuple(sorted({random.randrange(len(organizations)) for _ in range(random.choice((0, 0, 1, 3)))}))
    kind = _account(random)
    address, email = _draw_address(random, login, index, published)
    roll = random.random()
    return Person(
        index=index,
        kind="user" if kind == "user" else "vanished" if kind == "vanished" else "organization",
        login=login,
        name=_draw_name(random, f"{given_name} {family_name}", login),
        email=email,
        address=address,
        bio=_draw_bio(random),
        company=_draw_company(random, [organizations[member].login for member in member_of]),
        location=place if random.random() < given.location_stated else None,
        zone=zone,
        traveller=random.random() < given.traveller,
        language=given.focus_language if random.random() < given.focus else _language(random),
        website=f"https://{login}.example.org" if roll < given.website else None,
        twitter=f"{login.replace('-', '_')[:15]}" if roll > 1 - given.twitter else None,
        pronouns=random.choice((None, None, None, "they/them", "she/her", "he/him")),
        hireable=random.random() < given.hireable,
        followers=int(3 * (random.random() or 1e-9) ** -0.8) - 3,
        following=random.randrange(200),
        organizations=member_of,
        created_at=as_of - timedelta(seconds=random.randint(86_400, 15 * 365 * 86_400)),
    )


def _draw_name(random: Random, full: str, login: str) -> str | None:
    kind = _name(random)
    names: dict[str, str | None] = {
        "full": full,
        "empty": None,
        "handle": login,
        "single": full.split(maxsplit=1)[0],
        "hostile": random.choice(words.HOSTILE_NAMES),
    }
    return names[kind]


def _draw_address(random: Random, login: str, index: int, published: list[str]) -> tuple[str, str]:
    kind = _address(random)
    if kind == "shared" and published:
        local, _, domain = random.choice(published).partition("@")
        return "shared", f"{local}@{domain.upper() if index % 2 else domain}"
    if kind in {"public", "shared"}:
        return "public", f"{login}@{random.choice(('mail.example.org', 'example.com', 'post.example.net'))}"
    if kind == "noreply":
        return "noreply", f"{index + _FIRST_ID}+{login}@users.noreply.github.com"
    return (kind, f"{login} at example dot com") if kind == "invalid" else ("hidden", "")


def _draw_bio(random: Random) -> str | None:
    kind = _bio(random)
    return {"empty": None, "plain": random.choice(words.BIOS), "hostile": random.choice(words.HOSTILE_BIOS)}[kind]


def _draw_company(random: Random, member_of: list[str]) -> str | None:
    kind = _company(random)
    if kind == "organization":
        return f"@{member_of[0]}" if member_of else "@somebody-else"
    return {"empty": None, "firm": random.choice(words.FIRMS), "free": random.choice(words.FREE)}[kind]


def utc_text(moment: datetime) -> str:
    """Return a DateTime as GitHub writes it, in UTC with whole seconds."""
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"
