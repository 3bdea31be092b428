"""The real engine around a home directory: a Temporal server and workers, each a process of its own."""

import asyncio
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from client import up_lock
from client.local_stack.parts import choose_ports, temporal_part
from client.settings import Settings, Stack
from client.temporal_cli import obtain

_START_SECONDS = 30.0
_ASK_EVERY_SECONDS = 0.05


class Engine:
    """Everything it starts is killed when the block ends."""

    def __init__(self, home: Path, smtp_port: int) -> None:
        """`home` gets the databases and the workers' log; mails go to `smtp_port` on this machine."""
        self._home = home
        ports = choose_ports(inbox=False, github=False)
        self._part = temporal_part(obtain(print), home / "temporal.db", ports)
        self._started: list[subprocess.Popen[bytes]] = []
        self.settings = Settings(home=home, _env_file=None)
        stack = Stack(
            temporal_address=f"127.0.0.1:{ports.temporal}",
            temporal_ui=f"http://127.0.0.1:{ports.temporal_ui}",
            web_url=f"http://127.0.0.1:{ports.web}",
            smtp_url=f"smtp://127.0.0.1:{smtp_port}",
        )
        self.settings.stack_file.write_text(stack.model_dump_json(), encoding="utf-8")
        self._up = ExitStack()
        self._up.enter_context(up_lock.hold(home))  # stack.json counts while its `up` runs: here that is this engine

    async def __aenter__(self) -> Self:
        server = self._start(self._part.command, "temporal.log")
        async with asyncio.timeout(_START_SECONDS):
            while not await self._part.answers(server.pid):  # noqa: ASYNC110 another process sets no event of ours
                await asyncio.sleep(_ASK_EVERY_SECONDS)
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in reversed(self._started):
            process.kill()
            process.wait()
        self._up.close()

    def start_worker(self, *command: str) -> subprocess.Popen[bytes]:
        """Another worker on this home directory, or the script that builds one of its own."""
        return self._start([sys.executable, *(command or ("-m", "worker"))], "worker.log")

    def _start(self, command: list[str], log_name: str) -> subprocess.Popen[bytes]:
        with (self._home / log_name).open("ab") as log:
            process = subprocess.Popen(
                command, env={**os.environ, "OUTRIDER_HOME": str(self._home)}, stdout=log, stderr=log
            )
        self._started.append(process)
        return process
