"""The tool calls that noting workers have begun."""

import asyncio
import time
from pathlib import Path
from typing import NamedTuple

NOTING_WORKER = str(Path(__file__).with_name("noting_worker.py"))

_LOOK_EVERY_SECONDS = 0.01


class Call(NamedTuple):
    """One call; `at` is when it began, in seconds since 1970."""

    kind: str
    at: float
    pid: int


class Calls:
    """All calls of the noting workers on one home directory, in the order in which they were noted."""

    def __init__(self, home: Path) -> None:
        """`home` is the workers' OUTRIDER_HOME."""
        self._log = home / "calls.log"

    def count(self) -> int:
        """How many calls have begun."""
        return self._log.read_bytes().count(b"\n") if self._log.exists() else 0

    def all(self) -> list[Call]:
        """Every call so far."""
        if not self._log.exists():
            return []
        noted = (
            line.split() for line in self._log.read_text(encoding="ascii").splitlines(keepends=True) if "\n" in line
        )
        return [Call(kind, float(at), int(pid)) for kind, at, pid in noted]

    async def until(self, count: int) -> None:
        """Wait until so many calls have begun."""
        while self.count() < count:  # noqa: ASYNC110 another process sets no event
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def until_quiet(self, since: float, seconds: float) -> float:
        """Wait until no call has begun for so many seconds; returns when the last one did, at least `since`."""
        while True:
            last = max([since, *(call.at for call in self.all())])
            if time.time() - last > seconds:
                return last
            await asyncio.sleep(_LOOK_EVERY_SECONDS * 10)
