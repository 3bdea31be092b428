"""A window of leads becomes drafts, each of which passed the gate, or a reason why there is none."""

import socket
import time
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.tracers.langchain import LangChainTracer

from domain.campaign import CampaignSpec
from domain.lead import Lead, LeadEnd, LeadState
from domain.message import Draft
from providers.writing.author import AuthoredText, Problem, Rejected
from providers.writing.facts import Facts
from providers.writing.graph import DraftingGraph
from providers.writing.templates import TemplateAuthor

BODY = """\
Hello {{ lead.first_name or "there" }},

Flakewatch 2.4 {{ offer.summary }}
and is worth a look{% if lead.company %} at {{ lead.company }}{% endif %}:

- it is faster
- your plan is {{ lead.extra.plan or "free" }}

{{ offer.link }}

{{ sender.name }}
"""

TEXT = """\
Hello Kim,

Flakewatch 2.4 finds the tests that fail at random and is worth a look
at Lake & Sons:

- it is faster
- your plan is pro

https://example.com/flakewatch

Dana Rivers

--\N{SPACE}
Dana Rivers, Example Labs
1 Example Street, 12345 Example City
You get this mail because you agreed to it.
Your address comes from the list subscribers.csv, line 17, consented 2026-01-02.
Privacy: https://example.com/privacy
Stop these mails: https://example.com/u/1
"""

HTML = """\
<!DOCTYPE html>
<html>
<head><meta charset="utf-8"></head>
<body style="font-family: sans-serif; font-size: 15px; line-height: 1.5">
<p>Hello Kim,</p>
<p>Flakewatch 2.4 finds the tests that fail at random and is worth a look at Lake &amp; Sons:</p>
<p>- it is faster<br>- your plan is pro</p>
<p><a href="https://example.com/flakewatch">https://example.com/flakewatch</a></p>
<p>Dana Rivers</p>
<p style="color: #666; font-size: 12px; border-top: 1px solid #ccc; padding-top: 8px">Dana Rivers, Example Labs<br>\
1 Example Street, 12345 Example City<br>You get this mail because you agreed to it.<br>\
Your address comes from the list subscribers.csv, line 17, consented 2026-01-02.<br>\
Privacy: <a href="https://example.com/privacy">https://example.com/privacy</a><br>\
<a href="https://example.com/u/1">Stop these mails</a></p>
</body>
</html>
"""


def campaign(
    body: str = BODY, subject: str = "Flakewatch 2.4", html: str | None = None, **changed: object
) -> CampaignSpec:
    parts: dict[str, Any] = {
        "version": 1,
        "name": "release-notes",
        "owner": "dana",
        "audience": {"source": "csv", "file": "subscribers.csv"},
        "permission": {"basis": "consent"},
        "sender": {
            "name": "Dana Rivers",
            "organization": "Example Labs",
            "postal_address": "1 Example Street, 12345 Example City",
            "reply_to": "dana@example.com",
            "privacy_url": "https://example.com/privacy",
        },
        "offer": {
            "product": "Flakewatch",
            "summary": "finds the tests that fail at random",
            "link": "https://example.com/flakewatch",
        },
        "sequence": [{"subject": subject, "body": body, "html": html}],
        "review": {"mode": "none"},
        "sending": {
            "provider": "smtp",
            "mailboxes": [{"name": "relay", "address": "news@example.com", "pace": "none"}],
        },
    }
    return CampaignSpec.model_validate(parts | changed)


def lead(number: int = 1, **changed: object) -> Lead:
    fields: dict[str, Any] = {
        "number": number,
        "email": f"lead{number}@example.org",
        "name": "Kim Lake",
        "company": "Lake & Sons",
        "extra": {"plan": "pro"},
        "opt_out_token": f"token{number}",
        "source": "the list subscribers.csv, line 17, consented 2026-01-02",
    }
    return Lead.model_validate(fields | changed)


async def write(graph: DraftingGraph, spec: CampaignSpec, leads: Sequence[Lead]) -> list[Draft | LeadEnd]:
    return await graph.write(spec, leads, [f"https://example.com/u/{one.number}" for one in leads])


async def draft(spec: CampaignSpec, one: Lead) -> Draft:
    (written,) = await write(DraftingGraph(TemplateAuthor()), spec, [one])
    assert isinstance(written, Draft)
    return written


def failed(number: int, problem: str) -> LeadEnd:
    return LeadEnd(number=number, state=LeadState.FAILED, reason=f"draft_rejected:{problem}")


class Scripted:
    """An author that does what its script says and writes down what it was asked."""

    at_once = 100

    def __init__(
        self,
        name: str,
        first: Callable[[Facts], str | Problem],
        second: Callable[[Rejected], str | Problem] = lambda rejected: rejected.problem,
    ) -> None:
        self.name = name
        self.first = first
        self.second = second
        self.asked: list[tuple[str, list[int]]] = []

    async def draft(self, spec: CampaignSpec, people: Sequence[Facts]) -> list[AuthoredText | Problem]:
        assert spec.name == "release-notes"
        self.asked.append(("draft", [facts.number for facts in people]))
        return [self._text(self.first(facts)) for facts in people]

    async def repair(self, spec: CampaignSpec, rejected: Sequence[Rejected]) -> list[AuthoredText | Problem]:
        assert spec.name == "release-notes"
        self.asked.append(("repair", [one.facts.number for one in rejected]))
        return [self._text(self.second(one)) for one in rejected]

    def _text(self, body: str | Problem) -> AuthoredText | Problem:
        return body if isinstance(body, Problem) else AuthoredText("News", body, None, self.name, "v1")


async def test_the_draft_reads_as_written() -> None:
    written = await draft(campaign(), lead())

    assert written.text == TEXT
    assert written.html == HTML
    assert (written.number, written.step, written.subject) == (1, 1, "Flakewatch 2.4")
    assert (written.author, written.version) == ("template", "d3ef2b132c95")


async def test_empty_fields_are_empty_text() -> None:
    written = await draft(campaign(), lead(name="kim42", company="", extra={"plan": ""}, source=""))

    assert written.text.startswith("Hello there,\n")
    assert "worth a look:\n" in written.text
    assert "your plan is free\n" in written.text
    assert "Your address comes from" not in written.text


async def test_the_campaigns_own_page_is_used_and_gets_the_footer() -> None:
    written = await draft(campaign(html="<html><body><h1>{{ lead.company }}</h1></body></html>"), lead())

    assert written.html.startswith("<html><body><h1>Lake &amp; Sons</h1><p style=")
    assert '<a href="https://example.com/u/1">Stop these mails</a></p>\n</body></html>' in written.html
    assert written.text == TEXT


async def test_without_a_sender_drafts_are_made_and_show_what_there_is() -> None:
    written = await draft(campaign("Hello", sender=None, permission=None), lead())

    assert written.text.endswith(
        "-- \nYour address comes from the list subscribers.csv, line 17, consented 2026-01-02.\n"
        "Stop these mails: https://example.com/u/1\n"
    )


async def test_a_row_may_state_its_own_basis() -> None:
    written = await draft(campaign(), lead(permission_basis="existing_relationship"))

    assert "You get this mail because we are in contact with you already.\n" in written.text


async def test_answers_keep_the_order_and_one_problem_is_one_leads_problem() -> None:
    leads = [lead(3), lead(1, extra={}), lead(2)]

    written = await write(DraftingGraph(TemplateAuthor()), campaign(), leads)

    assert [one.number for one in written] == [3, 1, 2]
    assert written[1] == failed(1, "undefined_variable")
    assert isinstance(written[2], Draft)


async def test_no_lead_is_no_work() -> None:
    assert await write(DraftingGraph(TemplateAuthor()), campaign(), []) == []


async def test_a_long_subject_is_repaired_by_the_template_author() -> None:
    written = await draft(campaign(subject="News for {{ lead.company }} " + "and more " * 10), lead())

    assert written.subject == "News for Lake & Sons and more and more and more and more and more and more and…"


async def test_the_author_repairs_once_and_only_what_was_rejected() -> None:
    author = Scripted("model", lambda facts: "Hello None" if facts.number == 2 else "Hello", lambda _: "Hello again")
    fallback = Scripted("fallback", lambda _: "never asked")

    written = await write(DraftingGraph(author, fallback), campaign(), [lead(1), lead(2), lead(3)])

    assert author.asked == [("draft", [1, 2, 3]), ("repair", [2])]
    assert fallback.asked == []
    assert [one.text.split("\n")[0] for one in written if isinstance(one, Draft)] == ["Hello", "Hello again", "Hello"]


async def test_the_author_is_told_the_problem_and_its_own_text() -> None:
    seen: list[Rejected] = []

    def second(rejected: Rejected) -> str:
        seen.append(rejected)
        return "Hello"

    author = Scripted("model", lambda facts: "" if facts.number == 1 else Problem.TEMPLATE_ERROR, second)
    await write(DraftingGraph(author), campaign(), [lead(1), lead(2)])

    assert [(one.problem, one.text and one.text.body) for one in seen] == [
        (Problem.EMPTY_BODY, ""),
        (Problem.TEMPLATE_ERROR, None),
    ]


async def test_what_cannot_be_repaired_goes_to_the_fallback() -> None:
    author = Scripted("model", lambda facts: "{{ broken }}" if facts.number == 2 else "Hello", lambda _: "{{ still }}")

    written = await write(DraftingGraph(author, TemplateAuthor()), campaign(), [lead(1), lead(2)])

    assert author.asked == [("draft", [1, 2]), ("repair", [2])]
    assert [one.author for one in written if isinstance(one, Draft)] == ["model", "template"]
    assert isinstance(written[1], Draft)
    assert written[1].text.startswith("Hello Kim,\n\nFlakewatch 2.4")


async def test_the_fallback_may_repair_its_own_draft_too() -> None:
    spec = campaign(subject="long " * 30)

    (written,) = await write(
        DraftingGraph(Scripted("model", lambda _: Problem.EMPTY_BODY), TemplateAuthor()), spec, [lead()]
    )

    assert isinstance(written, Draft)
    assert written.subject.endswith("long…")


async def test_what_nobody_can_write_ends_the_lead_with_the_reason() -> None:
    author = Scripted("model", lambda facts: "" if facts.number == 2 else "Hello", lambda _: "")
    fallback = Scripted("fallback", lambda _: "Dear None", lambda _: "Dear nan")

    written = await write(DraftingGraph(author, fallback), campaign(), [lead(1), lead(2), lead(3)])

    assert fallback.asked == [("draft", [2]), ("repair", [2])]
    assert written[1] == failed(2, "none_in_text")
    assert isinstance(written[0], Draft)
    assert isinstance(written[2], Draft)


async def test_without_a_fallback_the_lead_ends_after_the_repair() -> None:
    author = Scripted("model", lambda _: "")

    assert await write(DraftingGraph(author), campaign(), [lead()]) == [failed(1, "empty_body")]
    assert author.asked == [("draft", [1]), ("repair", [1])]


async def test_no_draft_names_somebody_else_of_the_window() -> None:
    author = Scripted(
        "model", lambda facts: f"Ask lead{3 - facts.number}@example.org" if facts.number == 1 else "Hello"
    )

    written = await write(DraftingGraph(author), campaign(), [lead(1), lead(2)])

    assert written[0] == failed(1, "address_of_another_lead")
    assert isinstance(written[1], Draft)


class Tags(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(f"{tag} {sorted(name for name, _ in attrs)}")

    def handle_data(self, data: str) -> None:
        self.text += data


EVIL = st.sampled_from(
    [
        *("{{ 7*7 }}", "{{ sender.__class__ }}", "{% for x in range(9) %}", "{# #}", "{}", "%s", "${jndi}"),
        *("</p><script>alert(1)</script>", "<img src=x onerror=y>", '" onclick="x', "'", "&amp;"),
        *("\r\n.\r\n", "Bcc: x@example.net", "\u202e", "\x00"),
    ]
)
LETTERS = st.text(max_size=8).filter(lambda text: "n" not in normalize("NFKC", text).casefold())
"""Without the letter of `None` and `nan`: a cell that says nothing is refused."""
CELLS = st.lists(EVIL | LETTERS, max_size=5).map("".join)


@given(company=CELLS, plan=CELLS, name=CELLS)
async def test_cells_appear_as_they_are_and_never_evaluate(company: str, plan: str, name: str) -> None:
    spec = campaign("Company {{ lead.company }}.\n\nPlan {{ lead.extra.plan }}.\n\nName {{ lead.name }}.")
    harmless = Tags()
    harmless.feed((await draft(spec, lead(name="A", company="B", extra={"plan": "C"}))).html)

    written = await draft(spec, lead(name=name, company=company, extra={"plan": plan}))

    page = Tags()
    page.feed(written.html)
    assert "49" not in written.text or "49" in company + plan + name
    assert set(page.tags) <= {*harmless.tags, "br []"}
    assert not set(written.subject) & set("\r\n\x00")


async def test_a_cell_with_markup_is_shown_literally() -> None:
    spec = campaign(
        "Your note: {{ lead.extra.note }}", html="<p title='{{ lead.extra.note }}'>{{ lead.extra.note }}</p>"
    )

    written = await draft(spec, lead(extra={"note": "{{ 7*7 }} </p><script>'x'"}))

    assert written.text.startswith("Your note: {{ 7*7 }} </p><script>'x'\n")
    escaped = "{{ 7*7 }} &lt;/p&gt;&lt;script&gt;&#39;x&#39;"
    assert f"<p title='{escaped}'>{escaped}</p>" in written.html


TRACING = (
    "LANGCHAIN_TRACING",
    "LANGCHAIN_TRACING_V2",
    "LANGSMITH_TRACING",
    "LANGSMITH_TRACING_V2",
    "LANGCHAIN_HANDLER",
)


@pytest.mark.parametrize("switch", [*TRACING, "all"])
async def test_no_environment_variable_makes_langchain_send_anything_anywhere(
    switch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in TRACING if switch == "all" else (switch,):
        monkeypatch.setenv(name, "true")
    with socket.create_server(("127.0.0.1", 0)) as collector:
        collector.settimeout(0.3)
        address = f"http://127.0.0.1:{collector.getsockname()[1]}"
        for name in ("LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT"):
            monkeypatch.setenv(name, address)
        monkeypatch.setenv("LANGSMITH_API_KEY", "a key that must go nowhere")
        made: list[object] = []
        monkeypatch.setattr(LangChainTracer, "__init__", lambda self, **_: made.append(self))

        (written,) = await write(DraftingGraph(TemplateAuthor()), campaign(), [lead()])

        assert isinstance(written, Draft)
        assert made == []
        with pytest.raises(TimeoutError):
            collector.accept()


async def test_a_thousand_leads_in_windows_of_a_hundred_take_less_than_two_seconds() -> None:
    graph, spec = DraftingGraph(TemplateAuthor()), campaign(html="<h1>{{ lead.name }}</h1>")
    started = time.process_time()

    drafts = [
        one
        for first in range(1, 1001, 100)
        for one in await write(graph, spec, [lead(n) for n in range(first, first + 100)])
    ]

    assert time.process_time() - started < 2
    assert sum(isinstance(one, Draft) for one in drafts) == 1000
