"""The gate every draft passes, whoever wrote it: pure functions that name what is wrong."""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import NamedTuple, Self

from domain.campaign import CampaignSpec
from domain.lead import normalise_address
from domain.message import Draft
from providers.writing.author import AuthoredText, Problem
from providers.writing.environment import MAX_TEXT
from providers.writing.facts import Facts
from providers.writing.footer import identity
from providers.writing.template_check import literal_text

MAX_SUBJECT = 80

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FAKE_REPLY = re.compile(r"\s*(?:re|fwd?|aw|wg|sv|vs|antw|tr|rv)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{\{|\{%|\{#|\}\}|%\}|#\}")
_NOTHING = re.compile(r"(?<!\w)(?:None|nan|NaN|NaT|null|undefined)(?!\w)")
_ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}|#\d{1,6}|#[xX][0-9A-Fa-f]{1,6});")
_UNSAFE_LINK = re.compile(r"(?:href|src)\s*=\s*[\"']?\s*(?:javascript|vbscript|data)\s*:", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]+@\w[\w.-]*\w")


class Window(NamedTuple):
    """What the checks of a window's drafts have in common."""

    identity: str
    postal_address: str
    own_words: str
    """What the campaign itself says, outside of template expressions: it may contain `None` or `{{`."""
    addresses: frozenset[str]
    """Of the window's people, without those that the campaign's own words name."""

    @classmethod
    def of(cls, spec: CampaignSpec, people: Iterable[Facts]) -> Self:
        """The window of these people."""
        own_words = _own_words(spec)
        return cls(
            identity=identity(spec),
            postal_address=(spec.sender and spec.sender.postal_address) or "",
            own_words=own_words,
            addresses=frozenset(normalise_address(facts.email) for facts in people) - set(_addresses(own_words)),
        )


def problem(written: AuthoredText, draft: Draft, facts: Facts, window: Window) -> Problem | None:
    """The first thing that is wrong with a draft made from what an author wrote, or None."""
    return next(_problems(written, draft, facts, window), None)


def _problems(written: AuthoredText, draft: Draft, facts: Facts, window: Window) -> Iterator[Problem]:
    yield from subject_problems(written.subject)
    if not written.body.strip():
        yield Problem.EMPTY_BODY
    if len(written.body) > MAX_TEXT:
        yield Problem.BODY_TOO_LONG
    yield from remnant_problems(f"{written.subject}\n{written.body}", facts, window.own_words)
    if _UNSAFE_LINK.search(draft.html):
        yield Problem.UNSAFE_LINK
    if names_another_lead((written.subject, written.body, written.html or ""), facts, window):
        yield Problem.FOREIGN_ADDRESS
    yield from footer_problems(draft, facts, window)


def subject_problems(subject: str) -> Iterator[Problem]:
    """What is wrong with a first mail's subject."""
    if not subject.strip():
        yield Problem.EMPTY_SUBJECT
    if _CONTROL.search(subject):
        yield Problem.CONTROL_IN_SUBJECT
    if len(subject) > MAX_SUBJECT:
        yield Problem.SUBJECT_TOO_LONG
    if _FAKE_REPLY.match(subject):
        yield Problem.FAKE_REPLY


def remnant_problems(text: str, facts: Facts, own_words: str) -> Iterator[Problem]:
    """Traces of a text that was not filled in properly, unless the campaign or the person's own data says just that."""
    left = _without((facts.name, facts.company, facts.location, *facts.extra.values()), text)
    if _beyond(_PLACEHOLDER, left, own_words):
        yield Problem.PLACEHOLDER_LEFT
    if _beyond(_NOTHING, text, own_words):
        yield Problem.NOTHING_WRITTEN_OUT
    if _beyond(_ENTITY, left, own_words):
        yield Problem.HTML_ENTITY


def names_another_lead(texts: Sequence[str], facts: Facts, window: Window) -> bool:
    """Whether an address of somebody else in the window occurs, other than in the campaign's words or own data."""
    foreign = {address for text in texts for address in _addresses(text) if address in window.addresses}
    return bool(foreign - {normalise_address(facts.email)} - set(_addresses("\n".join(facts.extra.values()))))


def footer_problems(draft: Draft, facts: Facts, window: Window) -> Iterator[Problem]:
    """What is missing at the foot of the mail, in either part. A spec without a sender has no identity to show."""
    for needed, missing in (
        (facts.opt_out_url, Problem.NO_OPT_OUT),
        (window.identity, Problem.NO_IDENTITY),
        (window.postal_address, Problem.NO_POSTAL_ADDRESS),
    ):
        if needed not in draft.text or escape(needed) not in draft.html:
            yield missing
    if not facts.opt_out_url:
        yield Problem.NO_OPT_OUT


def _without(values: Iterable[str], text: str) -> str:
    """The text without the values that look like remnants themselves: they are quoted, not left over."""
    for value in sorted(values, key=len, reverse=True):
        if _PLACEHOLDER.search(value) or _ENTITY.search(value):
            text = text.replace(value, " ")
    return text


def _beyond(pattern: re.Pattern[str], text: str, own_words: str) -> bool:
    """Whether the text has a match that the campaign's own words do not have."""
    return any(match not in own_words for match in pattern.findall(text))


def _addresses(text: str) -> Iterator[str]:
    if "@" in text:
        yield from map(normalise_address, _ADDRESS.findall(text))


def _own_words(spec: CampaignSpec) -> str:
    parts = [spec.name, spec.goal or "", *(mailbox.address for mailbox in spec.sending.mailboxes)]
    for group in (spec.sender, spec.offer):
        parts += [str(value) for value in group.model_dump().values() if value] if group else []
    parts += [literal_text(source or "") for step in spec.sequence for source in (step.subject, step.body, step.html)]
    return "\n".join(parts)
