"""What a relay answers, as the ledger will get it: any bytes, any phase, and a connection that still works after."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.delivery import Phase
from providers import smtp
from providers.relay_address import RelayAddress
from providers.smtp import SmtpRelay

CONTENT = b"Subject: hello\r\n\r\nhello"


@asynccontextmanager
async def relay_that_answers(replies: dict[bytes, bytes]) -> AsyncIterator[SmtpRelay]:
    """A relay with these replies by verb, `.` for the end of the content; 250 to everything else, b"" = no reply."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 relay.example.net\r\n")
        in_content = False
        while line := await reader.readline():
            if in_content and line != b".\r\n":
                continue
            in_content = line == b"DATA\r\n" and b"DATA" not in replies
            reply = replies.get(line.split()[0], b"354 go on" if in_content else b"250 2.0.0 fine")
            writer.write(reply and reply + b"\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    relay = SmtpRelay(RelayAddress.parse(url, "OUTRIDER_SMTP_URL"), connections=1)
    try:
        yield relay
    finally:
        await relay.close()
        server.close()


async def test_a_reply_that_is_no_utf_8_is_kept_as_text_that_a_database_takes() -> None:
    replies = {b"RCPT": "550 5.1.1 Empfänger unbekannt".encode("latin-1")}
    async with relay_that_answers(replies) as relay, relay.connection() as connection:
        refused = await connection.transmit("news@example.com", "kim@example.com", CONTENT)
    assert (refused.phase, refused.code, refused.enhanced) == (Phase.RECIPIENT, 550, "5.1.1")
    assert refused.text.encode() == b"5.1.1 Empf?nger unbekannt"


@pytest.mark.parametrize(
    ("verb", "phase"),
    [(b"MAIL", Phase.SENDER), (b"RCPT", Phase.RECIPIENT), (b"DATA", Phase.DATA), (b".", Phase.CONTENT)],
)
async def test_a_refusal_says_its_phase_and_leaves_the_connection_usable(verb: bytes, phase: Phase) -> None:
    replies = {verb: b"451 4.3.0 later"}
    async with relay_that_answers(replies) as relay, relay.connection() as connection:
        refused = await connection.transmit("news@example.com", "kim@example.com", CONTENT)
        assert (refused.phase, refused.code, refused.accepted) == (phase, 451, False)
        assert connection.usable
        replies.clear()
        accepted = await connection.transmit("news@example.com", "kim@example.com", CONTENT)
    assert accepted.accepted


@pytest.mark.parametrize(
    ("verb", "phase"),
    [(b"MAIL", Phase.SENDER), (b"RCPT", Phase.RECIPIENT), (b"DATA", Phase.DATA), (b".", Phase.CONTENT)],
)
async def test_a_reply_that_does_not_come_ends_the_mail_with_its_phase_and_the_connection(
    verb: bytes, phase: Phase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "REPLY_SECONDS", 0.2)
    async with relay_that_answers({verb: b""}) as relay, relay.connection() as connection:
        lost = await connection.transmit("news@example.com", "kim@example.com", CONTENT)
        assert (lost.phase, lost.code) == (phase, None)
        assert not connection.usable


async def test_a_refusal_stands_when_the_relay_then_falls_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "REPLY_SECONDS", 0.2)
    replies = {b"RCPT": b"550 5.1.1 nobody", b"RSET": b""}
    async with relay_that_answers(replies) as relay, relay.connection() as connection:
        refused = await connection.transmit("news@example.com", "kim@example.com", CONTENT)
        assert (refused.phase, refused.code) == (Phase.RECIPIENT, 550)
        assert not connection.usable
