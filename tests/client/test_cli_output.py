"""Where output goes: files are whole or not there, devices and links stay what they are, readers may leave early."""

import asyncio
import json
import os
import subprocess
import threading
from pathlib import Path

import pytest
import standing_campaign
from command_line import CommandLine
from local_world import people, spec
from stored_campaigns import CAMPAIGN

from client.adapters import migrate, open_storage
from client.cli.entry import execute
from client.cli.screen import words
from client.settings import load_settings
from domain.campaign import CampaignStatus, Permission, PermissionBasis

EXPORT = ["export", "campaign-a", "--what", "leads"]
ALL = 3
SPEC = spec().model_copy(update={"permission": Permission(basis=PermissionBasis.EXISTING_RELATIONSHIP)})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one campaign that no workflow knows; commands run in the directory around it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTRIDER_HOME", str(tmp_path / "home"))

    async def store() -> None:
        await migrate(load_settings())
        async with open_storage(load_settings()) as storage:
            await storage.campaigns.create("campaign-a", SPEC, people(ALL), [])

    asyncio.run(store())
    return tmp_path / "home"


def rows_of(text: str) -> int:
    return len(text.splitlines()) - 1


@pytest.mark.usefixtures("home")
def test_an_export_follows_a_link_and_leaves_it_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link, target = tmp_path / "link.csv", tmp_path / "folder" / "leads.csv"
    link.symlink_to(target)
    for _ in range(2):  # the second time it leads to a file
        assert execute([*EXPORT, "--out", "link.csv"]) == 0
        assert link.is_symlink()
        assert rows_of(target.read_text(encoding="utf-8")) == ALL
    assert [path.name for path in target.parent.iterdir()] == ["leads.csv"]


@pytest.mark.usefixtures("home")
def test_an_export_into_a_pipe_leaves_it_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")), daemon=True)
    reader.start()
    assert execute([*EXPORT, "--out", "pipe"]) == 0
    reader.join(10)
    assert pipe.is_fifo()
    assert rows_of(read[0]) == ALL


@pytest.mark.usefixtures("home")
def test_a_file_that_cannot_be_written_is_called_as_the_person_called_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "nowhere" / "leads.csv")
    assert execute([*EXPORT, "--out", "link.csv"]) == 2
    assert capsys.readouterr().err == "error: link.csv: no such file or directory\n"
    assert execute([*EXPORT, "--out", f"{'x' * 250}.csv"]) == 0, "the longest name that a file can have"


@pytest.mark.parametrize("command", [EXPORT, ["show", "campaign-a"], ["list", "--json"]])
def test_a_full_disk_behind_stdout_is_said(home: Path, tmp_path: Path, command: list[str]) -> None:
    outrider = CommandLine(tmp_path, home)
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            outrider.command(*command),
            env=outrider.environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=50,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "error: stdout: no space left on device\n")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_reader_that_leaves_early_does_not_hide_what_doctor_found(
    home: Path, tmp_path: Path, options: list[str]
) -> None:
    outrider = CommandLine(tmp_path, home)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        outrider.command("doctor", *options),
        env=outrider.environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=50,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b""), "nothing runs here: doctor cannot find all well"


@pytest.mark.usefixtures("home")
def test_without_temporal_the_rows_tell(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["list", "--json"]) == 0
    assert [(one["campaign_id"], one["status"]) for one in json.loads(capsys.readouterr().out)] == [
        ("campaign-a", "queued")
    ]


@pytest.mark.usefixtures("home")
def test_screens_say_states_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert words("skipped:no_evidence:consented_at") == "skipped, no evidence, consented at"
    assert words("contacted:") == "contacted"
    for command, line in (
        (["show", "campaign-a"], "basis       existing relationship   "),
        (["show", "campaign-a", "--lead", "1"], "state       open\n"),
    ):
        assert execute(command) == 0
        shown = capsys.readouterr().out
        assert line in shown
        assert "_" not in shown


@pytest.fixture
def standing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign in the middle of things, and no Temporal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTRIDER_HOME", str(tmp_path / "home"))
    asyncio.run(standing_campaign.create())


def shown(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """What a command prints; it must end well, and no character of it may move the cursor."""
    assert execute(command) == 0
    out = capsys.readouterr().out
    assert not set(out) & {"\x1b", "\x07"}
    return out


@pytest.mark.usefixtures("standing")
def test_show_says_what_is_waited_for_and_what_needs_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    page = shown(capsys, "show", CAMPAIGN)
    for line in (
        "waiting for deferred by relay in stage sending, until ",
        "            it goes on by itself\n",
        f"            person: outrider review {CAMPAIGN}\n",
        "goal        Tell people of the release\n",
        "basis       consent   review all   spec sha256 ",
        "messages    59 = 7 scheduled + 47 sent + 1 deferred + 2 failed + 1 in doubt + 1 skipped\n",
        f"  1 in doubt             outrider resolve {CAMPAIGN}\n",
        f"  7 drafts to decide on  outrider review {CAMPAIGN}\n",
        f"  2 failed               outrider retry {CAMPAIGN}\n",
    ):
        assert line in page
    assert "DOES NOT ADD UP" not in page


@pytest.mark.usefixtures("standing")
def test_show_says_who_paused_and_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    standing_campaign.pause("ask kim@example.com \x1b[31mfirst")
    page = shown(capsys, "show", CAMPAIGN)
    assert "UTC by dana: ask k***@example.com [31mfirst\n" in page
    assert f"            to go on: outrider resume {CAMPAIGN}\n" in page
    assert f"history     2 pauses (1 breaker, 1 dana) · outrider events {CAMPAIGN}\n" in page
    assert "waiting for" not in page, "a pause has its own line"


@pytest.mark.usefixtures("standing")
def test_a_person_is_shown_with_the_decision_and_the_trail(capsys: pytest.CaptureFixture[str]) -> None:
    doubtful = shown(capsys, "show", CAMPAIGN, "--lead", "3")
    assert "draft       approved by dana   " in doubtful
    assert "UTC  in doubt     lead 3  step 1  connection lost\n" in doubtful
    waits = shown(capsys, "show", CAMPAIGN, "--lead", "55")
    assert f"draft       waits for a decision   outrider review {CAMPAIGN}\n" in waits
    assert "person55@" not in waits


@pytest.mark.usefixtures("standing")
def test_list_shows_what_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    none = "no such campaign now; all of them: outrider list\n"
    assert CAMPAIGN in shown(capsys, "list", "--owner", "dana", "--status", "waiting")
    assert shown(capsys, "list", "--owner", "kim") == none
    assert shown(capsys, "list", "--status", "failed") == none
    waiting = shown(capsys, "list", "--waiting").splitlines()
    assert [line.split()[:2] for line in waiting[1:]] == [[CAMPAIGN, "waiting"]] * 2
    assert waiting[2].endswith(f"person  outrider review {CAMPAIGN}")
    standing_campaign.pause("the wrong list")
    (line,) = shown(capsys, "list", "--waiting").splitlines()[1:]
    assert "paused by dana: the wrong list" in line
    assert line.endswith(f"person  outrider resume {CAMPAIGN}")
    assert shown(capsys, "list", "--waiting", "--status", "waiting") == none
    (document,) = json.loads(shown(capsys, "list", "--waiting", "--json"))
    assert document["paused"]["by"] == "dana"
    standing_campaign.set_status(CampaignStatus.COMPLETED, finished=True)
    assert shown(capsys, "list", "--waiting") == none
