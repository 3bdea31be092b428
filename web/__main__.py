"""`python -m web`: serve the opt-out page until SIGTERM or SIGINT, then finish the requests in hand.

Logs `web.started` with host and port when it listens; port 0 takes any free one.
"""

import argparse
import asyncio
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import uvicorn

from client.adapters import open_storage
from client.exit import run_entry_point, stop_requested
from client.http_server import HttpServer, listen
from client.settings import Settings
from domain.errors import Unreachable
from telemetry.logging import get_logger
from web.app import build_app
from web.connections import BoundedProtocol, accepted_at_once, quiet_logs, raise_descriptor_limit

_HIGHEST_PORT = 65_535
_GRACE_SECONDS = 35  # a request may wait 30 s for the database's write lock
_KEEP_ALIVE_SECONDS = 5
_QUEUE = 1_024  # connections that the kernel holds until they are accepted

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """The command line."""

    host: str
    port: int


class _Server(HttpServer):
    """Its `backlog` is only how many connections are accepted at once, not how many may wait for that."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        for listening in sockets or ():
            listening.listen(_QUEUE)


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; a mistake is one line on stderr and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m web", description="Serve the opt-out page.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8026, help="0 = any free port (default: %(default)s)")
    given = parser.parse_args(arguments)
    if not 0 <= given.port <= _HIGHEST_PORT:
        parser.error(f"--port: must be between 0 and {_HIGHEST_PORT}")
    return Options(given.host, given.port)


async def run(settings: Settings, options: Options) -> None:
    """Serve until a signal asks to stop; raises OutriderError when something needed is missing."""
    stop = stop_requested()
    raise_descriptor_limit()
    quiet_logs()
    async with open_storage(settings) as storage:
        listening = _listen(options)
        app = build_app(settings, storage)
        server = _Server(
            uvicorn.Config(
                app,
                http=BoundedProtocol,
                backlog=accepted_at_once(),
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                log_config=None,
                access_log=False,  # its lines hold tokens and addresses
                server_header=False,
                proxy_headers=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        _log.info("web.started", host=options.host, port=listening.getsockname()[1])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(sockets=[listening]), name="web-server")
            await stop.wait()
            _log.info("web.stopping")
            server.should_exit = True
    _log.info("web.stopped")


def _listen(options: Options) -> socket.socket:
    try:
        return listen(options.host, options.port)
    except OSError as error:
        raise Unreachable(
            f"--host, --port: cannot listen on {options.host}:{options.port}: {error.strerror}",
            hint="give another port; --port 0 takes any free one",
        ) from None


def main() -> None:
    """Entry point of the process."""
    options = parse(sys.argv[1:])
    run_entry_point(lambda settings: run(settings, options), "outrider-web")


if __name__ == "__main__":
    main()
