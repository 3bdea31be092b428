"""The script to copy from does what it says: it starts a campaign, follows it and prints what came of it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from local_world import World, new_world

from client.adapters import migrate
from client.cli.entry import execute
from domain.campaign.values import WEEKDAYS

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a spec and its leads are, as `outrider init` writes them."""
    monkeypatch.chdir(tmp_path)
    assert execute(["init", "campaign.yaml"]) == 0
    lines = Path("campaign.yaml").read_text(encoding="utf-8").splitlines()
    at_any_hour = [line for line in lines if not line.strip().startswith("window:")]
    Path("campaign.yaml").write_text("\n".join(at_any_hour), encoding="utf-8")
    return tmp_path


@pytest.fixture
def world(directory: Path) -> Iterator[World]:
    """A world with a worker."""
    home = directory / "home"
    home.mkdir()
    with new_world(home) as world:
        asyncio.run(migrate(world.settings))
        world.start_worker()
        yield world


def environment(directory: Path) -> dict[str, str]:
    """Without the settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OUTRIDER_", "TEMPORAL_"))}
    return {**kept, "OUTRIDER_HOME": str(directory / "home")}


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script as its own process."""
    return subprocess.run(
        [sys.executable, "-m", "client.start_campaign", *arguments],
        cwd=directory,
        env=environment(directory),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_names_the_files_it_needs(directory: Path) -> None:
    ran = run(directory)
    assert ran.returncode == 2
    assert ran.stderr.splitlines() == [
        "error: a spec is needed, and a list of people where the spec names none",
        "hint: python -m client.start_campaign campaign.yaml [leads.csv]",
    ]


@pytest.mark.parametrize("files", [["campaign.yaml"], ["campaign.yaml", "leads.csv"]])
def test_it_carries_a_campaign_to_its_end(directory: Path, world: World, files: list[str]) -> None:
    ran = run(directory, *files)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("started campaign-")
    assert any(line.startswith("completed ") for line in lines)
    sent = len(world.inbox.held())
    assert lines[-1].startswith("messages: ")
    assert f"{sent} sent" in lines[-1]


def test_ctrl_c_leaves_it_without_a_traceback_and_nothing_is_said_twice(directory: Path, world: World) -> None:
    closed = WEEKDAYS[(datetime.now(UTC) + timedelta(days=3)).weekday()]
    spec = Path("campaign.yaml").read_text(encoding="utf-8")
    Path("campaign.yaml").write_text(f"{spec}\n  window: {{days: {closed}}}\n", encoding="utf-8")
    running = subprocess.Popen(
        [sys.executable, "-m", "client.start_campaign", "campaign.yaml"],
        cwd=directory,
        env={**environment(directory), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout
    lines = [running.stdout.readline()]
    while "window_closed" not in lines[-1]:
        lines.append(running.stdout.readline())
        assert lines[-1], "it ended"
    time.sleep(2)
    running.send_signal(signal.SIGINT)
    rest, error = running.communicate(timeout=20)
    assert (running.returncode, rest, error) == (130, "", "")
    assert world.inbox.counts()["connections_total"] == 0
