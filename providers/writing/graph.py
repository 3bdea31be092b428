"""The Writer: one LangGraph run per window of leads.

    facts → draft → check → END
                      ↑ ↓
                      mend

The state is the window, not a lead: a run costs the same for one lead and for a hundred, which with templates is the
difference between 1.4 ms and 0.06 ms for each.
"""

import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TypedDict

from langgraph.graph import END, START, StateGraph
from langsmith.run_helpers import tracing_context

from domain.campaign import CampaignSpec
from domain.lead import Lead, LeadEnd, LeadState
from domain.message import Draft
from providers.writing import checks
from providers.writing.author import Author, AuthoredText, Problem, Rejected
from providers.writing.facts import Facts, facts_of
from providers.writing.finishing import finished

_Mend = Callable[[CampaignSpec, Sequence[Rejected]], Awaitable[list[AuthoredText | Problem]]]

_OLD_TRACING_SWITCHES = ("LANGCHAIN_TRACING", "LANGCHAIN_HANDLER")


class _Window(TypedDict):
    """The state. Lists have one entry per lead, in their order."""

    spec: CampaignSpec
    leads: Sequence[Lead]
    opt_out_urls: Sequence[str]
    facts: list[Facts]
    written: list[AuthoredText | Problem | Draft]
    """What has to be checked next; a Draft has been."""
    checked: list[Draft | Rejected]
    mended: int
    """How many ways of mending have been tried."""


class DraftingGraph:
    """Drafts windows with `author`; what it cannot mend goes to `fallback`, then the lead ends with the reason."""

    def __init__(self, author: Author, fallback: Author | None = None) -> None:
        self._author = author
        self._mends: list[_Mend] = [author.repair]
        if fallback is not None:
            self._mends += [_anew(fallback), fallback.repair]
        graph = StateGraph(_Window)
        graph.add_node("facts", self._facts)
        graph.add_node("draft", self._draft)
        graph.add_node("check", self._check)
        graph.add_node("mend", self._mend)
        graph.add_edge(START, "facts")
        graph.add_edge("facts", "draft")
        graph.add_edge("draft", "check")
        graph.add_conditional_edges("check", self._after_check, ["mend", END])
        graph.add_edge("mend", "check")
        self._graph = graph.compile()

    @property
    def at_once(self) -> int:
        """See domain.ports.Writer."""
        return self._author.at_once

    async def write(
        self, spec: CampaignSpec, leads: Sequence[Lead], opt_out_urls: Sequence[str]
    ) -> list[Draft | LeadEnd]:
        """One draft, or one reason why there is none, for each lead, in their order."""
        _forget_old_tracing_switches()
        window = _Window(spec=spec, leads=leads, opt_out_urls=opt_out_urls, facts=[], written=[], checked=[], mended=0)
        with tracing_context(enabled=False, parent=False):
            finished = await self._graph.ainvoke(window)
        return [_outcome(checked) for checked in finished["checked"]]

    async def _facts(self, state: _Window) -> dict[str, object]:
        spec = state["spec"]
        return {"facts": [facts_of(spec, *lead) for lead in zip(state["leads"], state["opt_out_urls"], strict=True)]}

    async def _draft(self, state: _Window) -> dict[str, object]:
        return {"written": await self._author.draft(state["spec"], state["facts"])}

    async def _check(self, state: _Window) -> dict[str, object]:
        spec, people = state["spec"], state["facts"]
        common = checks.Window.of(spec, people)
        return {
            "checked": [
                _checked(spec, facts, written, common) for facts, written in zip(people, state["written"], strict=True)
            ]
        }

    async def _mend(self, state: _Window) -> dict[str, object]:
        """Have the rejected ones written again, by the next one who has not tried."""
        mend = self._mends[state["mended"]]
        rejected = [checked for checked in state["checked"] if isinstance(checked, Rejected)]
        again = dict(zip((facts.number for facts, *_ in rejected), await mend(state["spec"], rejected), strict=True))
        written = [
            checked if isinstance(checked, Draft) else again[checked.facts.number] for checked in state["checked"]
        ]
        return {"written": written, "mended": state["mended"] + 1}

    def _after_check(self, state: _Window) -> str:
        rejected = any(isinstance(checked, Rejected) for checked in state["checked"])
        return "mend" if rejected and state["mended"] < len(self._mends) else END


def _anew(fallback: Author) -> _Mend:
    """The fallback's first version, as a way of mending what the author could not."""

    async def mend(spec: CampaignSpec, rejected: Sequence[Rejected]) -> list[AuthoredText | Problem]:
        return await fallback.draft(spec, [draft.facts for draft in rejected])

    return mend


def _checked(
    spec: CampaignSpec, facts: Facts, written: AuthoredText | Problem | Draft, common: checks.Window
) -> Draft | Rejected:
    if isinstance(written, Draft):
        return written
    if isinstance(written, Problem):
        return Rejected(facts, None, written)
    draft = finished(spec, facts, written)
    wrong = checks.problem(written, draft, facts, common)
    return Rejected(facts, written, wrong) if wrong else draft


def _outcome(checked: Draft | Rejected) -> Draft | LeadEnd:
    if isinstance(checked, Draft):
        return checked
    number, reason = checked.facts.number, f"draft_rejected:{checked.problem}"
    return LeadEnd(number=number, state=LeadState.FAILED, reason=reason)


def _forget_old_tracing_switches() -> None:
    """Take back what would make LangChain refuse to run: it asks for a newer switch, and no switch may trace people."""
    for name in _OLD_TRACING_SWITCHES:
        os.environ.pop(name, None)
