"""SMTP, driven step by step, over a pool of connections per relay.

The library's one-call send raises the same exception before and after the server took the message. Here every step is
its own, so the phase at which an attempt ended is known: until the content begins a server that follows RFC 5321 keeps
nothing.
"""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiosmtplib
from aiosmtplib import SMTPConnectError, SMTPException, SMTPHeloError, SMTPResponseException

from domain.delivery import Phase, Transmission
from domain.errors import RelayUnavailable
from domain.message import OutgoingMail
from domain.ports import RelayConnection
from providers import mime
from providers.relay_address import RelayAddress
from telemetry.names import Attribute, Outcome, Tool
from telemetry.tool_calls import tool_call

ENVELOPE_SECONDS = 15.0
RESET_SECONDS = 3.0
REPLY_SECONDS = 30.0
"""How long MAIL, RCPT and DATA together, and then the final reply, may take. Their sum is below the worker's grace and
the stop grace of a container (60 s), so a deploy never cuts a mail in hand."""

CONNECT_SECONDS = 10.0

IDLE_SECONDS = 5.0
"""How long an unused connection stays open: long enough to pass from window to window, short enough to be polite."""

_ENHANCED = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})\b")
_TEXT_LIMIT = 200
_START_CONTENT = (354,)
_CLOSING = 421
_POSITIVE = range(200, 300)


class SmtpConnection:
    """One connection; after a missing answer or 421 it is not usable."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        """`client` is connected and has greeted."""
        self._client = client
        self._broken = False

    @property
    def usable(self) -> bool:
        """See domain.ports.RelayConnection."""
        return not self._broken and self._client.is_connected

    async def transmit(self, sender: str, recipient: str, content: bytes) -> Transmission:
        """See domain.ports.RelayConnection. `content` is dot-stuffed, with CRLF line ends, without the final dot."""
        ended = await self._envelope(sender, recipient)
        return ended or await self._content(content)

    def abandon(self) -> None:
        """Nobody uses this connection again."""
        self._broken = True

    async def close(self) -> None:
        """Say goodbye if the relay still listens, and close."""
        if self.usable:
            with suppress(SMTPException, OSError):
                await self._client.quit(timeout=1.0)
        self._client.close()

    async def _envelope(self, sender: str, recipient: str) -> Transmission | None:
        """Everything before the content; None when the relay waits for it."""
        phase = Phase.SENDER
        try:
            async with asyncio.timeout(ENVELOPE_SECONDS):
                for phase, command, wanted in (
                    (Phase.SENDER, f"MAIL FROM:<{mime.ascii_address(sender, 'From')}>", _POSITIVE),
                    (Phase.RECIPIENT, f"RCPT TO:<{mime.ascii_address(recipient, 'To')}>", _POSITIVE),
                    (Phase.DATA, "DATA", _START_CONTENT),
                ):
                    code, text = await self._protocol.execute_command(command.encode())
                    if code not in wanted:
                        refused = self._answered(phase, code, text)
                        break
                else:
                    return None
        except (SMTPException, OSError) as error:
            return self._lost(phase, error)
        await self._reset()
        return refused

    async def _content(self, content: bytes) -> Transmission:
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                protocol = self._protocol
                protocol.write(content + b".\r\n" if content.endswith(b"\r\n") else content + b"\r\n.\r\n")
                code, text = await protocol.read_response()
        except (SMTPException, OSError) as error:
            return self._lost(Phase.CONTENT, error)
        return self._answered(Phase.CONTENT, code, text)

    @property
    def _protocol(self) -> aiosmtplib.protocol.SMTPProtocol:
        if self._client.protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("connection lost")
        return self._client.protocol

    async def _reset(self) -> None:
        """Take back a transaction that was refused, so the next mail can use the connection."""
        if self._broken:
            return
        try:
            code, _ = await self._protocol.execute_command(b"RSET", timeout=RESET_SECONDS)
        except (SMTPException, OSError):
            self._broken = True
        else:
            self._broken = code not in _POSITIVE

    def _lost(self, phase: Phase, error: Exception) -> Transmission:
        """No answer, unless the relay's last words were a reply such as 421."""
        self._broken = True
        code = error.code if isinstance(error, SMTPResponseException) and error.code > 0 else None
        return Transmission(phase=phase, code=code)

    def _answered(self, phase: Phase, code: int, text: str) -> Transmission:
        if code == _CLOSING:
            self._broken = True
        text = text[:_TEXT_LIMIT].encode(errors="replace").decode()  # what is no UTF-8 comes as lone surrogates
        enhanced = _ENHANCED.match(text)
        return Transmission(phase=phase, code=code, enhanced=enhanced[1] if enhanced else "", text=text)


class SmtpRelay:
    """domain.ports.Relay over SMTP. At most `connections` are open in this process, idle ones are used again."""

    def __init__(self, address: RelayAddress, connections: int) -> None:
        """Nothing is contacted before the first connection is asked for."""
        self._address = address
        self._free = asyncio.Semaphore(connections)
        self._idle: dict[SmtpConnection, asyncio.TimerHandle] = {}
        self._closing: set[asyncio.Future[None]] = set()

    @property
    def loopback(self) -> bool:
        """See domain.ports.Relay."""
        return self._address.loopback

    def encode(self, mail: OutgoingMail) -> bytes:
        """See domain.ports.Relay."""
        return mime.encode(mail)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[RelayConnection]:
        """See domain.ports.Relay."""
        async with self._free:
            connection = await self._take()
            try:
                yield connection
            except BaseException:  # nobody knows where in a transaction it was left
                connection.abandon()
                raise
            finally:
                if connection.usable:
                    loop = asyncio.get_running_loop()
                    self._idle[connection] = loop.call_later(IDLE_SECONDS, self._expire, connection)
                else:
                    await connection.close()

    def _expire(self, connection: SmtpConnection) -> None:
        """Close a connection that nobody took up again."""
        del self._idle[connection]
        closing = asyncio.ensure_future(connection.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close idle connections."""
        for timer in self._idle.values():
            timer.cancel()
        await asyncio.gather(*(connection.close() for connection in self._idle))
        self._idle.clear()

    async def _take(self) -> SmtpConnection:
        while self._idle:
            connection, timer = self._idle.popitem()
            timer.cancel()
            if connection.usable:
                return connection
            await connection.close()
        return await self._connect()

    async def _connect(self) -> SmtpConnection:
        address = self._address
        client = aiosmtplib.SMTP(
            hostname=address.host,
            port=address.port,
            username=address.username,
            password=address.password,
            use_tls=address.tls,
            start_tls=address.start_tls,
            timeout=CONNECT_SECONDS,
            local_hostname=socket.gethostname(),
        )
        where = f"the relay at {address.host}:{address.port}"
        with tool_call(Tool.SMTP_CONNECT) as call:
            try:
                await client.connect()
                await _greet(client)
            except SMTPResponseException as error:
                client.close()
                unavailable = RelayUnavailable(f"{where} refuses with {error.code}", code=error.code)
                refused = Outcome.REFUSED if unavailable.blames_sender else Outcome.RETRY
                call.ended(refused, {Attribute.SMTP_CODE: error.code})
            except (SMTPConnectError, SMTPException, OSError) as error:
                client.close()
                unavailable = RelayUnavailable(f"{where} does not answer ({type(error).__name__})")
                call.ended(Outcome.FAILED, {Attribute.ERROR_TYPE: type(error).__name__})
            except asyncio.CancelledError:
                client.close()
                raise
            else:
                return SmtpConnection(client)
        raise unavailable


class RehearsalRelay:
    """domain.ports.Relay for dry runs: everything is encoded and nothing leaves."""

    loopback = True
    usable = True

    def encode(self, mail: OutgoingMail) -> bytes:
        """The same bytes that would be sent, so what cannot be sent shows in the rehearsal."""
        return mime.encode(mail)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[RelayConnection]:
        """Itself: there is nothing to connect to."""
        yield self

    async def transmit(self, sender: str, recipient: str, content: bytes) -> Transmission:  # noqa: ARG002 the port's names
        """Accept."""
        return Transmission(phase=Phase.CONTENT, code=250, text="rehearsal")


async def _greet(client: aiosmtplib.SMTP) -> None:
    """Say EHLO, or HELO to a relay that does not know it, unless the log-in has said it already."""
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except SMTPHeloError:
            await client.helo()
