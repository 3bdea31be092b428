"""`outrider up` keeps its parts up, one stack to a home, and leaves nothing behind however it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from command_line import CommandLine

from client.local_stack.parts import RETENTION, choose_ports
from client.temporal_cli import obtain
from domain.wire import SearchAttribute

pytestmark = pytest.mark.timeout(240)  # five processes that load much


class Up:
    """One running `outrider up`."""

    def __init__(self, outrider: CommandLine) -> None:
        self.output = outrider.directory / f"{outrider.home.name}.log"
        self.process = outrider.start("up", output=self.output)
        self.file = outrider.home / "stack.json"

    def wait(self) -> None:
        """Until everything answers."""
        until(lambda: "next " in self.said or self.process.poll() is not None, "the last line")
        assert self.process.poll() is None, self.said

    def end(self) -> None:
        """Kill it, where it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

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
    try:
        running.wait()
        yield running
    finally:
        running.end()


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


@contextmanager
def another_temporal(port: int) -> Iterator[None]:
    """The Temporal of somebody else, on the port of one that has gone."""
    command = [str(obtain(print)), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            health = [command[0], "operator", "cluster", "health", "--address", f"127.0.0.1:{port}"]
            until(lambda: subprocess.run(health, capture_output=True, check=False).returncode == 0, "Temporal")
            yield
        finally:
            server.kill()


def ask_temporal(stack: dict[str, Any], *arguments: str) -> str:
    """What the `temporal` tool says of the server."""
    command = [str(obtain(print)), *arguments, "--address", stack["temporal_address"]]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_it_starts_everything_keeps_it_up_and_ends_in_order(up: Up, outrider: CommandLine) -> None:
    stack = up.stack
    assert set(stack["pids"]) == {"up", "temporal", "inbox", "github", "web", "worker"}
    assert all(map(alive, stack["pids"].values()))
    for name in ("web_url", "inbox_url"):
        assert httpx.get(f"{stack[name]}/healthz").is_success
    assert httpx.get(stack["temporal_ui"], follow_redirects=True).is_success
    attributes = ask_temporal(stack, "operator", "search-attribute", "list")
    for name in SearchAttribute:
        kind = "Int" if name.is_count else "Keyword"
        assert re.search(rf"\b{name}\s+{kind}\b", attributes)
    assert RETENTION in ask_temporal(stack, "operator", "namespace", "describe", "default")

    assert f"searches ask the local GitHub ({stack['github_url']}), whose people are invented" in up.said
    assert "next        outrider init campaign.yaml, then: outrider run campaign.yaml " in up.said, "there is none yet"

    healthy = outrider("doctor", "--json")
    assert healthy.returncode == 0, healthy.stdout
    checks = json.loads(healthy.stdout)
    assert checks["ok"]
    screen = outrider.shown("doctor", size=(80, 24))
    assert sum(-(-len(line) // 80) for line in screen) < 24
    assert max(len(line) for line in screen if str(outrider.home) not in line) <= 80, "paths stay whole, to be copied"
    assert all(line.split()[:1] == ["ok"] or line.startswith("    ") for line in screen)

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


def test_killed_with_9_it_leaves_no_process_behind_and_leads_nowhere(up: Up, outrider: CommandLine) -> None:
    stack = up.stack
    up.end()
    until(lambda: not any(map(alive, stack["pids"].values())), "the parts to end")
    assert up.file.exists()
    with another_temporal(int(stack["temporal_address"].rpartition(":")[2])):
        said = outrider("doctor")
        assert said.returncode == 1
        assert "no address of Temporal: nothing was started here" in said.stdout
        assert "-> outrider up" in said.stdout


def test_two_at_once_for_two_homes_have_nothing_in_common(tmp_path: Path) -> None:
    lines = [CommandLine(tmp_path, tmp_path / name) for name in ("one", "two")]
    ups = [Up(line) for line in lines]
    try:
        for up in ups:
            up.wait()
        one, two = (up.stack for up in ups)
        for kind in ("temporal_address", "temporal_ui", "web_url", "smtp_url", "inbox_url"):
            assert one[kind] != two[kind]
        assert all(map(alive, [*one["pids"].values(), *two["pids"].values()]))
        for line, stack in zip(lines, (one, two), strict=True):
            checks = {check["name"]: check["detail"] for check in json.loads(line("doctor", "--json").stdout)["checks"]}
            assert checks["worker"].startswith(f"{stack['pids']['worker']}@"), "the other one's worker"
            assert "," not in checks["worker"]
            assert checks["web"] == stack["web_url"]
        ups[0].process.send_signal(signal.SIGTERM)
        assert ups[0].process.wait(55) == 0
        assert lines[1]("doctor").returncode == 0
    finally:
        for up in ups:
            up.end()


def test_a_file_that_cannot_be_written_stops_no_part(up: Up) -> None:
    last = up.stack["pids"]
    up.file.unlink()
    up.file.mkdir()  # what a full disk does, as far as this file goes
    os.kill(last["web"], signal.SIGKILL)
    until(lambda: "stack.json cannot be written: Is a directory; tried again in 5 s" in up.said, "a word about it")
    os.kill(last["inbox"], signal.SIGKILL)
    until(lambda: re.search(r"inbox pid \d+ started", up.said) is not None, "a new inbox")
    up.file.rmdir()
    until(up.file.exists, "the file")
    assert len({last["web"], last["inbox"], up.stack["pids"]["web"], up.stack["pids"]["inbox"]}) == 4
    assert not list(up.file.parent.glob("*.tmp"))


def test_a_frozen_temporal_is_said_soon_and_with_the_way_to_its_log(up: Up, outrider: CommandLine) -> None:
    temporal = up.stack["pids"]["temporal"]
    os.kill(temporal, signal.SIGSTOP)
    try:
        began = time.monotonic()
        said = json.loads(outrider("doctor", "--json").stdout)
        assert time.monotonic() - began < 20  # 6 s of them for Temporal
    finally:
        os.kill(temporal, signal.SIGCONT)
    check = next(check for check in said["checks"] if check["name"] == "Temporal")
    assert check["verdict"] == "failed"
    assert check["detail"] == f"Temporal does not answer at {up.stack['temporal_address']}"
    assert check["way_out"] == (
        f"it is the one of `outrider up`: see {outrider.home}/logs/temporal.log; "
        "if it stays so, stop `outrider up` and start it again"
    )


def test_a_home_that_takes_nothing_is_one_line_and_a_hint(tmp_path: Path) -> None:
    done = CommandLine(tmp_path, Path("/proc"))("up")
    assert (done.returncode, done.stdout) == (2, "")
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: OUTRIDER_HOME /proc cannot be written to: ")
    assert hint == "hint: let this user write there, or set another OUTRIDER_HOME"


def test_a_home_without_its_logs_is_one_line_and_a_hint(outrider: CommandLine) -> None:
    outrider.home.mkdir()
    (outrider.home / "logs").touch()  # no directory can be made there
    done = outrider("up")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"error: `outrider up` cannot work in {outrider.home}: File exists",
        "hint: OUTRIDER_HOME must have room, and this user must be able to write there",
    ]


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
    usual = choose_ports(inbox=False, github=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", usual.web))
        taken.listen()
        assert choose_ports(inbox=False, github=False).web > usual.web
    assert usual.inbox is None
    assert usual.smtp is None
    assert usual.github is None
    chosen = choose_ports(inbox=True, github=True)
    assert len({chosen.temporal, chosen.temporal_ui, chosen.web, chosen.inbox, chosen.smtp, chosen.github}) == 6
