"""`outrider up` keeps its parts up, one stack to a home, and leaves nothing behind however it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from command_line import CommandLine

from client.local_stack.parts import RETENTION, SEARCH_ATTRIBUTES, choose_ports
from client.temporal_cli import obtain

pytestmark = pytest.mark.timeout(240)  # five processes that load much


class Up:
    """One running `outrider up`."""

    def __init__(self, outrider: CommandLine) -> None:
        self.output = outrider.directory / "up.log"
        self.process = outrider.start("up", output=self.output)
        self.file = outrider.home / "stack.json"
        until(lambda: self.file.exists() or self.process.poll() is not None, "stack.json")
        assert self.process.poll() is None, self.said

    @property
    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    @property
    def stack(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        return found


@pytest.fixture
def up(outrider: CommandLine) -> Iterator[Up]:
    running = Up(outrider)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait(10)


def until(holds: Callable[[], bool], what: str, seconds: float = 100.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"still waiting for {what}"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ask_temporal(stack: dict[str, Any], *arguments: str) -> str:
    """What the `temporal` tool says of the server."""
    command = [str(obtain(print)), *arguments, "--address", stack["temporal_address"]]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_it_starts_everything_keeps_it_up_and_ends_in_order(up: Up, outrider: CommandLine) -> None:
    stack = up.stack
    assert set(stack["pids"]) == {"up", "temporal", "inbox", "web", "worker"}
    assert all(map(alive, stack["pids"].values()))
    for name in ("web_url", "inbox_url"):
        assert httpx.get(f"{stack[name]}/healthz").is_success
    assert httpx.get(stack["temporal_ui"], follow_redirects=True).is_success
    attributes = ask_temporal(stack, "operator", "search-attribute", "list")
    for name, kind in SEARCH_ATTRIBUTES.items():
        assert re.search(rf"\b{name}\s+{kind}\b", attributes)
    assert RETENTION in ask_temporal(stack, "operator", "namespace", "describe", "default")

    healthy = outrider("doctor", "--json")
    assert healthy.returncode == 0, healthy.stdout
    assert json.loads(healthy.stdout)["ok"]

    second = outrider("up")
    assert (second.returncode, second.stdout) == (2, "")
    assert second.stderr.splitlines()[0] == f"error: `outrider up` runs already for {outrider.home}"
    assert up.stack == stack

    os.kill(stack["pids"]["worker"], signal.SIGKILL)
    until(lambda: up.stack["pids"].get("worker", stack["pids"]["worker"]) != stack["pids"]["worker"], "a new worker")
    assert "worker ended with signal SIGKILL; it is started again in 1 s" in up.said

    last = up.stack["pids"]
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(55) == 0
    assert not up.file.exists()
    assert not [name for name, pid in last.items() if alive(pid)]


def test_killed_with_9_it_leaves_no_process_behind(up: Up) -> None:
    pids = up.stack["pids"]
    up.process.kill()
    up.process.wait(10)
    until(lambda: not any(map(alive, pids.values())), "the parts to end")


def test_a_part_that_cannot_start_ends_the_others_with_the_way_to_its_log(outrider: CommandLine) -> None:
    outrider.home.mkdir()
    (outrider.home / "temporal.db").write_text("no database", encoding="utf-8")
    done = outrider("up")
    assert done.returncode == 3
    error, hint = done.stderr.splitlines()
    assert re.fullmatch(r"error: temporal ended with exit code \d+ at its start", error)
    assert hint == f"hint: see {outrider.home}/logs/temporal.log"
    assert not (outrider.home / "stack.json").exists()


def test_ports_that_are_taken_are_passed_over() -> None:
    usual = choose_ports(inbox=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", usual.web))
        taken.listen()
        assert choose_ports(inbox=False).web > usual.web
    assert usual.inbox is None
    assert usual.smtp is None
    chosen = choose_ports(inbox=True)
    assert len({chosen.temporal, chosen.temporal_ui, chosen.web, chosen.inbox, chosen.smtp}) == 5
