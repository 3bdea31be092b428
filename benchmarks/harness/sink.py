"""What the mails are sent into: a process of its own that counts what it accepted, by Message-ID."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx

_SOURCE = Path(__file__).parents[1] / "smtp_sink"
_ANSWER_SECONDS = 30.0
_BLAST_MAILS = 50_000

StartSink = Callable[[float], "Sink"]
"""Starts a sink that waits so many seconds before its reply to the final dot."""


class Sink(ABC):
    """A running sink on 127.0.0.1; its process ends with the block."""

    smtp_port: int

    def __init__(self, command: list[str]) -> None:
        """`command` prints one JSON line with its addresses as soon as it listens."""
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self._http = httpx.Client(trust_env=False, timeout=_ANSWER_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._process.terminate()
        self._process.communicate(timeout=_ANSWER_SECONDS)

    @abstractmethod
    def accepted(self) -> int:
        """How many mails it has accepted since `forget`, repeated ones counted again."""

    @abstractmethod
    def held(self) -> Counter[str]:
        """How many times each Message-ID was accepted, angle brackets included."""

    @abstractmethod
    def forget(self) -> None:
        """Begin to count anew."""

    @abstractmethod
    def most_per_second(self) -> float | None:
        """Mails it takes per second from a client that does nothing else; None when it has no such client."""

    def _addresses(self) -> dict[str, Any]:
        if self._process.stdout is None:
            raise RuntimeError("the sink has no output")
        addresses: dict[str, Any] = json.loads(self._process.stdout.readline())
        return addresses


class GoSink(Sink):
    """benchmarks/smtp_sink: fast enough not to be what is measured."""

    def __init__(self, program: Path, delay: float) -> None:
        """`program` is what `build` returned; `delay` in seconds."""
        super().__init__([str(program), "serve", "-delay", f"{round(delay * 1000)}ms"])
        self._program = program
        addresses = self._addresses()
        self._smtp_address = addresses["addr"]
        self._http_url = f"http://{addresses['http_addr']}"
        self.smtp_port = int(self._smtp_address.rpartition(":")[2])

    def accepted(self) -> int:
        """See Sink."""
        accepted: int = self._http.get(f"{self._http_url}/counts").json()["accepted"]
        return accepted

    def held(self) -> Counter[str]:
        """See Sink."""
        return Counter(self._http.get(f"{self._http_url}/ledger").json())

    def forget(self) -> None:
        """See Sink."""
        self._http.post(f"{self._http_url}/reset").raise_for_status()

    def most_per_second(self) -> float:
        """See Sink: the pipelining client of the same program, over 20 connections."""
        command = [str(self._program), "blast", "-addr", self._smtp_address, "-mails", str(_BLAST_MAILS)]
        blast = subprocess.run(command, check=True, capture_output=True, text=True)
        self.forget()
        return float(json.loads(blast.stdout)["mails_per_second"])


class InboxSink(Sink):
    """The sandbox's inbox, where there is no Go: the same answers at a fraction of the speed."""

    def __init__(self, delay: float) -> None:
        """`delay` in seconds."""
        super().__init__([sys.executable, "-m", "sandbox.inbox", "--smtp-port", "0", "--http-port", "0"])
        addresses = self._addresses()
        self._http_url = f"http://127.0.0.1:{addresses['http_port']}"
        self.smtp_port = int(addresses["smtp_port"])
        if delay:
            rule = {"at": "reply", "action": "delay", "seconds": delay}
            self._http.put(f"{self._http_url}/api/faults", json=[rule]).raise_for_status()

    def accepted(self) -> int:
        """See Sink."""
        accepted: int = self._http.get(f"{self._http_url}/api/counts").json()["accepted"]
        return accepted

    def held(self) -> Counter[str]:
        """See Sink."""
        return Counter(message_id for message_id, _ in self._http.get(f"{self._http_url}/api/ledger").json())

    def forget(self) -> None:
        """See Sink."""
        self._http.delete(f"{self._http_url}/api/messages").raise_for_status()

    def most_per_second(self) -> None:
        """See Sink."""


def build(go: str) -> Path:
    """The Go sink's program in the user's cache, built anew when its source is newer; `go` is the Go command.

    It is built under a temporary name, so that a half-made program is never found. Says so when it builds.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    program = Path(cache, "outrider", "bin", "smtp_sink")
    newest = max(source.stat().st_mtime for source in _SOURCE.iterdir())
    if program.exists() and program.stat().st_mtime >= newest:
        return program
    print(f"Building {_SOURCE.name} with Go into {program.parent}: a few seconds.", file=sys.stderr)
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="making-", dir=program.parent) as scratch:
        made = Path(scratch, program.name)
        subprocess.run(
            [go, "build", "-o", made, "."], cwd=_SOURCE, check=True, env={**os.environ, "GOTOOLCHAIN": "local"}
        )
        made.replace(program)
    return program


def starter(*, inbox_will_do: bool) -> StartSink | None:
    """How to start a sink here; None without Go, unless the inbox will do."""
    if go := shutil.which("go"):
        program = build(go)
        return lambda delay: GoSink(program, delay)
    return InboxSink if inbox_will_do else None
