"""The template author: the campaign's own texts, filled in for each person."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence

from jinja2 import TemplateError, UndefinedError

from domain.campaign import CampaignSpec, Step
from providers.writing.author import AuthoredText, Problem, Rejected
from providers.writing.checks import MAX_SUBJECT
from providers.writing.environment import MAX_HTML, MAX_TEXT, TooLong, compiled, render
from providers.writing.facts import Facts
from providers.writing.variables import campaign_values, lead_values

AUTHOR = "template"

_IN_A_ROW = 10
"""A text may take 50 ms: after so many, heartbeats and whoever else is in the event loop have a turn."""

_RENDERING_ERRORS = (
    *(TemplateError, ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError),
    *(TypeError, ValueError),
)
"""What an expression of a template can raise: `{{ 1 // 0 }}`, `{{ lead.name + 1 }}`, `{{ "long"|truncate(1) }}`, ..."""


class TemplateAuthor:
    """Renders the texts of the first step. The same facts give the same text, so it can only repair a long subject."""

    at_once = 200  # usual texts take some 40 ms
    """See Author."""

    async def draft(self, spec: CampaignSpec, people: Sequence[Facts]) -> list[AuthoredText | Problem]:
        """The campaign's texts for each person."""
        step = spec.sequence[0]
        version = template_version(step)
        values: dict[str, object] = dict(campaign_values(spec))
        written = []
        for number, facts in enumerate(people, start=1):
            written.append(_written(step, version, values | lead_values(facts)))
            if number % _IN_A_ROW == 0:
                await asyncio.sleep(0)
        return written

    async def repair(self, spec: CampaignSpec, rejected: Sequence[Rejected]) -> list[AuthoredText | Problem]:  # noqa: ARG002 the protocol's signature
        """Cut long subjects at a word; every other problem is the template's own and stays."""
        return [
            draft.text._replace(subject=_cut(draft.text.subject))
            if draft.text and draft.problem is Problem.SUBJECT_TOO_LONG
            else draft.problem
            for draft in rejected
        ]


def template_version(step: Step) -> str:
    """Which wording it is: the first 12 hex digits of the SHA-256 over the step's templates."""
    digest = hashlib.sha256()
    for source in (step.subject, step.body, step.html or ""):
        digest.update(hashlib.sha256(source.encode()).digest())
    return digest.hexdigest()[:12]


def _written(step: Step, version: str, values: Mapping[str, object]) -> AuthoredText | Problem:
    try:
        subject = render(compiled(step.subject, html=False), values, MAX_TEXT)
        body = render(compiled(step.body, html=False), values, MAX_TEXT)
        html = render(compiled(step.html, html=True), values, MAX_HTML) if step.html else None
    except UndefinedError:
        return Problem.UNDEFINED_VARIABLE
    except TooLong:
        return Problem.BODY_TOO_LONG
    except _RENDERING_ERRORS:
        return Problem.TEMPLATE_ERROR
    return AuthoredText(" ".join(subject.split()), body, html, AUTHOR, version)


def _cut(subject: str) -> str:
    """The subject, ending with the last word that leaves room for an ellipsis."""
    kept = subject[:MAX_SUBJECT]
    whole_words = kept[: MAX_SUBJECT - 1].rpartition(" ")[0] or kept[: MAX_SUBJECT - 1]
    return whole_words.rstrip(" ,;:.-–") + "…"
