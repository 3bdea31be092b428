"""One real inbox and one local GitHub for all tests of this folder, without faults at the beginning of each."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Self

import httpx
import pytest
from local_github import LocalGitHub

from sandbox.github.population import Population

PERSON = "person@example.com"
GITHUB_AS_OF = "2026-11-20T12:00:00+00:00"


class Wire:
    """An SMTP client that says exactly what it is told to, and hears everything."""

    def __init__(self, port: int) -> None:
        """Connect and hear the banner; it is empty if the relay closed instead."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._file = self._socket.makefile("rb")
        self.banner = self.hear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def hear(self, seconds: float = 10) -> str:
        """Return the last line of the next reply; empty if the connection ended. Raises TimeoutError."""
        self._socket.settimeout(seconds)
        try:
            while True:
                line = self._file.readline().decode().rstrip()
                if line[3:4] != "-":
                    return line
        except ConnectionError:
            return ""

    def say(self, line: str) -> str:
        self.send(f"{line}\r\n".encode())
        return self.hear()

    def open_body(self, recipient: str = PERSON) -> str:
        """Say everything up to DATA and return the answer to the first command that is refused, or to DATA."""
        answer = ""
        commands = ["EHLO test.example.net", "MAIL FROM:<me@example.net>", f"RCPT TO:<{recipient}>", "DATA"]
        for command in commands:
            answer = self.say(command)
            if answer[:1] not in {"2", "3"}:
                break
        return answer

    def mail(self, recipient: str = PERSON, message_id: str = "<1@example.net>") -> str:
        """Hand over one mail and return the answer that decided about it."""
        answer = self.open_body(recipient)
        if not answer.startswith("354"):
            return answer
        self.send(f"Message-ID: {message_id}\r\nSubject: Hello\r\n\r\nText\r\n.\r\n".encode())
        return self.hear()

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class Inbox:
    """The inbox process, as its callers see it."""

    def __init__(self, *options: str) -> None:
        """Start it and wait for its line."""
        self.process = subprocess.Popen(
            [sys.executable, "-W", "always", "-m", "sandbox.inbox", "--smtp-port", "0", "--http-port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.line = json.loads(self.process.stdout.readline())
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.line['http_port']}")

    @property
    def smtp_port(self) -> int:
        return int(self.line["smtp_port"])

    def wire(self) -> Wire:
        return Wire(self.smtp_port)

    def faults(self, *rules: dict[str, Any]) -> None:
        self.http.put("/api/faults", json=rules).raise_for_status()

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        return self.http.get(path).raise_for_status().json()

    def kept(self) -> int:
        return int(self.get("/api/counts")["accepted"])

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """End the process and return its exit code and what was still on stdout and stderr."""
        self.http.close()
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.fixture(scope="session")
def inbox_process() -> Iterator[Inbox]:
    running = Inbox()
    yield running
    assert running.end() == (0, "", ""), "after all these tests: a clean end, and not one warning on the way"


@pytest.fixture
def inbox(inbox_process: Inbox) -> Inbox:
    inbox_process.http.delete("/api/faults").raise_for_status()
    inbox_process.http.delete("/api/messages").raise_for_status()
    return inbox_process


@pytest.fixture
def start_inbox() -> Iterator[Callable[..., Inbox]]:
    """Start further processes with `start_inbox(*options)`; what a test leaves running is killed."""
    started: list[Inbox] = []

    def start(*options: str) -> Inbox:
        started.append(Inbox(*options))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.end(signal.SIGKILL)


@pytest.fixture(scope="session")
def github_process() -> Iterator[LocalGitHub]:
    running = LocalGitHub("--people", "300", "--repositories", "400", "--as-of", GITHUB_AS_OF, "--no-secondary")
    yield running
    assert running.end() == (0, "", ""), "after all these tests: a clean end, and not one warning on the way"


@pytest.fixture
def github(github_process: LocalGitHub) -> LocalGitHub:
    github_process.fresh()
    return github_process


@pytest.fixture(scope="session")
def small() -> Population:
    """Return the population that the process of `github` has."""
    return Population(300, 400, as_of=datetime.fromisoformat(GITHUB_AS_OF))


@pytest.fixture
def start_github() -> Iterator[Callable[..., LocalGitHub]]:
    """Start further processes with `start_github(*options)`; what a test leaves running is killed."""
    started: list[LocalGitHub] = []

    def start(*options: str) -> LocalGitHub:
        started.append(LocalGitHub(*options))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.end(signal.SIGKILL)
