"""Where a text has a hole: fields that can be empty and stand in it without a default."""

import re
from collections.abc import Mapping

from client.specs import Prepared
from domain.lead import Lead, LeadEnd
from domain.message import Draft

_MARK = "Zzqx"
"""A word that no text has, and that looks like a name."""


def filled(prepared: Prepared, empty: Lead) -> dict[str, Lead]:
    """The emptiest lead with one field filled in, by the field's name in templates.

    Columns that the spec asks evidence of are no such fields: without them nobody is written to.
    """
    permission = prepared.spec.permission
    evidence = permission.require_evidence if permission else ()
    leads = {
        field: empty.model_copy(update={field.partition(".")[2]: _MARK}) for field in ("lead.company", "lead.location")
    }
    named = empty.model_copy(update={"name": f"{_MARK} {_MARK}"})
    leads |= {"lead.first_name": named, "lead.name": named}
    for column in prepared.file.extra_columns:
        if column not in evidence:
            leads[f"lead.extra.{column}"] = empty.model_copy(update={"extra": {**empty.extra, column: _MARK}})
    if empty.repository:
        for field in ("description", "language"):
            repository = empty.repository.model_copy(update={field: _MARK})
            leads[f"repository.{field}"] = empty.model_copy(update={"repository": repository})
    texts = " ".join(
        filter(None, (part for step in prepared.spec.sequence for part in (step.subject, step.body, step.html)))
    )
    return {field: lead for field, lead in leads.items() if re.search(rf"\b{re.escape(field)}\b", texts)}


def holes(without: Draft | LeadEnd, drafts: Mapping[str, Draft | LeadEnd]) -> list[str]:
    """The fields whose value is all that goes when they are empty: nothing stands in for it, nothing goes with it."""
    if isinstance(without, LeadEnd):
        return []
    left = _words(without)
    return [
        field
        for field, draft in drafts.items()
        if isinstance(draft, Draft) and _MARK in (text := _words(draft)) and _words_of(text.replace(_MARK, "")) == left
    ]


def _words(draft: Draft) -> str:
    return _words_of(f"{draft.subject} {draft.text}")


def _words_of(text: str) -> str:
    """The text however its lines are broken."""
    return " ".join(text.split())
