"""Whatever a campaign's texts say, rendering them takes little time and little memory, and breaks nothing."""

import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import TemplateError

from domain.campaign import CampaignSpec, Step
from domain.lead import Lead
from providers.writing.author import AuthoredText, Problem
from providers.writing.environment import compiled
from providers.writing.facts import facts_of
from providers.writing.template_check import check_templates
from providers.writing.templates import TemplateAuthor

MEMORY = 2_000_000
SECONDS = 0.5  # of a machine that is busy with other tests; the bound itself is about a tenth
SPEC = CampaignSpec.model_validate(
    {
        "version": 1,
        "name": "release-notes",
        "owner": "dana",
        "audience": {"source": "csv", "file": "subscribers.csv"},
        "permission": {"basis": "consent"},
        "sequence": [{"subject": "News", "body": "Hello"}],
        "review": {"mode": "none"},
        "sending": {"provider": "smtp", "mailboxes": [{"name": "relay", "address": "n@example.com", "pace": "none"}]},
    }
)
LEAD = Lead(
    number=1, email="kim@example.org", name="Kim Lake", extra={"note": "a, b & " * 40, "n": "7"}, opt_out_token="t"
)
FACTS = facts_of(SPEC, LEAD, "https://example.com/u/token")


def campaign(body: str, html: str | None) -> CampaignSpec:
    return SPEC.model_copy(update={"sequence": [Step(subject="News", body=body, html=html)]})


async def written(template: str) -> AuthoredText | Problem:
    """What becomes of a text, as a body and as a page, within the bounds of time and memory."""
    spec = campaign(template, template)
    for html in (False, True):
        _compile(template, html=html)
    tracemalloc.start()
    started = time.process_time()
    try:
        (answer,) = await TemplateAuthor().draft(spec, [FACTS])
        seconds = time.process_time() - started
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY, f"{peak:,} bytes"
    assert seconds < SECONDS, f"{seconds:.3f} s"
    return answer


def _compile(template: str, *, html: bool) -> None:
    """Done once for a campaign, so not a part of what rendering costs."""
    with suppress(TemplateError):
        compiled(template, html=html)


def chain(filter_: str, times: int, start: str = "'x'") -> str:
    return "{{ " + start + filter_ * times + " }}"


LONG = "'" + "x" * 4_900 + "'"
BOMBS = {
    "doubling a text": "{% set a = 'x' %}" + "{% set a = a ~ a %}" * 29 + "{{ a|length }}",
    "squaring a number": "{% set a = 9999 %}" + "{% set a = a * a %}" * 32 + "{{ a % 7 }}",
    "a block that is set": "{% set a %}{{ 'x' * 9 }}{% endset %}{{ a }}",
    "with": "{% with a = 'x' %}{{ a ~ a }}{% endwith %}",
    "replace": chain("|replace('x', 'xxxxxxxxxx')", 10),
    "replace nothing": chain("|replace('', 'xxxxxxxxxx')", 10),
    "replace, named": chain("|replace(old='x', new='xxxxxxxxxx')", 10),
    "replace a needle that nearly fits": "{{ " + LONG + "|replace('" + "x" * 99 + "y', '') }}",
    "join": "{{ range(1000)|join(range(1000)|join(range(1000)|join('x'))) }}",
    "join, named": "{{ range(1000)|join(d=range(1000)|join(d='xxxxx')) }}",
    "join of joins": chain("|list|join('xxxxxxxxxx')", 10, "'xx'"),
    "~": "{{ " + " ~ ".join([LONG] * 20) + " }}",
    "+": "{{ " + " + ".join([LONG] * 20) + " }}",
    "a product": "{{ " + " * ".join(["999999999999999"] * 25) + " }}",
    "a difference": "{{ -999999999999999" + " - 999999999999999" * 25 + " }}",
    "a hexadecimal number": "{{ 0x" + "f" * 50_000 + " % 7 }}",
    "a decimal number": "{{ " + "9" * 50_000 + " }}",
    "a text as a number": "{{ ('" + "9" * 4_200 + "'|int) * 2 }}",
    "rounding": "{{ 5|round(-100000000) }}",
    "rounding up": "{{ 5.5|round(100000000, 'ceil') }}",
    "a list of lists": "{{ [[" + ", ".join(["lead.extra.note"] * 300) + "]] }}",
    "a list as a text": "{{ [" + ", ".join(["lead.extra.note"] * 300) + "]|string }}",
    "a path as attribute": "{{ range(900)|map('string')|list }}{{ ['x']|sort(attribute='" + "0." * 2_000 + "0') }}",
    "many paths as attributes": "{{ 'xxxxxxxxx'|list|unique(attribute='" + "0." * 2_000 + "0')|list }}",
    "comparing in a loop": "{% for n in range(1000) %}{% if " + LONG + " in " + LONG + " %}{% endif %}{% endfor %}",
    "slicing in a loop": "{% for n in range(1000) %}{{ (" + LONG + "[::-1])[0] }}{% endfor %}",
    "filters in a loop": "{% for n in range(1000) %}{% if lead.extra.note"
    + "|upper|lower" * 9
    + " %}{% endif %}{% endfor %}",
    "methods in a loop": "{% for n in range(1000) %}{% if lead.extra.note"
    + ".strip()" * 19
    + " %}{% endif %}{% endfor %}",
    "a loop that is chosen": "{% for n in range(1000) if n in range(1000)|list|list|list %}{% endfor %}",
    "a large body in a loop": "{% for n in range(1000) %}" + "{% if n %}{% endif %}" * 900 + "{% endfor %}",
    "loops, one after another": "{% for n in range(1000) %}{{ n == 5 and n or '' }}{% endfor %}" * 100,
    "a loop over the loop": "{% for n in range(9) %}{{ loop|list }}{{ loop.changed(n) }}{% endfor %}",
    "parentheses": "{{ " + "(" * 3_000 + "1" + ")" * 3_000 + " }}",
    "a long sum": "{{ " + " + ".join(["1"] * 5_000) + " }}",
    "a long choice": "{{ " + " or ".join(["lead.company"] * 5_000) + " }}",
    "conditions in conditions": "{% if 1 %}" * 150 + "{% endif %}" * 150,
    "conditions in conditions, not as many": "{% if 1 %}" * 29 + "{% endif %}" * 29,
    "not, many times": "{{ " + "not " * 500 + "1 }}",
    "much of everything": "{{ lead.name }} and {% if lead.company %}x{% endif %}" * 3_000,
    "truncate": "{{ 'a long word'|truncate(1) }}",
    "a whole group": "{{ lead|string|upper }}{{ lead.extra ~ lead.extra }}",
    "lists with each other": "{{ [1] + [2] }}",
    "a list": "{{ [1, 2] }}",
    "a method": "{{ lead.name.upper }}",
}

HARMLESS = {"a whole group", "conditions in conditions, not as many", "replace a needle that nearly fits"}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_is_a_problem_of_the_text(name: str) -> None:
    answer = await written(BOMBS[name])

    problems = {Problem.TEMPLATE_ERROR, Problem.BODY_TOO_LONG, Problem.UNDEFINED_VARIABLE}
    assert isinstance(answer, AuthoredText) if name in HARMLESS else answer in problems
    check_templates(campaign(BOMBS[name], None), ["note", "n"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("doubling a text", "`set` cannot be used in a campaign's texts"),
        ("squaring a number", "`set` cannot be used in a campaign's texts"),
        ("a block that is set", "`set` cannot be used in a campaign's texts"),
        ("with", "`with` cannot be used in a campaign's texts"),
        ("a hexadecimal number", "a number beyond 1,000,000,000,000,000 is refused"),
        ("a decimal number", "a number has too many digits"),
        ("parentheses", "too many expressions within each other"),
        ("a long sum", "more than 30 expressions within each other"),
        ("conditions in conditions", "more than 30 expressions within each other"),
        ("much of everything", "more than 2,000 variables, conditions and pieces of text"),
    ],
)
def test_what_can_be_seen_beforehand_is_refused_before_the_first_lead(name: str, message: str) -> None:
    (mistake,) = check_templates(campaign(BOMBS[name], None), None)

    assert (mistake.field, mistake.line_in_template, mistake.message) == ("sequence.0.body", 1, message)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ lead.first_name or 'there' }} {{ lead.company|default('you', true) }}", "Kim you"),
        ("{{ lead.name ~ ', ' ~ 7 }} {{ 'Dear ' + lead.first_name }}", "Kim Lake, 7 Dear Kim"),
        ("{{ lead.extra.n|int * 3 - 1 }} {{ 7 // 2 }} {{ 7 / 2 }} {{ 7 % 2 }} {{ -7|abs }}", "20 3 3.5 1 7"),
        ("{{ lead.extra.note.split(',')|first|upper }} {{ lead.extra.note[:4] }}", "A a, b"),
        ("{{ ['b', 'a', 'b']|unique|sort|reverse|join(', ') }} {{ ['a', 'b']|join }}", "b, a ab"),
        ("{{ 2.345|round(2) }} {{ 2.5|round(0, 'floor') }} {{ 7|round|int }}", "2.35 2.0 7"),
        (
            "{% for n in [1, 2, 3] if n != 2 %}{{ loop.index }}{{ n }}{% if not loop.last %};{% endif %}{% endfor %}",
            "11;23",
        ),
        ("{% for n in [] %}{% else %}none{% endfor %}", "none"),
        ("{% if 'n' in lead.extra and 1 < lead.extra.n|int <= 7 %}yes{% elif 1 %}no{% endif %}", "yes"),
        ("{{ lead.name|replace('i', 'ii') }} {{ lead.name|truncate(6, true, '…', 0) }}", "Kiim Lake Kim L…"),
        ("{{ 'a' if lead.extra.n|int is divisibleby 7 else 'b' }} {{ 3 is in [1, 3] }}", "a True"),
    ],
)
async def test_what_a_mail_needs_works(template: str, text: str) -> None:
    assert check_templates(campaign(template, None), ["note", "n"]) == []

    answer = await written(template)

    assert isinstance(answer, AuthoredText)
    assert (answer.body, answer.html) == (text, text)


async def test_what_is_joined_in_a_page_is_escaped_once() -> None:
    answer = await written(
        "{{ lead.extra.note[:7] ~ '&' }} {{ lead.extra.note[:6]|replace('a', '<') }} {{ ['<', '&']|join('>') }}"
    )

    assert isinstance(answer, AuthoredText)
    assert answer.body == "a, b & & <, b & <>&"
    assert answer.html == "a, b &amp; &amp; &lt;, b &amp; &lt;&gt;&amp;"


async def test_one_lead_does_not_use_up_the_work_of_the_next() -> None:
    spec = campaign("{% for n in range(1000) %}{{ '' if n < 999 else n }}{% endfor %}", None)

    answers = await TemplateAuthor().draft(spec, [FACTS] * 20)

    assert {answer.body if isinstance(answer, AuthoredText) else answer for answer in answers} == {"999"}


VALUES = ("lead.name", "lead.extra.note", "lead.extra.n", "lead.extra", "lead", "n", "loop", "loop.index", "nope")
CONSTANTS = ("'x'", "''", "' '", LONG, "7", "0", "-1", "1.5", "999999999", "999999999999999", "true", "none")
ATOMS = st.sampled_from([*VALUES, *CONSTANTS, "range(1000)", "[]", "[1, 'x']"])
FILTERS = [
    *("upper", "lower", "list", "string", "length", "int", "float", "reverse", "sort", "unique", "title", "e", "trim"),
    *("first", "last", "max", "min", "striptags", "urlencode", "wordcount", "capitalize", "abs", "round", "join"),
]
FILTERS_OF_ONE = ["join", "default", "replace('x',", "replace(", "truncate", "round", "trim", "int", "sort(attribute="]
BINARY = ["~", "+", "-", "*", "/", "//", "%", "or", "and", "==", "<", "in", "not in", "is in"]


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def of_one(value: str, filter_: str, argument: str) -> str:
        if filter_ == "replace(":
            return f"({value}|replace({argument}, {value}))"
        return f"({value}|{filter_}{argument}))" if filter_[-1] in ",=" else f"({value}|{filter_}({argument}))"

    formats: list[Callable[..., str]] = [
        "({0}|{1})".format,
        "({0} {1} {2})".format,
    ]
    return st.one_of(
        st.builds(formats[0], inner, st.sampled_from(FILTERS)),
        st.builds(of_one, inner, st.sampled_from(FILTERS_OF_ONE), inner),
        st.builds(formats[1], inner, st.sampled_from(BINARY), inner),
        st.builds("[{0}, {0}, {1}]".format, inner, inner),
        st.builds("{0}[{1}]".format, inner, st.sampled_from(["0", ":9", "::-1", "'x'", "1:"])),
        st.builds("{0}.{1}()".format, inner, st.sampled_from(["upper", "split", "strip", "title", "join", "format"])),
        st.builds("({0} if {1} else {0})".format, inner, inner),
        st.builds("range({0})".format, inner),
    )


EXPRESSIONS = st.recursive(ATOMS, _larger, max_leaves=12)
SHOWN = st.builds("{{{{ {0} }}}}".format, EXPRESSIONS)
PIECES = st.one_of(
    SHOWN,
    st.builds("{{% if {0} %}}{1}{{% else %}}x{{% endif %}}".format, EXPRESSIONS, SHOWN),
    st.builds("{{% for n in {0} %}}{1}{{% endfor %}}".format, EXPRESSIONS, SHOWN),
    st.builds("{{% for n in range(1000) if {0} %}}{1}{{% endfor %}}".format, EXPRESSIONS, SHOWN),
    st.builds("{{% set n = {0} %}}".format, EXPRESSIONS),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES, min_size=1, max_size=4).map("".join))
async def test_no_text_hangs_grows_or_breaks_the_window(template: str) -> None:
    answer: Any = await written(template)

    assert isinstance(answer, AuthoredText | Problem)
    check_templates(campaign(template, template), ["note", "n"])
