"""One SMTP connection: aiosmtpd's dialogue, with the faults in force and a body reader that is fast enough."""

import asyncio
import contextlib

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.inbox.faults import MAX_SECONDS, Faults, Trouble
from sandbox.inbox.mailbox import Mailbox

MAX_MAIL_BYTES = 10 * 2**20
"""Largest mail taken, in octets; announced in the answer to EHLO."""

_LAST_LINE = b".\r\n"
_END = b"\r\n.\r\n"
_MAX_LINE = 998
"""RFC 5321 4.5.3.1.6, in octets, without the line end and the transparent dot."""

_IDLE_SECONDS = 2 * MAX_SECONDS
"""How long a connection may be silent: no delay on demand is cut short."""


class ConnectionDropped(ConnectionResetError):
    """This side has closed the connection, because a fault says so or because the client is gone."""


class Hooks:
    """aiosmtpd's handler: what is answered to MAIL and RCPT once their syntax is right."""

    async def handle_MAIL(  # noqa: N802 - the name aiosmtpd looks for
        self, server: "InboxSMTP", session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Begin a transaction, unless a fault refuses the sender."""
        del session
        refusal = await server.suffer(server.faults.meet("mail"))
        if refusal:
            return refusal
        server.mailbox.counts.transactions += 1
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender OK"

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd looks for
        self, server: "InboxSMTP", session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Add a recipient, unless a fault refuses it."""
        del session
        refusal = await server.suffer(server.faults.meet("rcpt", [address]))
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Recipient OK"


class InboxSMTP(SMTP):
    """One connection to the relay."""

    line_length_limit = 2**16  # what the stream buffers; the limit on lines of a mail is checked in `_refusal_of_body`

    def __init__(self, mailbox: Mailbox, faults: Faults, connections: "set[InboxSMTP]") -> None:
        """Serve one client; the connection is a member of `connections` while it is open."""
        loop = asyncio.get_running_loop()
        super().__init__(
            Hooks(),
            data_size_limit=MAX_MAIL_BYTES,
            hostname="inbox.example.net",
            ident="SMTP sandbox",
            timeout=_IDLE_SECONDS,
            loop=loop,
        )
        self.mailbox = mailbox
        self.faults = faults
        self._connections = connections
        self._in_body = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection, then let aiosmtpd talk."""
        self._connections.add(self)
        self.mailbox.counts.connections_total += 1
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the connection; aiosmtpd cancels the dialogue."""
        self._connections.discard(self)
        super().connection_lost(error)

    def eof_received(self) -> bool | None:
        """Go on reading what has already arrived of a body.

        A sender killed after its final dot has handed the mail over: a relay finds it in its socket and keeps it.
        aiosmtpd would cancel the dialogue and lose it.
        """
        if self._in_body:
            return asyncio.StreamReaderProtocol.eof_received(self)
        return super().eof_received()

    def close(self) -> None:
        """Close the connection without a word."""
        if self.transport is not None:
            self.transport.close()

    async def suffer(self, trouble: Trouble) -> str | None:
        """Let a trouble happen: wait, then return the refusal to send, or None to go on.

        Raises ConnectionDropped when the trouble ends the connection.
        """
        if trouble.delay:
            await asyncio.sleep(trouble.delay)
        if trouble.rule is None:
            return None
        if trouble.refuses:
            return trouble.rule.reply_line
        if trouble.rule.action == "freeze":
            await (asyncio.sleep(trouble.rule.seconds) if trouble.rule.seconds else asyncio.Future())
        raise self._drop()

    async def push(self, status: str | bytes) -> None:
        """Send one line of a reply. A 421 is the last thing a connection hears (RFC 5321 3.8)."""
        line = status if isinstance(status, str) else status.decode()
        if line[3:4] != "-":
            await self.suffer(self.faults.meet("any"))
        if line[0] in "45":
            self.mailbox.counts.refused[line[:3]] += 1
        await super().push(line)
        if line.startswith("421"):
            self.close()
            raise ConnectionDropped

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - the name aiosmtpd looks for
        """Take a mail in. Replaces aiosmtpd's reader, which takes a step of the event loop for every line."""
        envelope = self.envelope or self._create_envelope()
        recipients = envelope.rcpt_tos
        refusal = _refusal_of_command(recipients, arg) or await self.suffer(self.faults.meet("data", recipients))
        if refusal:
            await self.push(refusal)
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        body = await self._read_body(self.faults.meet("body", recipients))
        await self._answer(envelope, body)

    async def _read_body(self, trouble: Trouble) -> bytes | None:
        """Read up to the final dot and undo the dot-stuffing; None when the mail is larger than allowed.

        Raises ConnectionDropped when the client leaves before the final dot or the trouble says so.
        """
        body = bytearray()
        too_large = False
        while len(body) < trouble.after_bytes and not _is_whole(body):
            body += await self._reader.read(trouble.after_bytes - len(body))
            if self._reader.at_eof():
                raise self._drop(by_fault=False)
        await self.suffer(trouble)
        self._in_body = True
        while not _is_whole(body):
            try:
                body += await self._reader.readuntil(_LAST_LINE)
            except asyncio.LimitOverrunError as overrun:
                body += await self._reader.read(overrun.consumed)
            except asyncio.IncompleteReadError:
                raise self._drop(by_fault=False) from None
            if len(body) > MAX_MAIL_BYTES:
                too_large = True
                del body[: -len(_END)]
        self._in_body = False
        if too_large:
            return None
        return (b"\r\n" + body[: -len(_LAST_LINE)]).replace(b"\r\n.", b"\r\n")[2:]

    async def _answer(self, envelope: Envelope, body: bytes | None) -> None:
        """Keep the mail or refuse it, then reply. Kept comes first: a lost or late reply does not undo it."""
        trouble = self.faults.meet("reply", envelope.rcpt_tos)
        refusal = _refusal_of_body(body)
        if body is not None and not refusal and not trouble.refuses:
            self.mailbox.accept(envelope.mail_from or "", tuple(envelope.rcpt_tos), body)
        self.envelope = self._create_envelope()
        if self._reader.at_eof():
            raise self._drop(by_fault=False)
        refusal = await self.suffer(trouble) or refusal
        await self.push(refusal or "250 2.0.0 Accepted")

    def _drop(self, *, by_fault: bool = True) -> ConnectionDropped:
        self.mailbox.counts.dropped += by_fault
        self.close()
        return ConnectionDropped()

    async def _handle_client(self) -> None:
        with contextlib.suppress(ConnectionError):
            refusal = await self.suffer(self.faults.meet("connect"))
            if refusal:
                await self.push(refusal)
                self.close()
            else:
                await super()._handle_client()


def _is_whole(body: bytearray) -> bool:
    return body.endswith(_END) or body == _LAST_LINE


def _refusal_of_command(recipients: list[str], arg: str | None) -> str | None:
    if arg:
        return "501 5.5.4 Syntax: DATA"
    return None if recipients else "503 5.5.1 Send RCPT first"


def _refusal_of_body(body: bytes | None) -> str | None:
    if body is None:
        return f"552 5.3.4 Mail is larger than {MAX_MAIL_BYTES} octets"
    if max(map(len, body.split(b"\r\n"))) > _MAX_LINE:
        return "500 5.5.2 Line is longer than 998 octets"
    return None
