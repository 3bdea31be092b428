"""`monitor` on a real pseudo-terminal that gets key presses, and without a terminal."""

import asyncio
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import standing_campaign
from stored_campaigns import CAMPAIGN

from client.adapters import open_storage
from client.cli.entry import execute
from client.cli.picture import Around, picture
from client.cli.watch import Watch
from client.settings import load_settings
from domain.campaign import CampaignStatus, PauseAbove
from domain.progress import Progress
from domain.stopping import Judged

OUTRIDER = [sys.executable, "-c", "from client.cli.entry import main; main()"]
PATIENCE = 20.0
_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (.*)")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A campaign in the middle of things, and no Temporal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTRIDER_HOME", str(tmp_path / "home"))
    asyncio.run(standing_campaign.create())
    return tmp_path / "home"


class Terminal:
    """`outrider monitor` on a terminal of 100 columns and 40 rows."""

    def __init__(self, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (40, 100))
        self.before = termios.tcgetattr(theirs)
        self._theirs = theirs
        self.process = subprocess.Popen(
            [*OUTRIDER, "monitor", CAMPAIGN, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color"},
        )
        self.shown = ""

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def until(self, text: str) -> str:
        """Read until the text appears; returns what was shown since the last call."""
        deadline = time.monotonic() + PATIENCE
        read = ""
        while text not in read:
            ready, _, _ = select.select([self._ours], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{text!r} did not appear in {read!r}"
            read = _SEQUENCE.sub("", read + os.read(self._ours, 65536).decode(errors="replace"))
        self.shown += read
        return read

    def ended(self) -> int:
        """The exit code; the terminal must be as it was."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "monitor does not end"
            if select.select([self._ours], [], [], 0.1)[0]:
                self.shown += _SEQUENCE.sub("", os.read(self._ours, 65536).decode(errors="replace"))
        assert termios.tcgetattr(self._theirs) == self.before, "the terminal does not echo any more"
        return self.process.returncode

    @property
    def by_key(self) -> bool:
        """Whether keys are read one by one, unechoed."""
        flags = termios.tcgetattr(self._theirs)[3]
        return not flags & (termios.ECHO | termios.ICANON)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    opened = Terminal()
    yield opened
    opened.close()


def test_without_a_terminal_nothing_is_said_twice_however_long_it_stays_true(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read() -> Progress:
        async with open_storage(load_settings()) as storage:
            return await storage.progress.read(CAMPAIGN)

    progress = asyncio.run(read())
    clock = iter(range(0, 10_000, 100))
    monkeypatch.setattr("client.cli.watch.time.monotonic", lambda: next(clock))
    watch = Watch(quiet=False)
    for _ in range(20):
        watch.show(progress)
    watch.show(progress, "Temporal does not answer")
    watch.show(progress)
    said = [found[1] for line in capsys.readouterr().out.splitlines() if (found := LINE.fullmatch(line))]
    assert len(said) == 3
    assert said[0] == said[2]
    assert said[1] == f'{said[0]} remark="Temporal does not answer"'


def test_q_leaves_and_gives_the_terminal_back(terminal: Terminal) -> None:
    shown = terminal.until("q quit (the campaign goes on)")
    assert "proof · waiting" in shown
    assert re.search(r"sending +‖ +47 +2 +1 +8 +50 .* 1 deferred, 1 in doubt", shown)
    assert "sent         lead 50  step 1  250" in shown
    assert "@example" not in shown
    assert terminal.by_key
    terminal.press("q")
    assert terminal.ended() == 0
    assert f"{CAMPAIGN} goes on: outrider show {CAMPAIGN}" in terminal.shown


def test_pause_asks_for_a_reason_and_says_what_came_of_it(terminal: Terminal) -> None:
    terminal.until("q quit")
    terminal.press("p")
    terminal.until("pause, why (Enter = no reason, Esc = leave it): ▏")
    terminal.press("wrong lisx\x7ft\x1b[A")
    terminal.until("wrong list▏")
    terminal.press("\r")
    terminal.until("nothing was started here; outrider up")
    terminal.press("p")
    terminal.until("pause, why")
    terminal.press("\x1b")
    terminal.press("q")
    assert terminal.ended() == 0


def test_cancel_asks_first(terminal: Terminal) -> None:
    terminal.until("q quit")
    terminal.press("c")
    terminal.until("what was not begun is never sent. y/n")
    terminal.press("q")
    terminal.until("p pause")
    assert "nothing was started here" not in terminal.shown
    terminal.press("c")
    terminal.until("y/n")
    terminal.press("y")
    terminal.until("nothing was started here")
    terminal.press("q")
    assert terminal.ended() == 0


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("r", "# proof: interim report"),
        ("d", f"decide      outrider approve {CAMPAIGN}"),
        ("e", "in doubt, connection"),
    ],
)
def test_other_screens_come_and_go(terminal: Terminal, key: str, line: str) -> None:
    terminal.until("q quit")
    terminal.press(key)
    assert line in terminal.until("any key: back to the picture")
    terminal.press(" ")
    terminal.until("q quit")
    terminal.press("q")
    assert terminal.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_gives_the_terminal_back(terminal: Terminal, number: signal.Signals) -> None:
    terminal.until("q quit")
    terminal.process.send_signal(number)
    assert terminal.ended() == 130


def test_an_unexpected_error_gives_the_terminal_back(terminal: Terminal, home: Path) -> None:
    terminal.until("q quit")
    (home / "outrider.db").write_bytes(b"no database" * 1000)
    assert terminal.ended() == 1
    assert "error: unexpected" in terminal.shown


def test_on_a_terminal_it_ends_with_the_campaign(terminal: Terminal) -> None:
    terminal.until("q quit")
    standing_campaign.set_status(CampaignStatus.CANCELLED, finished=True)
    assert terminal.ended() == 1
    assert f"outrider report {CAMPAIGN}" in terminal.shown


def test_without_a_terminal_there_is_a_line_per_change() -> None:
    process = subprocess.Popen(
        [*OUTRIDER, "monitor", CAMPAIGN], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    standing_campaign.pause("the \x1b[31mwrong list")
    second = process.stdout.readline()
    standing_campaign.set_status(CampaignStatus.COMPLETED, finished=True)
    rest, _ = process.communicate(timeout=PATIENCE)
    counts = "sent=47 deferred=1 in_doubt=1 failed=2 skipped=1 scheduled=7"
    shown = [found[1] for line in (first, second, *rest.splitlines()) if (found := LINE.fullmatch(line.rstrip("\n")))]
    assert [line.split(" remark=")[0] for line in shown[1:]] == [
        f'paused sending {counts} paused_by="dana" reason="the [31mwrong list"',
        f"completed sending {counts}",
    ]
    assert shown[0].startswith(f'waiting sending {counts} waiting_for="deferred by relay until ')
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("status", "code"), [(CampaignStatus.COMPLETED, 0), (CampaignStatus.FAILED, 1), (CampaignStatus.CANCELLED, 1)]
)
def test_the_exit_code_says_how_it_ended(status: CampaignStatus, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    standing_campaign.set_status(status, finished=True)
    assert execute(["monitor", CAMPAIGN]) == code
    assert f"Z {status} sending sent=47" in capsys.readouterr().out


def test_json_is_one_document_of_now(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["monitor", CAMPAIGN, "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (document["campaign_id"], document["messages"]["sent"], document["undecided"]) == (CAMPAIGN, 47, 7)


def test_a_campaign_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["monitor", "campaign-x"]) == 2
    assert "campaign-x" in capsys.readouterr().err


@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_picture_fits_its_screen(width: int) -> None:
    standing_campaign.pause(f"\x1b]0;owned\x07{'long ' * 60}")

    async def read() -> Progress:
        async with open_storage(load_settings()) as storage:
            return await storage.progress.read(CAMPAIGN)

    progress = asyncio.run(read())
    progress = progress.model_copy(update={"unknown_signals": {"pu\x1b[2Jase": 1}})
    around = Around(limits=PauseAbove(), judged=Judged(mails=49, bounces=2, complaints=0))
    lines = [line.plain for line in picture(progress, around=around, size=(width, 40))]
    assert max(map(len, lines)) <= min(width, 120)
    assert not any("\x1b" in line or "\x07" in line for line in lines)
    assert any(re.fullmatch(r"paused       since \d\d:\d\d by dana: \]0;ownedlong .*…", line) for line in lines)
    assert any(line.startswith("2 bounces (4.1 %, pauses above 5 %) · 0 complaints (above 0.3 %)") for line in lines)
    assert any(line.startswith("unknown      signal pu[2Jase came 1 time: names are pause, ") for line in lines)


def test_a_rehearsal_is_said_on_a_narrow_screen_whoever_owns_the_campaign() -> None:
    async def read() -> Progress:
        async with open_storage(load_settings()) as storage:
            return await storage.progress.read(CAMPAIGN)

    progress = asyncio.run(read()).model_copy(update={"dry_run": True, "owner": "dana.of.a.long.department"})
    assert "rehearsal: nothing leaves" in picture(progress, size=(80, 24))[0].plain
