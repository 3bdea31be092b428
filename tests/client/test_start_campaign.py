"""The script to copy from does what it says: it starts a campaign, follows it and prints what came of it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_world import World, new_world

from client.adapters import migrate
from client.cli.entry import execute

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


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script as its own process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OUTRIDER_", "TEMPORAL_"))}
    return subprocess.run(
        [sys.executable, "-m", "client.start_campaign", *arguments],
        cwd=directory,
        env={**kept, "OUTRIDER_HOME": str(directory / "home")},
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
