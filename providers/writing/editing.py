"""A draft that a person wrote anew: made and checked like every other, with its foot left as code wrote it."""

from typing import NamedTuple

from domain.campaign import CampaignSpec
from domain.errors import InputError
from domain.lead import Lead
from domain.message import Draft
from domain.review import PERSON, StoredDraft
from providers.writing import checks
from providers.writing.author import AuthoredText, Problem
from providers.writing.facts import facts_of
from providers.writing.finishing import finished

_FOOT = "--"
"""The line above the foot, without the space at its end: editors take such spaces away."""

_SAID = {
    Problem.EMPTY_SUBJECT: "the subject is empty",
    Problem.SUBJECT_TOO_LONG: f"the subject is longer than {checks.MAX_SUBJECT} characters",
    Problem.FAKE_REPLY: "the subject looks like an answer to a mail that nobody wrote; take the Re: out",
    Problem.EMPTY_BODY: "there is no text above the foot",
    Problem.BODY_TOO_LONG: "the text is too long",
    Problem.PLACEHOLDER_LEFT: "a placeholder such as {{ … }} is left in it",
    Problem.HTML_ENTITY: "an HTML entity such as &amp; is left in it; write the character",
}


class _Parts(NamedTuple):
    body: str
    foot: list[str]


def edited(spec: CampaignSpec, lead: Lead, before: StoredDraft, subject: str, text: str) -> Draft:
    """The draft made of what a person wrote; raises InputError with one line.

    `text` is the whole text with its foot, which must be what it was. The HTML part is made from the text.
    """
    parts, was = _parts(text), _parts(before.text)
    if before.opt_out_url not in "\n".join(parts.foot):
        raise _refused(f"the opt-out address is missing; its line is: {was.foot[-1]}")
    if parts.foot != was.foot:
        raise _refused('the foot, from the line "-- " on, must stay as it is: who writes, why, and how to stop it')
    facts = facts_of(spec, lead, before.opt_out_url)
    written = AuthoredText(" ".join(subject.split()), parts.body, None, PERSON, before.version)
    draft = finished(spec, facts, written).model_copy(update={"step": before.step})
    wrong = checks.problem(written, draft, facts, checks.Window.of(spec, [facts]))
    if wrong is not None:
        raise _refused(_SAID.get(wrong, wrong.replace("_", " ")))
    return draft


def _parts(text: str) -> _Parts:
    """The text above the last line of two hyphens, and the lines below without white space at their ends."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").rstrip().split("\n")]
    if _FOOT not in lines:
        return _Parts("\n".join(lines), [])
    place = len(lines) - 1 - lines[::-1].index(_FOOT)
    return _Parts("\n".join(lines[:place]), lines[place + 1 :])


def _refused(why: str) -> InputError:
    return InputError(f"the edited draft is refused: {why}")
