"""What went wrong and who did what: `errors` and `events`."""

import asyncio
import json
from pathlib import Path

import pytest
import standing_campaign
from stored_campaigns import CAMPAIGN

from client.cli.entry import execute


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign in the middle of things, and no Temporal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTRIDER_HOME", str(tmp_path / "home"))
    asyncio.run(standing_campaign.create())


def test_errors_are_grouped_and_each_group_names_its_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["errors", CAMPAIGN]) == 0
    shown = capsys.readouterr().out
    for head in (
        "rejected row  1   correct these lines of the file\n",
        "failed, hard bounce  1   these addresses are suppressed now\n",
        f"failed, refused content  1   outrider retry {CAMPAIGN}\n",
        f"in doubt, connection lost  1   outrider resolve {CAMPAIGN}\n",
        f"failed, template error  1   outrider retry {CAMPAIGN}\n",
    ):
        assert head in shown
    assert "line 7  discovery  k***@example.com stands twice" in shown
    assert "lead 2  sending  step 1  554  <" in shown
    assert "kim@" not in shown
    assert "person" not in shown.replace("personalization", "")


def test_errors_of_one_stage_as_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["errors", CAMPAIGN, "--stage", "personalization", "--json"]) == 0
    (group,) = json.loads(capsys.readouterr().out)
    assert (group["kind"], group["count"], group["way_out"]) == (
        "failed:template_error",
        1,
        f"outrider retry {CAMPAIGN}",
    )
    assert [row["lead_number"] for row in group["rows"]] == [standing_campaign.LEADS]


def test_no_errors_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["errors", CAMPAIGN, "--stage", "review"]) == 0
    assert capsys.readouterr().out == "nothing went wrong so far\n"


def test_events_say_who_did_what_the_newest_last(capsys: pytest.CaptureFixture[str]) -> None:
    standing_campaign.pause("ask kim@example.com \x1b[31mfirst")
    assert execute(["events", CAMPAIGN, "--limit", "5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" UTC  ")[1] for line in lines] == [
        "sent         lead 50  step 1  250",
        "in doubt     lead 3  step 1  connection lost",
        "paused       by breaker bounces  3 of 50 mails",
        "resumed      by dana",
        "paused       by dana  ask k***@example.com [31mfirst",
    ]


def test_events_of_one_person_as_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["events", CAMPAIGN, "--lead", "50", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["kind"], row["by"], row["reply_code"]) for row in rows] == [
        ("scheduled", "", None),
        ("approved", "dana", None),
        ("sent", "", 250),
    ]
    assert "reply_text" not in rows[0], "a relay's answer often quotes the address"


@pytest.mark.parametrize("command", ["errors", "events"])
def test_a_campaign_that_does_not_exist_is_refused(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute([command, "campaign-x"]) == 2
    assert "campaign-x" in capsys.readouterr().err
