"""The local GitHub in a process of its own, with no latency and no limit that a benchmark would meet."""

import json
import subprocess
import sys
from typing import Any, NamedTuple, Self

import httpx

LANGUAGE = "Python"
TOPIC = "testing"

_POINTS_PER_HOUR = 100_000_000
_SECONDS = 120.0


class Population(NamedTuple):
    """How many are invented; all repositories have the language and the topic that campaigns look for."""

    people: int
    repositories: int


class LocalGitHub:
    """It ends with the block."""

    def __init__(self, population: Population, *, latency_ms: float = 0) -> None:
        """`latency_ms` comes before every answer."""
        command = [sys.executable, "-m", "sandbox.github", "--port", "0", "--no-secondary", "--focus", "1"]
        command += ["--people", str(population.people), "--repositories", str(population.repositories)]
        command += ["--points-per-hour", str(_POINTS_PER_HOUR), "--latency-ms", str(latency_ms)]
        self._process = subprocess.Popen([*command, "--focus-topics", TOPIC], stdout=subprocess.PIPE)
        if self._process.stdout is None:
            raise RuntimeError("the local GitHub has no output")
        self.pid = self._process.pid
        self.url = f"http://127.0.0.1:{json.loads(self._process.stdout.readline())['port']}"
        self._http = httpx.Client(base_url=self.url, timeout=_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._process.kill()
        self._process.communicate()

    def asked(self) -> dict[str, Any]:
        """What was asked since `forget`: sums of calls and points, and by operation."""
        asked: dict[str, Any] = self._http.get("/requests").raise_for_status().json()
        return asked

    def forget(self) -> None:
        """Forget what was asked."""
        self._http.delete("/requests").raise_for_status()
