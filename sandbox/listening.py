"""Ports of the local world's processes, and an HTTP server that leaves signals to them."""

import contextlib
import socket
import sys
from collections.abc import Iterator

import uvicorn

BACKLOG = 1024
"""Connections the system takes in while the process is busy."""


class HttpServer(uvicorn.Server):
    """uvicorn without its signal handlers, which end the process by the signal instead of with exit code 0."""

    def stop(self) -> None:
        """End `serve` soon."""
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield


def bound_socket(host: str, port: int) -> socket.socket:
    """Return an IPv4 TCP socket that has the port and does not listen yet. Raises OSError or OverflowError.

    It names its protocol, unlike those of `socket.create_server`: asyncio switches Nagle's algorithm off only then, and
    with it a small answer waits 40 ms for an acknowledgement.
    """
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    return bound


def listen(option: str, host: str, port: int) -> socket.socket:
    """Return a listening socket. Exits with code 3 and one line naming the option if the address cannot be had."""
    try:
        bound = bound_socket(host, port)
        bound.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        sys.stderr.write(f"{option}: cannot listen on {host}:{port}: {reason}; use another port, or 0 for any\n")
        raise SystemExit(3) from None
    return bound
