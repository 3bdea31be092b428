"""The image of Outrider as far as it can be proved without an engine, and the two scripts that run inside it."""

import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from compose_file import ROOT
from free_ports import free_ports
from packaging.requirements import Requirement

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
INSTRUCTIONS = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
CONTAINER = ROOT / "deploy" / "container"


def copied() -> list[str]:
    """What is copied from this directory into the image."""
    lines = [line.split()[1:] for line in INSTRUCTIONS if line.startswith("COPY") and "--from" not in line]
    return [source for words in lines for source in [word for word in words if not word.startswith("--")][:-1]]


def locked(file: str) -> dict[str, tuple[str, ...]]:
    """Every requirement of a lock, with its hashes."""
    entries = re.split(r"(?m)^(?=[a-z0-9])", (ROOT / file).read_text(encoding="utf-8"))
    return {entry.split(" ")[0]: tuple(sorted(re.findall(r"sha256:[0-9a-f]{64}", entry))) for entry in entries if entry}


def ready(*arguments: object, temporary: Path) -> "subprocess.CompletedProcess[str]":
    """Run ready.py with its own temporary directory."""
    command = [sys.executable, str(CONTAINER / "ready.py"), *map(str, arguments)]
    environment = {**os.environ, "TMPDIR": str(temporary), "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


class _Answers(BaseHTTPRequestHandler):
    """200 for /readyz, 503 for everything else."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 503)
        self.end_headers()
        self.wfile.write(b"an answer")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def somebody() -> Iterator[int]:
    """The port of a process that answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server.server_port
        server.shutdown()
        serving.join()


def test_the_last_stage_runs_as_nobody_in_particular_and_says_whether_it_is_well() -> None:
    stages = DOCKERFILE.split("\nFROM ")
    assert len(stages) == 3, "what comes before the first FROM, and two stages"
    last = stages[-1]
    user = re.search(r"(?m)^USER (\d+):(\d+)$", last)
    assert user
    assert "0" not in user.groups()
    assert re.search(r"(?m)^HEALTHCHECK .*ready\.py", last)
    assert "pip" not in last


def test_only_what_the_lock_allows_is_installed() -> None:
    installs = [line for line in INSTRUCTIONS if "pip install" in line]
    assert len(installs) == 2
    assert all("--no-deps" in line for line in installs)
    assert "--require-hashes" in installs[0]
    assert "--no-build-isolation" in installs[1], "else the build would fetch its own tools"


def test_every_file_that_is_copied_exists_and_is_let_through() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    assert "*" in ignore
    assert [source for source in copied() if not (ROOT / source).exists()] == []
    assert set(copied()) == let_through


def test_all_our_packages_are_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= set(copied())


def test_the_image_gets_the_packages_that_the_tests_have() -> None:
    tested, shipped = locked("requirements.lock"), locked("deploy/requirements.lock")
    assert {name: hashes for name, hashes in shipped.items() if tested.get(name) != hashes} == {}, "make lock"
    assert all(shipped.values())
    assert not {"pytest", "mypy", "ruff"} & {entry.partition("==")[0] for entry in shipped}


def test_the_image_gets_every_package_it_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {
        Requirement(text).name for text in project["project"]["dependencies"] + project["build-system"]["requires"]
    }
    assert wanted <= {entry.partition("==")[0] for entry in locked("deploy/requirements.lock")}, "make lock"


@pytest.mark.parametrize("file", ["deploy/Dockerfile", "deploy/requirements.lock", "deploy/collector/Dockerfile"])
def test_no_host_is_named(file: str) -> None:
    addresses = re.findall(r"\w+://[^/\s\"]+", (ROOT / file).read_text(encoding="utf-8"))
    assert [address for address in addresses if "127.0.0.1" not in address] == []


def test_ready_is_whoever_answers(tmp_path: Path, somebody: int) -> None:
    assert ready(somebody, temporary=tmp_path).returncode == 0


def test_not_ready_is_whoever_says_so(tmp_path: Path, somebody: int) -> None:
    done = ready(somebody, "/other", temporary=tmp_path)
    assert (done.returncode, done.stdout) == (1, "503: an answer")


def test_not_ready_is_whoever_does_not_answer(tmp_path: Path) -> None:
    done = ready(*free_ports(1), temporary=tmp_path)
    assert done.returncode == 1
    assert "refused" in done.stdout


def test_a_worker_is_asked_on_the_port_that_it_was_given(tmp_path: Path, somebody: int) -> None:
    (tmp_path / "health-port").write_text(f"{somebody}\n", encoding="ascii")
    assert ready(temporary=tmp_path).returncode == 0


def test_each_worker_gets_a_port_of_its_own_and_becomes_the_process(tmp_path: Path) -> None:
    worker = tmp_path / "outrider"
    worker.write_text('#!/bin/sh\necho "$1 $OUTRIDER_HEALTH_PORT $$"\n', encoding="utf-8")
    worker.chmod(0o755)
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    environment["PATH"] = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    ports = set()
    for _ in range(3):
        with subprocess.Popen([CONTAINER / "worker.sh"], env=environment, stdout=subprocess.PIPE, text=True) as started:
            said, _ = started.communicate(timeout=20)
        name, port, pid = said.split()
        assert (name, int(pid)) == ("worker", started.pid), "signals reach the worker, not a shell"
        assert (tmp_path / "health-port").read_text(encoding="ascii").strip() == port
        ports.add(port)
    assert len(ports) == 3
