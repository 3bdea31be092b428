"""The parts of the local stack: how each is started and how it is known to answer."""

import asyncio
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from domain.wire import TASK_QUEUE, SearchAttribute

LOOPBACK = "127.0.0.1"
NAMESPACE = "default"
RETENTION = "720h"

_DYNAMIC_CONFIG = (
    # The defaults dispatch in ticks of 50 ms and fire timers in ticks of 1 s.
    "history.transferProcessorMaxPollRPS=1000",
    "history.timerProcessorMaxPollRPS=1000",
    'history.timerProcessorMaxTimeShift="50ms"',
    # Without these two, priority and fairness keys are ignored.
    "matching.useNewMatcher=true",
    "matching.enableFairness=true",
    "frontend.WorkerHeartbeatsEnabled=true",
    "frontend.ListWorkersEnabled=true",
)


@dataclass(frozen=True)
class Part:
    """One process. It is ready when it listens on all its `ports` and `answers` is true; `grace` is in seconds."""

    name: str
    command: list[str]
    answers: Callable[[int], Awaitable[bool]]
    ports: tuple[int, ...] = ()
    grace: float = 10.0
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ports:
    """Where the parts listen on 127.0.0.1; an inbox or a GitHub that is not started has none."""

    temporal: int
    temporal_ui: int
    web: int
    smtp: int | None
    inbox: int | None
    github: int | None


def choose_ports(*, inbox: bool, github: bool) -> Ports:
    """The usual ports, or the next free ones."""
    taken: set[int] = set()

    def free(first: int) -> int:
        port = next(port for port in range(first, first + 1000) if port not in taken and _is_free(port))
        taken.add(port)
        return port

    return Ports(
        temporal=free(7233),
        temporal_ui=free(8233),
        web=free(8026),
        smtp=free(2525) if inbox else None,
        inbox=free(8025) if inbox else None,
        github=free(8181) if github else None,
    )


def temporal_command(cli: Path, database: Path, port: int, ui_port: int) -> list[str]:
    """The development server's command line. The file survives `kill -9` of the server."""
    command = [str(cli), "server", "start-dev", "--ip", LOOPBACK, "--port", str(port), "--ui-port", str(ui_port)]
    command += ["--db-filename", str(database), "--log-level", "warn"]
    command += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"]
    for attribute in SearchAttribute:
        command += ["--search-attribute", f"{attribute}={'Int' if attribute.is_count else 'Keyword'}"]
    for setting in _DYNAMIC_CONFIG:
        command += ["--dynamic-config-value", setting]
    return command


def retention_command(cli: Path, port: int) -> list[str]:
    """Keeps closed workflows for 30 days; the server's default is one day."""
    update = ["operator", "namespace", "update", "--namespace", NAMESPACE, "--retention", RETENTION]
    return [str(cli), *update, "--address", f"{LOOPBACK}:{port}"]


def temporal_part(cli: Path, database: Path, ports: Ports) -> Part:
    """The Temporal development server with its Web UI."""
    command = temporal_command(cli, database, ports.temporal, ports.temporal_ui)
    listens_on = (ports.temporal, ports.temporal_ui)
    quiet = {"OTEL_TRACES_EXPORTER": "none"}  # it knows the variable too, and would drown campaigns in its own spans
    return Part("temporal", command, lambda _pid: _set_up(cli, ports.temporal), listens_on, environment=quiet)


def inbox_part(smtp_port: int, http_port: int) -> Part:
    """The local inbox: a relay that keeps what it gets and shows it."""
    command = [sys.executable, "-m", "sandbox.inbox", "--smtp-port", str(smtp_port), "--http-port", str(http_port)]
    return Part("inbox", command, lambda _pid: healthy(f"http://{LOOPBACK}:{http_port}"), (smtp_port, http_port))


def github_part(port: int) -> Part:
    """The local GitHub: invented people, on example domains."""
    command = [sys.executable, "-m", "sandbox.github", "--port", str(port)]
    command += ["--people", "5000", "--repositories", "3000"]  # enough for most searches to find somebody
    return Part("github", command, lambda _pid: healthy(f"http://{LOOPBACK}:{port}"), (port,))


def web_part(port: int, environment: Mapping[str, str]) -> Part:
    """The opt-out page."""
    command = [sys.executable, "-m", "web", "--host", LOOPBACK, "--port", str(port)]
    return Part("web", command, lambda _pid: healthy(f"http://{LOOPBACK}:{port}"), (port,), environment=environment)


def worker_part(temporal: Client, environment: Mapping[str, str]) -> Part:
    """The worker. It gets longer to stop than any other part: it finishes the mail in hand."""

    async def polls(pid: int) -> bool:
        return any(identity.startswith(f"{pid}@") for identity in await pollers(temporal))

    return Part("worker", [sys.executable, "-m", "worker"], polls, grace=55.0, environment=environment)


async def pollers(temporal: Client, seconds: float | None = None) -> list[str]:
    """Identities of the workers that asked for work within so many seconds, None = within Temporal's 5 minutes."""
    request = DescribeTaskQueueRequest(
        namespace=temporal.namespace,
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    try:
        answer = await temporal.workflow_service.describe_task_queue(request)
    except RPCError:
        return []
    now = time.time()
    return [
        poller.identity
        for poller in answer.pollers
        if seconds is None or now - poller.last_access_time.ToSeconds() <= seconds
    ]


async def healthy(base_url: str) -> bool:
    """Whether `/healthz` answers 200. No proxy stands between this machine and itself."""
    async with httpx.AsyncClient(trust_env=False, timeout=2.0) as http:
        try:
            answer = await http.get(f"{base_url}/healthz")
        except httpx.HTTPError:
            return False
    return answer.is_success


async def _set_up(cli: Path, port: int) -> bool:
    """Whether the server has taken the retention: it persists, so once is enough."""
    try:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    quiet = asyncio.subprocess.DEVNULL
    update = await asyncio.create_subprocess_exec(*retention_command(cli, port), stdout=quiet, stderr=quiet)
    return await update.wait() == 0


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port at rest is free
        try:
            candidate.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
