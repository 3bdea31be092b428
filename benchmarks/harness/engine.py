"""The real engine around a home directory: a Temporal server and workers, each a process of its own."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from temporalio.api.enums.v1 import DescribeTaskQueueMode, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue, TaskQueueVersionSelection
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from client import up_lock
from client.local_stack.parts import choose_ports, temporal_part
from client.settings import Settings, Stack
from client.temporal_cli import obtain
from domain.wire import TASK_QUEUE

_START_SECONDS = 30.0
_ASK_EVERY_SECONDS = 0.1
_SHARED_KEY = "a key of several machines, long enough"


class Engine:
    """Everything it starts is killed when the block ends."""

    def __init__(
        self, home: Path, smtp_port: int, *, github_url: str | None = None, database_url: str | None = None
    ) -> None:
        """`home` gets the databases and the workers' log; mails go to `smtp_port` on this machine.

        People are searched for at `github_url`; `database_url` puts the rows elsewhere.
        """
        self._home = home
        database = {"database_url": database_url, "secret_key": _SHARED_KEY} if database_url else {}
        self._environment = {f"OUTRIDER_{name.upper()}": value for name, value in database.items()}
        ports = choose_ports(inbox=False, github=False)
        self._part = temporal_part(obtain(print), home / "temporal.db", ports)
        self._started: list[subprocess.Popen[bytes]] = []
        self.settings = Settings(home=home, _env_file=None, **database)  # type: ignore[arg-type]  # pydantic makes the secrets
        stack = Stack(
            temporal_address=f"127.0.0.1:{ports.temporal}",
            temporal_ui=f"http://127.0.0.1:{ports.temporal_ui}",
            web_url=f"http://127.0.0.1:{ports.web}",
            smtp_url=f"smtp://127.0.0.1:{smtp_port}",
            github_url=github_url,
        )
        self.settings.stack_file.write_text(stack.model_dump_json(), encoding="utf-8")
        self._up = ExitStack()
        self._up.enter_context(up_lock.hold(home))  # stack.json counts while its `up` runs: here that is this engine

    async def __aenter__(self) -> Self:
        server = self._start(self._part.command, "temporal.log", self._part.environment)
        self.temporal_pid = server.pid
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

    def _start(
        self, command: list[str], log_name: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        with (self._home / log_name).open("ab") as log:
            process = subprocess.Popen(
                command,
                env={**os.environ, **self._environment, "OUTRIDER_HOME": str(self._home), **(environment or {})},
                stdout=log,
                stderr=log,
            )
        self._started.append(process)
        return process


async def polling(temporal: Client, worker: subprocess.Popen[bytes]) -> None:
    """Wait until the worker asks Temporal for activities; raises RuntimeError when it ends instead.

    A queue has several partitions, and the plain description knows those workers only that asked the first of them: a
    second worker was not in it for a minute, once in ten times.
    """
    request = DescribeTaskQueueRequest(
        namespace=temporal.namespace,
        task_queue=TaskQueue(name=TASK_QUEUE),
        api_mode=DescribeTaskQueueMode.DESCRIBE_TASK_QUEUE_MODE_ENHANCED,
        versions=TaskQueueVersionSelection(unversioned=True),
        task_queue_types=[TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY],
        report_pollers=True,
    )
    while worker.poll() is None:
        queue = await temporal.workflow_service.describe_task_queue(request)
        kinds = [kind for version in queue.versions_info.values() for kind in version.types_info.values()]
        if any(poller.identity.startswith(f"{worker.pid}@") for kind in kinds for poller in kind.pollers):
            return
        await asyncio.sleep(_ASK_EVERY_SECONDS)
    raise RuntimeError("a worker ended at its start: see worker.log")
