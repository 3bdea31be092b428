"""Child processes: started in groups of their own, started again when they die, stopped with grace."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from client.local_stack.listening import listens
from client.local_stack.parts import Part
from domain.errors import Unreachable

ANSWER_SECONDS = 90.0
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
_SETTLED_SECONDS = 60.0
"""A part that ran for so long begins again with the shortest pause."""
_LOG_BYTES = 10 * 2**20
_LOG_LOOK_SECONDS = 30.0
_TAKEN = b"address already in use"
"""What every part says of such a port: it is the operating system's own text (EADDRINUSE)."""

Say = Callable[[str], None]


class PortTaken(Unreachable):
    """A part ended at its start because somebody else listens on a port of it."""


class Child:
    """One part as a running process. `on_change` is called when its process id changed."""

    def __init__(self, part: Part, logs: Path, say: Say, on_change: Callable[[], None]) -> None:
        """The part's output goes to `logs`/NAME.log; what was there before is kept as NAME.log.1."""
        self.part = part
        self.log = logs / f"{part.name}.log"
        self._log_before = self.log.with_suffix(".log.1")
        self._say = say
        self._on_change = on_change
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id, None while it is not running."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process and running else None

    async def start(self) -> None:
        """Start the part and wait until it answers; raises PortTaken or another Unreachable when it does not."""
        with contextlib.suppress(FileNotFoundError):
            self.log.replace(self._log_before)
        process = await self._spawn()
        deadline = time.monotonic() + ANSWER_SECONDS
        while not await self._is_ready(process.pid):
            if process.returncode is not None:
                taken = _TAKEN in self.log.read_bytes().lower()
                line = f"{self.part.name} ended with {_ended(process)} at its start"
                raise (PortTaken if taken else Unreachable)(line, hint=f"see {self.log}")
            if time.monotonic() > deadline:
                await self.stop()
                raise Unreachable(
                    f"{self.part.name} does not answer after {ANSWER_SECONDS:.0f} s", hint=f"see {self.log}"
                )
            await asyncio.sleep(0.05)

    async def keep(self) -> NoReturn:
        """Start the part again whenever it ends, after pauses that grow while it keeps ending."""
        process, pause = self._process, _FIRST_PAUSE
        if process is None:
            raise RuntimeError(f"{self.part.name} was never started")
        while True:
            started = time.monotonic()
            await self._end_of(process)
            self._on_change()
            if time.monotonic() - started > _SETTLED_SECONDS:
                pause = _FIRST_PAUSE
            trouble = f"ended with {_ended(process)}"
            while trouble:
                self._say(f"{self.part.name} {trouble}; it is started again in {pause:.0f} s (see {self.log})")
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                try:
                    process, trouble = await self._spawn(), ""
                except OSError as error:  # a full disk, too many processes: it passes
                    trouble = f"could not be started: {error.strerror}"
            self._say(f"{self.part.name} pid {process.pid} started")

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for the whole group when the grace is over."""
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

    async def _is_ready(self, pid: int) -> bool:
        """Whether the part answers, and not somebody else on its ports: it leads a group of its own."""
        ours = [await asyncio.to_thread(listens, pid, port) for port in self.part.ports]
        return all(ours) and await self.part.answers(pid)

    async def _end_of(self, process: asyncio.subprocess.Process) -> None:
        """Wait until the process ends; meanwhile its log does not grow without end."""
        while process.returncode is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOG_LOOK_SECONDS):
                    await process.wait()
            self._bound_log()

    def _bound_log(self) -> None:
        """Move what a large log holds into the file before. The process appends, so it goes on in the empty one."""
        with contextlib.suppress(OSError):
            if self.log.stat().st_size > _LOG_BYTES:
                with contextlib.suppress(OSError):  # on a full disk the room is worth more than old lines
                    shutil.copyfile(self.log, self._log_before)
                os.truncate(self.log, 0)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


def _ended(process: asyncio.subprocess.Process) -> str:
    """How a process ended, in words."""
    code = process.returncode or 0
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
