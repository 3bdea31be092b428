"""`init` and `plan` write nothing but what they say, and the examples are right."""

import json
from pathlib import Path

from command_line import CommandLine

EXAMPLE = Path(__file__).parents[2] / "examples" / "newsletter.yaml"


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
