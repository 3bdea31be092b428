"""Campaign texts: mistakes are found before the first lead, and no text can hang, grow or reach out."""

import time
from typing import Any

import pytest
from turns import counted_turns

from domain.campaign import CampaignSpec, TemplateMistake
from domain.lead import Lead, LeadRepository
from providers.writing.author import AuthoredText, Problem, Rejected
from providers.writing.facts import Facts, facts_of
from providers.writing.template_check import check_templates
from providers.writing.templates import TemplateAuthor, template_version
from providers.writing.variables import variables

LEAD = Lead(
    number=1,
    email="kim@example.org",
    name="Kim Lake",
    company="Lake & Sons",
    location="Hamburg",
    extra={"plan": "pro", "items": "twelve", "get": "", "Renewal date": "May"},
    opt_out_token="token",
)


def campaign(body: str = "Hello", subject: str = "News", html: str | None = None, **changed: object) -> CampaignSpec:
    parts: dict[str, Any] = {
        "version": 1,
        "name": "release-notes",
        "owner": "dana",
        "audience": {"source": "csv", "file": "subscribers.csv"},
        "permission": {"basis": "consent"},
        "sender": {"name": "Dana Rivers", "postal_address": "1 Example Street", "reply_to": "dana@example.com"},
        "offer": {"product": "Flakewatch", "summary": "finds flaky tests", "link": "https://example.com/flakewatch"},
        "sequence": [{"subject": subject, "body": body, "html": html}],
        "review": {"mode": "none"},
        "sending": {
            "provider": "smtp",
            "mailboxes": [{"name": "relay", "address": "news@example.com", "pace": "none"}],
        },
    }
    return CampaignSpec.model_validate(parts | changed)


def facts(lead: Lead = LEAD) -> Facts:
    return facts_of(campaign(), lead, "https://example.com/u/token")


async def written(spec: CampaignSpec, lead: Lead = LEAD) -> AuthoredText | Problem:
    (answer,) = await TemplateAuthor().draft(spec, [facts(lead)])
    return answer


async def body_of(template: str) -> str:
    answer = await written(campaign(template))
    assert isinstance(answer, AuthoredText)
    return answer.body


@pytest.mark.parametrize(
    ("template", "line", "message"),
    [
        ("Hello {{ lead.frist_name }}", 1, "there is no variable `lead.frist_name`; did you mean `lead.first_name`?"),
        ("\n\n{{ lead.extra.paln }}", 3, "there is no column `paln`; did you mean `lead.extra.plan`?"),
        ('{{ lead["extra"]["paln"] }}', 1, "there is no column `paln`; did you mean `lead.extra.plan`?"),
        ("a\n{{ sender.nmae }}", 2, "there is no variable `sender.nmae`; did you mean `sender.name`?"),
        ("{{ ofer.link }}", 1, "there is no variable `ofer`; did you mean `offer`?"),
        ("{{ repositories.name }}", 1, "there is no variable `repositories`"),
        ("{{ lead.name.first }}", 1, "`lead.name` is a text and has no `first`"),
        ("{{ lead.extra }}", 1, "`lead.extra` is a group of variables; write `lead.extra.` and which one"),
        ("{{ lead }}", 1, "`lead` is a group of variables; write `lead.` and which one"),
        ("{{ self }}", 1, "there is no variable `self`"),
        ("{% for lead in [1] %}{% endfor %}", 1, "`lead` has a meaning already and cannot be set"),
        ("{% set a = 1 %}", 1, "`set` cannot be used in a campaign's texts"),
        ("{{ lead.name|uper }}", 1, "there is no filter `uper`; did you mean `upper`?"),
        ("{{ lead.name|safe }}", 1, "there is no filter `safe`"),
        ("{% if lead.name is defind %}{% endif %}", 1, "there is no test `defind`; did you mean `defined`?"),
        ("{{ lead.name.format() }}", 1, "only `range` and the plain methods of texts can be called; use a filter"),
        ("a\n{% if lead.name %}", 2, "unexpected end of template"),
        ("{{ lead.name", 1, "unexpected end of template, expected 'end of print statement'"),
        ("{% include 'other' %}", 1, "`include` cannot be used in a campaign's texts"),
        ("{% macro m() %}{% endmacro %}", 1, "`macro` cannot be used in a campaign's texts"),
        ("{% autoescape false %}{% endautoescape %}", 1, "`autoescape` cannot be used in a campaign's texts"),
        ("{{ 9 ** 9 }}", 1, "`**` cannot be used in a campaign's texts"),
        ("{% for a in [1] %}\n{% for b in [1] %}{% endfor %}{% endfor %}", 2, "a loop within a loop cannot be used"),
        ("x" * 20_001, 1, "longer than 20,000 characters"),
    ],
)
def test_a_mistake_is_one_clear_line(template: str, line: int, message: str) -> None:
    (mistake,) = check_templates(campaign(template), ["plan"])

    assert (mistake.field, mistake.line_in_template) == ("sequence.0.body", line)
    assert mistake.message.startswith(message)


def test_all_mistakes_of_all_texts_are_found_at_once() -> None:
    spec = campaign("{{ a }}\n{{ b|nope }}", subject="{{ c }}", html="<p>{{ lead.d }}</p>")

    found = {(mistake.field, mistake.line_in_template) for mistake in check_templates(spec, None)}

    assert found == {
        ("sequence.0.subject", 1),
        ("sequence.0.body", 1),
        ("sequence.0.body", 2),
        ("sequence.0.html", 1),
    }
    assert len(check_templates(spec, None)) == 5


@pytest.mark.parametrize(
    "template",
    [
        "{{ lead.first_name or 'there' }} {{ lead.extra.plan|upper }} {{ lead.extra['plan'].upper() }}",
        "{{ lead.extra.plan ~ 1 ~ lead.name }}{% for n in range(3) %}{{ loop.index }}{{ n }}{% endfor %}",
        "{% if lead.company is defined and offer.link.startswith('https') %}{{ campaign.goal }}{% endif %}",
        "{% raw %}{{ 7 * 7 }}{% endraw %}",
    ],
)
def test_a_right_text_has_no_mistake(template: str) -> None:
    assert check_templates(campaign(template), ["plan"]) == []


def test_columns_are_checked_only_when_they_are_known() -> None:
    spec = campaign("{{ lead.extra.anything }}")

    assert check_templates(spec, None) == []
    assert check_templates(spec, []) == [
        TemplateMistake("sequence.0.body", 1, "there is no column `anything`"),
    ]


def test_a_part_that_the_spec_does_not_have_is_a_mistake_and_no_variable() -> None:
    spec = campaign("{{ sender.name }}", sender=None)

    (mistake,) = check_templates(spec, None)

    assert mistake.message == "`sender.name` cannot be used: the spec has no `sender`"
    assert not any(variable.name.startswith("sender.") for variable in variables(spec))


@pytest.mark.parametrize("variable", ["repository.name", "audience.active_within_days"])
def test_what_only_a_search_knows_is_a_mistake_where_the_people_come_from_a_file(variable: str) -> None:
    (mistake,) = check_templates(campaign(f"{{{{ {variable} }}}}"), None)

    assert mistake.message == f"`{variable}` cannot be used: the people come from a file, nobody searched for them"
    assert variable not in {one.name for one in variables(campaign())}


async def test_people_who_were_found_are_written_to_about_their_repository() -> None:
    template = (
        "{{ lead.first_name or lead.login }}, {{ repository.commits }} commits ({{ repository.share_percent }} %) to "
        "{{ repository.full_name }} in {{ audience.active_within_days }} days; {{ repository.name }}: "
        "{{ repository.stars + 1 }}, {{ repository.active_people }}, {{ repository.language }}"
    )
    spec = campaign(template, audience={"source": "github", "languages": ["python"], "active_within_days": 30})
    repository = LeadRepository(
        full_name="example-org/widgets",
        url="https://example.org/widgets",
        description="Widgets\u202e <b>for</b> all",
        language="Python",
        stars=1203,
        commits=41,
        share_percent=62,
        active_people=5,
    )
    lead = Lead(number=1, email="kim@example.org", login="kim-lake", repository=repository, opt_out_token="token")

    assert check_templates(spec, None) == []
    assert {"repository.url", "audience.active_within_days", "lead.login"} <= {one.name for one in variables(spec)}
    answer = await written(spec, lead)
    assert isinstance(answer, AuthoredText)
    assert answer.body == ("kim-lake, 41 commits (62 %) to example-org/widgets in 30 days; widgets: 1204, 5, Python")
    described = await written(campaign("{{ repository.description }}", audience=spec.audience.model_dump()), lead)
    assert isinstance(described, AuthoredText)
    assert described.body == "Widgets for all"


async def test_every_variable_that_is_listed_can_be_used() -> None:
    spec = campaign()
    listed = variables(spec, ["plan"])
    template = "\n".join(f"{{{{ {variable.name} }}}}" for variable in listed)

    assert {"lead.first_name", "lead.extra.plan", "sender.reply_to", "offer.link", "campaign.goal"} <= {
        variable.name for variable in listed
    }
    assert check_templates(campaign(template), ["plan"]) == []
    lines = (await body_of(template)).split("\n")
    examples = {variable.name: variable.example for variable in listed}
    shown = dict(zip(examples, lines, strict=True))
    assert shown["offer.link"] == examples["offer.link"] == "https://example.com/flakewatch"
    assert shown["lead.extra.plan"] == "pro"
    assert shown["sender.organization"] == ""


async def test_a_column_named_like_a_method_is_a_column() -> None:
    assert (
        await body_of("{{ lead.extra.items }}|{{ lead.extra.get }}|{{ lead.extra['Renewal date'] }}") == "twelve||May"
    )


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{{ lead.extra.unknown }}", Problem.UNDEFINED_VARIABLE),
        ("{{ unknown }}", Problem.UNDEFINED_VARIABLE),
        ("{{ lead.name", Problem.TEMPLATE_ERROR),
        ("{{ 1 // 0 }}", Problem.TEMPLATE_ERROR),
        ("{{ lead.name + 1 }}", Problem.TEMPLATE_ERROR),
        ("{{ 'x' * 1000000000 }}", Problem.TEMPLATE_ERROR),
        ("{{ [1] * 1000000000 }}", Problem.TEMPLATE_ERROR),
        ("{{ '%1000000000s' % 1 }}", Problem.TEMPLATE_ERROR),
        ("{{ '{:1000000000}'.format(1) }}", Problem.TEMPLATE_ERROR),
        ("{{ 'x'.ljust(1000000000) }}", Problem.TEMPLATE_ERROR),
        ("{{ 'x'|center(1000000000) }}", Problem.TEMPLATE_ERROR),
        ("{{ 9 ** 9 ** 9 ** 9 }}", Problem.TEMPLATE_ERROR),
        ("{% for n in range(1001) %}{% endfor %}", Problem.TEMPLATE_ERROR),
        ("{% for n in range(1000) %}{{ lead.name * 3 }}{% endfor %}", Problem.TEMPLATE_ERROR),
        ("{% for n in range(1000) %}a line of thirty characters or so\n{% endfor %}", Problem.BODY_TOO_LONG),
        ("{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", Problem.TEMPLATE_ERROR),
        ("{{ ''.__class__.__mro__ }}", Problem.TEMPLATE_ERROR),
        ("{{ range.__globals__ }}", Problem.TEMPLATE_ERROR),
        ("{{ lead.extra.update({'plan': 'x'}) }}", Problem.TEMPLATE_ERROR),
    ],
)
async def test_a_text_that_cannot_be_rendered_is_a_problem_of_each_lead_at_once(
    template: str, problem: Problem
) -> None:
    started = time.process_time()

    assert await written(campaign(template)) is problem

    assert time.process_time() - started < 1


async def test_three_loops_deep_ends_at_once() -> None:
    loops = "{% for a in range(999) %}" * 3 + "{% endfor %}" * 3

    assert await written(campaign(loops)) is Problem.TEMPLATE_ERROR


async def test_others_have_their_turns_while_a_window_is_rendered() -> None:
    people = [facts()] * TemplateAuthor.at_once

    async with counted_turns() as turns:
        answers = await TemplateAuthor().draft(campaign("Hello {{ lead.name }}"), people)

    assert len(answers) == len(people)
    assert turns.had == len(people) // 10


async def test_the_subject_is_one_line() -> None:
    answer = await written(campaign(subject="  News{{ '\\n' }}for   {{ lead.name }} "))

    assert isinstance(answer, AuthoredText)
    assert answer.subject == "News for Kim Lake"


async def test_html_is_escaped_and_text_is_not() -> None:
    answer = await written(campaign("{{ lead.company }}", html="<p>{{ lead.company }}</p>"))

    assert isinstance(answer, AuthoredText)
    assert answer.body == "Lake & Sons"
    assert answer.html == "<p>Lake &amp; Sons</p>"


async def test_only_a_long_subject_can_be_repaired() -> None:
    spec = campaign(subject="A long story of " + "words " * 20)
    answer = await written(spec)
    assert isinstance(answer, AuthoredText)

    repaired, given_up = await TemplateAuthor().repair(
        spec,
        [
            Rejected(facts(), answer, Problem.SUBJECT_TOO_LONG),
            Rejected(facts(), answer, Problem.FAKE_REPLY),
        ],
    )

    assert isinstance(repaired, AuthoredText)
    assert repaired.subject == "A long story of words words words words words words words words words words…"
    assert len(repaired.subject) <= 80
    assert repaired.body == answer.body
    assert given_up is Problem.FAKE_REPLY


async def test_one_endless_word_is_cut_too() -> None:
    spec = campaign(subject="x" * 120)
    answer = await written(spec)
    assert isinstance(answer, AuthoredText)

    (repaired,) = await TemplateAuthor().repair(spec, [Rejected(facts(), answer, Problem.SUBJECT_TOO_LONG)])

    assert isinstance(repaired, AuthoredText)
    assert repaired.subject == "x" * 79 + "…"


def test_the_version_is_the_wording() -> None:
    versions = [
        template_version(spec.sequence[0])
        for spec in (campaign("a", "b"), campaign("ab", "c"), campaign("a", "b", "c"), campaign("a", "b"))
    ]

    assert versions[0] == versions[3]
    assert len(set(versions)) == 3
    assert all(len(version) == 12 and int(version, 16) >= 0 for version in versions)
