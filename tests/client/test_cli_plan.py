"""`init` and `plan` write nothing but what they say, and the examples are right."""

import json
import re
import shutil
from pathlib import Path

import yaml
from command_line import CommandLine

from client.spec_file import template_of_new_search

EXAMPLE = Path(__file__).parents[2] / "examples" / "newsletter.yaml"
GITHUB_EXAMPLE = EXAMPLE.with_name("github-campaign.yaml")


def test_what_init_writes_is_a_spec_that_plan_accepts(outrider: CommandLine) -> None:
    wrote = outrider("init")
    assert (wrote.returncode, wrote.stderr) == (0, "")
    assert {path.name for path in outrider.directory.iterdir()} == {"campaign.yaml", "leads.csv"}
    planned = outrider("plan", "campaign.yaml", "--json")
    assert (planned.returncode, planned.stderr) == (0, "")
    plan = json.loads(planned.stdout)
    assert plan["leads"]["accepted"] == plan["permission"]["may_be_written_to"] == plan["drafts"]["written"] == 2
    assert "no relay for mailbox relay" in plan["sending"]["problem"]
    assert {path.name for path in outrider.directory.iterdir()} == {"campaign.yaml", "leads.csv"}, "plan stores nothing"


def test_the_example_can_be_run_as_it_stands(outrider: CommandLine) -> None:
    plan = json.loads(outrider("plan", str(EXAMPLE), "--preview", "5", "--json").stdout)
    assert plan["leads"]["rejected"] == []
    assert plan["permission"]["refused"] == {}
    assert plan["drafts"]["none"] == {}
    assert len(plan["drafts"]["preview"]) == 6, "five people and the emptiest row"


def test_plan_says_who_is_left_out_and_why(outrider: CommandLine) -> None:
    people = outrider.directory / "people.csv"
    people.write_text(
        "email,full_name,consented_at,consent_source,plan\n"
        "kim@example.com,Kim Example,2026-03-02,form,free\n"
        "kim@example.com,Kim Example,2026-03-02,form,free\n"
        "nobody,Robin Sample,2026-03-02,form,free\n"
        "robin@example.org,Robin Sample,,form,free\n",
        encoding="utf-8",
    )
    lines = outrider("plan", str(EXAMPLE), "--leads", str(people), "--preview", "0").stdout.splitlines()
    assert f"people      4 rows in {people} = 2 accepted + 2 rejected" in lines
    assert "            line 3: email: same address as line 2" in lines
    assert any(line.startswith('            line 4: email: "nobody" is no address: ') for line in lines)
    assert "may we      1 may be written to" in lines
    assert "            1 not: no evidence, consented at" in lines


GOAL = "Find 300 Rust maintainers in Germany active this month, topic cli, via smoke signals"


def test_plan_shows_the_searches_before_anything_is_searched(outrider: CommandLine) -> None:
    planned = outrider("plan", str(GITHUB_EXAMPLE), "--set", "goal=Find 300 Python maintainers of testing tools")
    assert (planned.returncode, planned.stderr) == (0, "")
    lines = planned.stdout.splitlines()
    (plan,) = (line for line in lines if line.startswith("plan "))
    assert plan.split(" · ")[1:4] == ["language python", "topic pytest or testing or ci", "stars 100..20000"]
    assert plan.endswith(" · 200 people who can be written to")
    searched = [line.partition("searched: ")[2] for line in lines if "searched: " in line]
    assert [query.partition(" stars:")[0] for query in searched] == [
        "language:python topic:pytest",
        "language:python topic:testing",
        "language:python topic:ci",
    ]
    assert "            nothing was left un-understood" in lines
    assert "            the spec wins: max_leads: 200, not 300 as in the goal" in lines
    assert "may we      whoever is found may be written to" in lines
    assert "draft       for an invented person, Dana Rivers" in lines
    assert "draft       for the emptiest profile possible" in lines
    assert "subject     Flaky tests in widgets?" in lines
    assert "            Hello octo-example," in lines
    assert not outrider.home.exists(), "plan stores nothing"


def test_plan_shows_the_repositories_of_a_spec_that_names_them(outrider: CommandLine) -> None:
    audience = '{"source": "repositories", "repositories": ["example-org/widgets", "example-org/gadgets"]}'
    lines = outrider(
        "plan", str(GITHUB_EXAMPLE), "--set", f"audience={audience}", "--set", "permission="
    ).stdout.splitlines()
    assert [line.strip() for line in lines if "looked at: " in line] == [
        "looked at: example-org/widgets",
        "looked at: example-org/gadgets",
    ]
    assert "may we      nobody may be written to: no permission basis" in lines


def test_a_goal_in_words_can_always_be_planned(outrider: CommandLine) -> None:
    planned = outrider("plan", GOAL)
    lines = planned.stdout.splitlines()
    assert lines[0] == f"goal        {GOAL}"
    assert "            not understood: smoke, signals" in lines
    assert lines[-1] == "run         would refuse it"
    refused = outrider("run", GOAL)
    assert (planned.returncode, planned.stderr) == (refused.returncode, refused.stderr), "and says so as run does"
    in_json = outrider("plan", GOAL, "--json")
    assert in_json.returncode == 2
    document = json.loads(in_json.stdout)
    assert document["problem"] == [line.removeprefix("error: ") for line in refused.stderr.splitlines()]
    assert document["searches"][0].startswith("language:rust topic:cli archived:false fork:false pushed:>=")
    assert document["goal"]["not_understood"] == ["smoke", "signals"]
    assert "campaign" not in document


def test_plan_says_what_it_has_read_as_a_place(outrider: CommandLine) -> None:
    goal = "Find 2 thousand go devs in FinTech or Germany, 500 stars or fewer, inactive in the last 90 days"
    lines = outrider("plan", goal).stdout.splitlines()
    (plan,) = (line for line in lines if line.startswith("plan "))
    assert " · language go · location FinTech or Germany · stars 0..500 · " in plan
    assert plan.endswith(" · 2,000 people who can be written to")
    assert "            read as a place, for its capital: FinTech" in lines
    assert "            not understood: inactive, last, 90, days" in lines
    assert json.loads(outrider("plan", goal, "--json").stdout)["goal"]["guessed_places"] == ["FinTech"]


def test_a_goal_in_words_takes_the_place_of_goal_and_audience_in_the_spec_that_is_there(outrider: CommandLine) -> None:
    shutil.copy(GITHUB_EXAMPLE, outrider.directory / "campaign.yaml")
    document = json.loads(outrider("plan", GOAL, "--json", "--set", "audience.max_leads=50").stdout)
    audience = document["audience"]
    assert (audience["languages"], audience["topics"], audience["locations"]) == (["rust"], ["cli"], ["Germany"])
    assert (audience["active_within_days"], audience["stars"], audience["max_leads"]) == (30, None, 50)
    assert audience["exclude"]["domains"] == ["example.org"], "who is left out stays left out"
    assert document["campaign"]["goal"] == GOAL
    assert document["campaign"]["name"] == "pytest-maintainers"
    assert document["disagreements"] == [{"what": "max_leads", "goal": "300", "spec": "50"}]
    shown = [draft["for"] for draft in document["drafts"]["preview"]]
    assert shown == ["an invented person, Dana Rivers", "the emptiest profile possible"], "nobody is asked by plan"
    refused = outrider("run", GOAL)
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (3, "hint: outrider up")


def test_a_spec_that_leaves_to_goals_what_to_search_by(outrider: CommandLine) -> None:
    base = GITHUB_EXAMPLE.read_text(encoding="utf-8")
    (outrider.directory / "campaign.yaml").write_text(
        re.sub(r"  languages: .*?(?=  exclude:)", "", base, flags=re.DOTALL), encoding="utf-8"
    )
    alone = outrider("plan", "campaign.yaml")
    assert alone.returncode == 2
    assert alone.stderr.endswith("audience: there is nothing to search by; name languages, topics or stars\n")
    planned = outrider("plan", GOAL, "--json")
    assert (planned.returncode, planned.stderr) == (0, "")
    audience = json.loads(planned.stdout)["audience"]
    assert (audience["languages"], audience["exclude"]["domains"]) == (["rust"], ["example.org"])
    nothing = outrider("run", "Find 20 nice people")
    assert (nothing.returncode, nothing.stderr) == (2, alone.stderr), "neither of the two names anything"


def test_a_mistake_in_the_spec_that_a_goal_is_put_into_is_said_as_ever(outrider: CommandLine) -> None:
    base = GITHUB_EXAMPLE.read_text(encoding="utf-8")
    (outrider.directory / "campaign.yaml").write_text(base.replace("owner: dana", "owner: ''"), encoding="utf-8")
    refused = outrider("run", GOAL)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: campaign.yaml:7: owner: ")


def test_plan_warns_of_fields_that_can_be_empty_and_have_no_default(outrider: CommandLine) -> None:
    assert outrider("init").returncode == 0
    body = (
        'Hello {{ lead.first_name or "there" }}{% if lead.company %} at {{ lead.company }}{% endif %}, '
        "you are on the {{ lead.extra.plan }} plan in {{ lead.location }} since {{ lead.extra.consented_at }}."
    )
    change = f"sequence.0.body={json.dumps(body)}"
    document = json.loads(outrider("plan", "campaign.yaml", "--json", "--set", change).stdout)
    assert document["drafts"]["holes"] == ["lead.location", "lead.extra.plan"], "consented_at is asked for as evidence"
    assert document["drafts"]["written"] == 2
    shown = outrider("plan", "campaign.yaml", "--preview", "0", "--set", change).stdout.splitlines()
    assert (
        'warning     lead.extra.plan can be empty and leaves a hole; a default fills it: {{ lead.extra.plan or "…" }}'
        in shown
    )
    for example in ("campaign.yaml", str(EXAMPLE), str(GITHUB_EXAMPLE)):
        assert json.loads(outrider("plan", example, "--json").stdout)["drafts"]["holes"] == [], "ours have none"


def test_plan_names_no_relay_where_there_is_none(outrider: CommandLine) -> None:
    assert outrider("init").returncode == 0
    lines = outrider("plan", "campaign.yaml", "--preview", "0", "--set", "dry_run=true").stdout.splitlines()
    at = lines.index("sending     news@example.com by mailbox relay, up to 10 connections")
    assert lines[at + 1].startswith("            run would refuse: no relay for mailbox relay: ")
    assert lines[at + 2].endswith("; a rehearsal does not wait for it"), "the window is the spec's"


def test_what_init_writes_names_itself_in_its_comments(outrider: CommandLine) -> None:
    outrider.directory.joinpath("to do").mkdir()
    assert outrider("init", "to do/letter.yaml").returncode == 0
    written = (outrider.directory / "to do" / "letter.yaml").read_text(encoding="utf-8")
    commands = re.findall(r"outrider (?:plan|run) (.*\.yaml'?)", written)
    assert commands == ["'to do/letter.yaml'"] * 4
    assert outrider("plan", "to do/letter.yaml").returncode == 0
    assert outrider("init", "--github", "search.yaml").returncode == 0
    written = (outrider.directory / "search.yaml").read_text(encoding="utf-8")
    assert re.findall(r"outrider (?:plan|run) ([a-z.]+)", written) == ["search.yaml"] * 3


def test_a_goal_in_words_needs_a_spec_to_be_run(outrider: CommandLine) -> None:
    refused = outrider("run", GOAL)
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        "error: a goal says neither who writes nor what; that stands in campaign.yaml, which is not here",
        "hint: outrider init --github campaign.yaml",
    ]


def test_the_suppression_list_takes_files_and_forgets_nobody_twice(outrider: CommandLine) -> None:
    outrider("migrate").check_returncode()
    (outrider.directory / "out.csv").write_text("name,email\nKim,kim@example.com\nAll,example.org\n", encoding="utf-8")
    first = json.loads(outrider("suppress", "import", "out.csv", "--json").stdout)
    assert first == {"added": 2, "known": 0}
    again = json.loads(outrider("suppress", "add", "KIM@example.com", "robin@example.net", "--json").stdout)
    assert again == {"added": 1, "known": 1}
    assert outrider("suppress", "check", "somebody@example.org").stdout.startswith("suppressed by its domain: imported")
    assert outrider("suppress", "remove", "robin@example.net").stdout == "removed\n"
    assert len(json.loads(outrider("suppress", "list", "--json").stdout)) == 2


def test_a_paused_mailbox_shows_until_it_is_resumed(outrider: CommandLine) -> None:
    outrider("migrate").check_returncode()
    paused = outrider("mailbox", "pause", "relay")
    assert paused.stdout.startswith("relay: stopped since ")
    assert paused.stdout.endswith(": paused by operator\n")
    assert paused.stderr == "note: no campaign has used a mailbox relay so far\n"
    assert outrider("mailbox", "resume", "relay").stdout == "relay: open\n"


def test_init_says_what_is_in_the_way_of_a_second_list(outrider: CommandLine) -> None:
    assert outrider("init").returncode == 0
    refused = outrider("init", "second.yaml")
    assert (refused.returncode, refused.stderr.splitlines()) == (
        2,
        [
            "error: leads.csv exists already and was left as it is",
            "hint: a list of its own needs a directory of its own: outrider init DIRECTORY/campaign.yaml",
        ],
    )
    assert not (outrider.directory / "second.yaml").exists()
    (outrider.directory / "second").mkdir()
    assert outrider("init", "second/campaign.yaml").returncode == 0


def test_init_github_writes_a_spec_that_searches_and_takes_goals(outrider: CommandLine) -> None:
    wrote = outrider("init", "--github")
    assert (wrote.returncode, wrote.stderr) == (0, "")
    assert [path.name for path in outrider.directory.iterdir()] == ["campaign.yaml"]
    assert outrider("init", "--github").returncode == 2, "what is there stays"
    plan = json.loads(outrider("plan", "campaign.yaml", "--json").stdout)
    assert plan["searches"][0].startswith("language:python topic:pytest")
    assert plan["permission"]["whoever_is_found"] is None
    goal = json.loads(outrider("plan", GOAL, "--json").stdout)
    assert goal["audience"]["languages"] == ["rust"]
    assert "problem" not in goal


def test_the_spec_of_init_github_is_the_example() -> None:
    assert yaml.safe_load(template_of_new_search()) == yaml.safe_load(GITHUB_EXAMPLE.read_text(encoding="utf-8"))


def test_a_goal_does_not_fit_into_a_spec_whose_text_is_for_a_list(outrider: CommandLine) -> None:
    assert outrider("init").returncode == 0
    refused = outrider("run", GOAL)
    assert refused.returncode == 2
    error, hint = refused.stderr.splitlines()
    assert error.endswith(": sequence.0.body: there is no column `plan`")
    assert hint == (
        "hint: campaign.yaml is written for the people of a list; one for a search: outrider init --github FILE"
    )
