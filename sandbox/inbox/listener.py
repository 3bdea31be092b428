"""The listening SMTP socket, which can go away for a while and come back on the same port."""

import asyncio
import socket
from collections.abc import Callable

from sandbox.inbox.smtp import InboxSMTP
from sandbox.listening import BACKLOG, bound_socket


class Listener:
    """Listens for SMTP connections and keeps the open ones."""

    def __init__(self, bound: socket.socket, connect: Callable[[set[InboxSMTP]], InboxSMTP]) -> None:
        """Serve on a bound socket; `connect` makes the protocol of a new connection."""
        self._socket = bound
        self._address: tuple[str, int] = bound.getsockname()
        self._connect = connect
        self._server: asyncio.Server | None = None
        self._reopening: asyncio.Task[None] | None = None
        self.connections: set[InboxSMTP] = set()

    @property
    def port(self) -> int:
        """The TCP port, the same for the whole life of the process."""
        return self._address[1]

    async def open(self) -> None:
        """Listen; nothing happens if it does so already."""
        self._stay_closed()
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                lambda: self._connect(self.connections), sock=self._socket, backlog=BACKLOG
            )

    def refuse(self, seconds: float, *, close_open: bool) -> None:
        """Refuse new connections for `seconds`; with `close_open` also end the ones there are.

        A socket that is bound and does not listen refuses like a relay that is down, and keeps the port ours.
        """
        self.close()
        self._socket = bound_socket(*self._address)
        self._reopening = asyncio.get_running_loop().create_task(self._reopen_after(seconds))
        if close_open:
            self.close_connections()

    def close(self) -> None:
        """Stop listening; open connections go on."""
        self._stay_closed()
        if self._server is not None:
            self._server.close()
            self._server = None
        else:
            self._socket.close()

    def close_connections(self) -> None:
        """End every open connection without a word."""
        for connection in list(self.connections):
            connection.close()

    def _stay_closed(self) -> None:
        if self._reopening is not None:
            self._reopening.cancel()
            self._reopening = None

    async def _reopen_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._reopening = None
        await self.open()
