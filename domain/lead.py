"""A lead: one person a campaign may write to, and how it can end."""

import re
import unicodedata
from contextlib import suppress
from enum import StrEnum
from functools import lru_cache

import idna
from pydantic import BaseModel, ConfigDict

_DOMAINS = 4096
"""How many are remembered: most of many people share few, and IDNA costs more than all else about an address."""

_NAME_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", re.UNICODE)


class LeadState(StrEnum):
    """Where a lead stands. Every lead of a finished campaign is in one state other than `open`."""

    OPEN = "open"
    CONTACTED = "contacted"
    IN_DOUBT = "in_doubt"
    SKIPPED = "skipped"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class Person(BaseModel):
    """What a source says of a person. `source` says in words where the facts come from."""

    model_config = ConfigDict(frozen=True)

    email: str
    name: str = ""
    company: str = ""
    location: str = ""
    timezone: str = ""
    permission_basis: str = ""
    extra: dict[str, str] = {}
    """Every further column, in templates `lead.extra.<column>`."""
    source: str = ""


class NewLead(Person):
    """A person found by a source, before there is a number."""

    source_identity: str
    """Unique within a campaign: the same person found twice is one lead."""


class LeadRepository(BaseModel):
    """The repository a person is written to about, and their part in it."""

    model_config = ConfigDict(frozen=True)

    full_name: str
    url: str
    description: str = ""
    language: str = ""
    stars: int = 0
    commits: int = 0
    """The person's commits to the default branch inside the activity window."""
    share_percent: int = 0
    """Their part of the commits that were read there, rounded: of all of them unless there were too many to read."""
    active_people: int = 0
    """How many people committed there."""

    @property
    def name(self) -> str:
        """Without its owner."""
        return self.full_name.rpartition("/")[2]


class Lead(Person):
    """One person, as a campaign knows them. `number` runs from 1 to N without gaps within a campaign."""

    number: int
    opt_out_token: str
    login: str = ""
    """At the source, "" for people from a file."""
    repository: LeadRepository | None = None
    """None for people from a file."""


class LeadEnd(BaseModel):
    """A lead that ends before any mail was scheduled for it."""

    model_config = ConfigDict(frozen=True)

    number: int
    state: LeadState
    reason: str


def normalise_address(email: str) -> str:
    """The one spelling under which an address is compared: NFKC, case-folded, domain in IDNA 2008.

    Plus-tags and dots stay: only the receiving provider knows whether they matter.
    """
    local, _, host = unicodedata.normalize("NFKC", email).strip().rpartition("@")
    return f"{local.casefold()}@{ascii_domain(host)}"


@lru_cache(maxsize=_DOMAINS)
def ascii_domain(host: str) -> str:
    """A domain in IDNA 2008, lower case; one that IDNA cannot express stays as it is written.

    Never the standard library's codec: in IDNA 2003 straße.example is strasse.example, somebody else's domain.
    """
    host = host.rstrip(".").lower()
    with suppress(idna.IDNAError):
        host = idna.encode(host, uts46=True).decode("ascii")
    return host


def address_domain(email: str) -> str:
    """The domain of an address, in the spelling under which domains are compared."""
    return normalise_address(email).rpartition("@")[2]


def first_name(name: str) -> str:
    """The first name to greet by, or "" when the name does not look like a person's full name.

    At least two alphabetic words are asked for: a handle or a company must not be greeted as a person, nor anybody by
    a title or an initial.
    """
    words = name.split()
    if len(words) <= 1 or words[0].endswith(".") or not all(_NAME_WORD.fullmatch(word.strip(".,")) for word in words):
        return ""
    return words[0].strip(".,")
