"""What an author may know about a person: a lead's fields, made harmless.

Names, companies and columns were typed by strangers. They are data: nothing in them is markup or an instruction.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from domain.campaign import CampaignSpec
from domain.lead import Lead, LeadRepository, first_name
from domain.permission import basis

NAME_LENGTH = 100
FIELD_LENGTH = 300

_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
_LINE_BREAKS = "\n\r\x85\u2028\u2029"
_NOT_TEXT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Unicode categories of what nobody can read: control, zero-width and bidi marks, half pairs, private, unassigned."""


class Facts(NamedTuple):
    """One person, as authors and footers know them."""

    number: int
    email: str
    name: str
    first_name: str
    company: str
    location: str
    login: str
    repository: Mapping[str, str | int]
    """The repository the person is written to about, by the names of its variables; empty where there is none."""
    extra: Mapping[str, str]
    """The file's further columns; an empty cell is ""."""
    source: str
    """Where the address comes from, in words; "" = not known."""
    basis: str
    """The permission basis that holds for this person; "" = none."""
    opt_out_url: str


def facts_of(spec: CampaignSpec, lead: Lead, opt_out_url: str) -> Facts:
    """The sanitised facts about a lead."""
    name = single_line(lead.name, NAME_LENGTH)
    return Facts(
        number=lead.number,
        email=single_line(lead.email, FIELD_LENGTH),
        name=name,
        first_name=first_name(name),
        company=single_line(lead.company, NAME_LENGTH),
        location=single_line(lead.location, FIELD_LENGTH),
        login=single_line(lead.login, NAME_LENGTH),
        repository=_repository(lead.repository) if lead.repository else {},
        extra={column: clean(value, FIELD_LENGTH) for column, value in lead.extra.items()},
        source=single_line(lead.source, FIELD_LENGTH),
        basis=basis(spec, lead.permission_basis) or "",
        opt_out_url=opt_out_url,
    )


def _repository(repository: LeadRepository) -> dict[str, str | int]:
    return {
        "name": single_line(repository.name, NAME_LENGTH),
        "full_name": single_line(repository.full_name, FIELD_LENGTH),
        "url": single_line(repository.url, FIELD_LENGTH),
        "description": single_line(repository.description, FIELD_LENGTH),
        "language": single_line(repository.language, NAME_LENGTH),
        "stars": repository.stars,
        "commits": repository.commits,
        "share_percent": repository.share_percent,
        "active_people": repository.active_people,
    }


def clean(text: str, length: int) -> str:
    """NFKC without control, zero-width and bidi characters, at most `length` characters; line breaks stay."""
    return _visible(text)[:length].strip()


def single_line(text: str, length: int) -> str:
    """As `clean`, for a field of one line: no HTML tags, white space of any kind becomes one space."""
    text = _visible(text)
    if "<" in text:
        text = _TAG.sub(" ", text)
    return " ".join(text.split())[:length].strip()


def _visible(text: str) -> str:
    text = unicodedata.normalize("NFKC", text)
    if text.isprintable():
        return text
    return "".join(map(_harmless, text.replace("\r\n", "\n")))


def _harmless(character: str) -> str:
    if character.isspace():
        return "\n" if character in _LINE_BREAKS else " "
    return "" if unicodedata.category(character) in _NOT_TEXT else character
