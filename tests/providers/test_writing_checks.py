"""The gate that every draft passes names each kind of mistake, and lets through what only looks like one."""

import pytest

from domain.message import Draft
from providers.writing import checks
from providers.writing.author import AuthoredText, Problem
from providers.writing.facts import Facts

KIM = Facts(
    number=1,
    email="kim@example.org",
    name="Kim Lake",
    first_name="Kim",
    company="Lake Works",
    location="Hamburg",
    login="",
    repository={},
    extra={"manager": "lee@example.org", "snippet": "{{ 7*7 }} &amp;"},
    source="the list subscribers.csv, line 17",
    basis="consent",
    opt_out_url="https://example.com/u/token?a=1&b=2",
)
WINDOW = checks.Window(
    identity="Dana Rivers, O'Example Labs",
    postal_address="1 Example Street",
    own_words="write to support@example.com",
    addresses=frozenset({"kim@example.org", "lee@example.org", "ann@example.org"}),
)
FOOT = "Dana Rivers, O'Example Labs\n1 Example Street\nStop: https://example.com/u/token?a=1&b=2"
HTML_FOOT = "Dana Rivers, O&#x27;Example Labs<br>1 Example Street<br>https://example.com/u/token?a=1&amp;b=2"


def judged(
    subject: str = "News",
    body: str = "Hello Kim",
    html: str | None = None,
    foot: str = FOOT,
    html_foot: str = HTML_FOOT,
) -> Problem | None:
    written = AuthoredText(subject, body, html, "scripted", "1")
    draft = Draft(
        number=1,
        subject=subject,
        text=f"{body}\n\n{foot}",
        html=f"{html or body}{html_foot}",
        author="scripted",
        version="1",
    )
    return checks.problem(written, draft, KIM, WINDOW)


def test_a_good_draft_passes() -> None:
    assert judged() is None


@pytest.mark.parametrize(
    ("subject", "problem"),
    [
        ("", Problem.EMPTY_SUBJECT),
        ("  ", Problem.EMPTY_SUBJECT),
        ("News\r\nBcc: ann@example.org", Problem.CONTROL_IN_SUBJECT),
        ("News\x00", Problem.CONTROL_IN_SUBJECT),
        ("x" * 81, Problem.SUBJECT_TOO_LONG),
        ("Re: our call", Problem.FAKE_REPLY),
        ("FWD: our call", Problem.FAKE_REPLY),
        ("re[2]: our call", Problem.FAKE_REPLY),
        ("AW: Termin", Problem.FAKE_REPLY),
        ("News for None", Problem.NOTHING_WRITTEN_OUT),
        ("News for {{ lead.name }}", Problem.PLACEHOLDER_LEFT),
        ("x" * 80, None),
        ("Reply wanted: yes", None),
        ("Rewriting tests", None),
    ],
)
def test_subjects(subject: str, problem: Problem | None) -> None:
    assert judged(subject=subject) is problem


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", Problem.EMPTY_BODY),
        ("\n \n", Problem.EMPTY_BODY),
        ("x" * 20_001, Problem.BODY_TOO_LONG),
        ("Hello None,", Problem.NOTHING_WRITTEN_OUT),
        ("at nan, ", Problem.NOTHING_WRITTEN_OUT),
        ("Hello {{ name }}", Problem.PLACEHOLDER_LEFT),
        ("Hello {% if name", Problem.PLACEHOLDER_LEFT),
        ("Lake &amp; Sons {{", Problem.PLACEHOLDER_LEFT),
        ("Lake &lt; Sons", Problem.HTML_ENTITY),
        ("Lake &#39; Sons", Problem.HTML_ENTITY),
        ("Ann is ann@example.org.", Problem.FOREIGN_ADDRESS),
        ("Ann is <ANN@Example.org>", Problem.FOREIGN_ADDRESS),
        ("Your plan: {{ 7*7 }} &amp;", None),
        ("Nanette, nobody, nonetheless, finance", None),
        ("You are kim@example.org, your manager is lee@example.org", None),
        ("Write to support@example.com or stranger@example.net", None),
        ("R&D; AT&T;", None),
    ],
)
def test_bodies(body: str, problem: Problem | None) -> None:
    assert judged(body=body) is problem


def test_what_the_campaign_says_itself_is_no_remnant() -> None:
    window = WINDOW._replace(own_words="None of this is {{ magic }} or &amp;")

    assert list(checks.remnant_problems("None of this is {{ magic }} or &amp;", KIM, window.own_words)) == []
    assert list(checks.remnant_problems("null", KIM, window.own_words)) == [Problem.NOTHING_WRITTEN_OUT]


@pytest.mark.parametrize(
    ("cut", "problem"),
    [
        ("https://example.com/u/token?a=1&b=2", Problem.NO_OPT_OUT),
        ("Dana Rivers, O'Example Labs", Problem.NO_IDENTITY),
        ("1 Example Street", Problem.NO_POSTAL_ADDRESS),
    ],
)
def test_a_draft_without_its_footer_is_refused(cut: str, problem: Problem) -> None:
    escaped = cut.replace("&", "&amp;").replace("'", "&#x27;")

    assert judged(foot=FOOT.replace(cut, "")) is problem
    assert judged(html_foot=HTML_FOOT.replace(escaped, "")) is problem


@pytest.mark.parametrize("link", ['<a href="javascript:alert(1)">', "<img SRC = 'data:text/html,x'>"])
def test_links_that_run_code_are_refused(link: str) -> None:
    assert judged(html=link) is Problem.UNSAFE_LINK


def test_a_long_run_without_an_address_is_read_in_one_pass() -> None:
    assert judged(body="@" + "a" * 19_000) is None
    assert judged(body="a." * 9_000 + "@") is None
