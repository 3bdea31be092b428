"""Child processes: started in groups of their own, started again when they die, stopped with grace."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from client.local_stack.parts import Part
from domain.errors import Unreachable

ANSWER_SECONDS = 90.0
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
_SETTLED_SECONDS = 60.0
"""A part that ran for so long begins again with the shortest pause."""

Say = Callable[[str], None]


class Child:
    """One part as a running process. `on_change` is called when its process id changed."""

    def __init__(self, part: Part, logs: Path, say: Say, on_change: Callable[[], None]) -> None:
        """The part's output goes to `logs`/NAME.log; the file of the run before is kept as NAME.log.1."""
        self.part = part
        self.log = logs / f"{part.name}.log"
        self._say = say
        self._on_change = on_change
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, None while it is not running."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process and running else None

    async def start(self) -> None:
        """Start the part and wait until it answers; raises Unreachable when it does not. From then on it is kept up."""
        with contextlib.suppress(FileNotFoundError):
            self.log.replace(self.log.with_suffix(".log.1"))
        process = await self._spawn()
        deadline = time.monotonic() + ANSWER_SECONDS
        while not await self.part.answers(process.pid):
            if process.returncode is not None:
                raise Unreachable(f"{self.part.name} ended with {_ended(process)} at its start", hint=f"see {self.log}")
            if time.monotonic() > deadline:
                await self.stop()
                raise Unreachable(
                    f"{self.part.name} does not answer after {ANSWER_SECONDS:.0f} s", hint=f"see {self.log}"
                )
            await asyncio.sleep(0.05)
        self._keeper = asyncio.create_task(self._keep(process), name=f"keep-{self.part.name}")

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for the whole group when the grace is over."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        process = self._process
        if process is None:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self.part.grace):
                await process.wait()
        except TimeoutError:
            self._say(f"{self.part.name} did not stop within {self.part.grace:.0f} s and was killed")
        finally:
            self._signal(signal.SIGKILL)  # what it may have started itself

    def kill(self) -> None:
        """SIGKILL at once, for people who cannot wait."""
        self._signal(signal.SIGKILL)

    async def _spawn(self) -> asyncio.subprocess.Process:
        tether = [sys.executable, "-m", "client.local_stack.tether", str(os.getpid())]
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *tether,
                *self.part.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.part.environment},
                umask=0o077,  # logs and databases hold what only their owner may read
                process_group=0,  # Ctrl-C goes to `outrider up` alone, which stops the parts in their order
            )
        self._on_change()
        return self._process

    async def _keep(self, process: asyncio.subprocess.Process) -> None:
        """Start the part again whenever it ends, after pauses that grow while it keeps ending."""
        pause = _FIRST_PAUSE
        while True:
            started = time.monotonic()
            await process.wait()
            self._on_change()
            if time.monotonic() - started > _SETTLED_SECONDS:
                pause = _FIRST_PAUSE
            self._say(
                f"{self.part.name} ended with {_ended(process)}; it is started again in {pause:.0f} s (see {self.log})"
            )
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            process = await self._spawn()
            self._say(f"{self.part.name} pid {process.pid} started")

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


def _ended(process: asyncio.subprocess.Process) -> str:
    """How a process ended, in words."""
    code = process.returncode or 0
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
