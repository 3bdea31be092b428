"""Whether the worker lives, and whether it can do its work, over HTTP: for whatever supervises the process.

On by default, on loopback: a person who looks needs no setting. Several workers on one machine are usual, so a port
that is taken is no error: every answer says whose it is.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from temporalio.client import Client
from temporalio.service import RPCError

from client.adapters import open_storage
from client.http_server import HttpServer, listen
from client.settings import Settings
from client.workers import workers
from domain.errors import OutriderError
from telemetry.logging import get_logger

_NO_STORE = {"Cache-Control": "no-store"}
_TEMPORAL_SECONDS = 3.0
"""Less than what asks waits for (4 s in the container)."""
_CONNECTIONS = 16

_log = get_logger(__name__)


class Health:
    """The answers."""

    def __init__(
        self, settings: Settings, client: Client, stop: asyncio.Event, turns: Callable[[], Awaitable[bool]]
    ) -> None:
        """`client` is the worker's own; `stop` says that it has been asked to end; `turns` as CampaignWorker has it."""
        self._settings = settings
        self._client = client
        self._stop = stop
        self._turns = turns

    async def lives(self, _request: Request) -> JSONResponse:
        """200 as long as both event loops turn: where this one does not, nobody answers."""
        turns = await self._turns()
        status = "alive" if turns else "the event loop that sends mails is stuck"
        body = {"status": status, "worker": self._client.identity}
        return JSONResponse(body, status_code=200 if turns else 503, headers=_NO_STORE)

    async def ready(self, _request: Request) -> JSONResponse:
        """200 when the database has the right revision and key, Temporal answers, and it knows this worker."""
        missing = [part for part in (await self._database(), await self._temporal(), self._stopping()) if part]
        status = "not ready" if missing else "ready"
        body = {"status": status, "worker": self._client.identity, "missing": missing}
        return JSONResponse(body, status_code=503 if missing else 200, headers=_NO_STORE)

    def _stopping(self) -> str:
        return "the worker is stopping" if self._stop.is_set() else ""

    async def _database(self) -> str:
        """What is wrong with it, "" = nothing. Opened anew: see web.health."""
        try:
            async with open_storage(self._settings):
                return ""
        except OutriderError as error:
            _log.warning("worker.not_ready", reason=error.line)
            return "the database"

    async def _temporal(self) -> str:
        """What is wrong with it or between it and this worker, "" = nothing."""
        try:
            async with asyncio.timeout(_TEMPORAL_SECONDS):
                if not await self._client.service_client.check_health():
                    return "Temporal"
                polls = self._client.identity in await workers(self._client)
        except (RPCError, RuntimeError, TimeoutError):
            return "Temporal"
        return "" if polls else "Temporal has not been asked for work by this worker"


@contextlib.asynccontextmanager
async def answering(health: Health, settings: Settings) -> AsyncIterator[None]:
    """Answer while the block runs, where the settings say; without a port the block runs all the same."""
    listening = _listen(settings.health_host, settings.health_port) if settings.health_port else None
    if listening is None:
        yield
        return
    server = HttpServer(
        uvicorn.Config(
            Starlette(
                routes=[
                    Route("/healthz", health.lives, methods=["GET"]),
                    Route("/readyz", health.ready, methods=["GET"]),
                ]
            ),
            http="h11",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=1,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="health")
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def _listen(host: str, port: int) -> socket.socket | None:
    try:
        return listen(host, port)
    except OSError as error:
        _log.warning("worker.no_health_port", host=host, port=port, reason=error.strerror)
        return None
