"""What a stranger's connection may cost: time to send a request, one of a bounded number of places, no log line."""

import asyncio
import logging
import resource
import time
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from telemetry.logging import get_logger

_DESCRIPTORS = 4_096
"""Wanted at start: each connection takes one, each question about readiness a few more for the database."""
_MOST_CONNECTIONS = 512
_MOST_ACCEPTED_AT_ONCE = 64
_LOG_SECONDS = 60
_NO_DESCRIPTORS = "socket.accept() out of system resource"
"""asyncio's words for it. It says them once for each connection that waits, many times a second."""

_log = get_logger(__name__)


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 in which nobody can hold a connection by being slow, nor keep others out by holding many.

    Where there is no place left, the connection goes that has owed its request for longest: a browser sends one within
    milliseconds, so those who wait are not those who want something. When none owes one, the newcomer goes.
    """

    head_seconds: float = 10
    """From the opening, or from the last answer, until a request's head is here."""
    request_seconds: float = 60
    """From a request's head until its answer is handed over: 15 s for a body, 30 s for the database's write lock."""

    _deadline: asyncio.TimerHandle | None = None
    _has_request = False
    _phase_began: float = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Make room, and wait for the first request."""
        super().connection_made(transport)
        self._start_phase(self.head_seconds)
        if len(self.connections) > most_connections():
            slow = (other for other in self.connections if isinstance(other, BoundedProtocol) and other.owes_request)
            min(slow, key=lambda other: other._phase_began, default=self).drop()  # noqa: SLF001 of its own kind
            if _full.is_due():
                _log.warning("web.connections_full", most=most_connections())

    def handle_events(self) -> None:
        """Note that a request's head is here."""
        previous = self.cycle
        super().handle_events()
        if self.cycle is not previous:
            self._has_request = True
            self._start_phase(self.request_seconds)

    def on_response_complete(self) -> None:
        """Wait for the next request, which may be here already."""
        self._has_request = False
        self._start_phase(self.head_seconds)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        super().connection_lost(exc)
        if self._deadline is not None:
            self._deadline.cancel()

    @property
    def owes_request(self) -> bool:
        """Whether the client has not sent its request yet, or not all of it."""
        return not self._has_request or self.cycle.more_body

    def drop(self) -> None:
        """Close at once, whatever the client has not read."""
        self.connections.discard(self)  # its place is free now, not only when the loop gets to close it
        self.transport.abort()

    def _start_phase(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._phase_began = self.loop.time()
        self._deadline = self.loop.call_later(seconds, self.drop)


class _Seldom:
    """Lets a line through once a minute."""

    def __init__(self) -> None:
        self._last = -float(_LOG_SECONDS)

    def is_due(self) -> bool:
        now = time.monotonic()
        if now - self._last < _LOG_SECONDS:
            return False
        self._last = now
        return True


_full, _exhausted = _Seldom(), _Seldom()


def raise_descriptor_limit() -> None:
    """Allow this process the descriptors it wants, as far as the hard limit lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def most_connections() -> int:
    """How many connections may be open: half of the descriptors, at most 512."""
    return min(_MOST_CONNECTIONS, _descriptors() // 2)


def accepted_at_once() -> int:
    """How many connections asyncio may accept before it looks at any of them; it needs a few turns to close one."""
    return max(1, min(_MOST_ACCEPTED_AT_ONCE, _descriptors() // 16))


def _descriptors() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _DESCRIPTORS if soft == resource.RLIM_INFINITY else soft


def quiet_logs() -> None:
    """Let no stranger fill the disk: no line for an invalid request, one a minute for a lack of descriptors.

    Called once, inside the event loop.
    """
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    asyncio.get_running_loop().set_exception_handler(_handle)


def _handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if context.get("message") != _NO_DESCRIPTORS:
        loop.default_exception_handler(context)
    elif _exhausted.is_due():
        _log.error("web.no_descriptors", limit=_descriptors())
