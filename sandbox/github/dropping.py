"""Open connections, so that one can be ended without an answer; uvicorn has no such thing for an application."""

import asyncio

from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

_OPEN: dict[tuple[str, int], asyncio.Transport] = {}


class TrackedProtocol(H11Protocol):
    """uvicorn's protocol, which remembers the transport of each client."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the connection."""
        super().connection_made(transport)
        _OPEN[transport.get_extra_info("peername")[:2]] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        _OPEN.pop(self.transport.get_extra_info("peername")[:2], None)
        super().connection_lost(exc)


async def end_connection(request: Request) -> None:
    """End the client's connection without a word, and return when uvicorn knows that it is gone."""
    client = request.client
    transport = _OPEN.get((client.host, client.port)) if client else None
    if transport is not None:
        transport.abort()
    while (await request.receive())["type"] != "http.disconnect":
        pass
