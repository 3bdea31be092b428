"""Relays that allow less than they are asked for, or that close before they say anything."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from window_sender import Sender

from domain.wire import HoldReason


class OddRelay:
    """A relay that takes one connection at a time, or, `closing`, none beyond the greeting."""

    def __init__(self, *, seconds: float = 0.0, closing: bool = False) -> None:
        self.seconds = seconds
        self.closing = closing
        self.connections = 0
        self.taken: list[str] = []
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open += 1
        try:
            if self._open > 1 and not self.closing:
                writer.write(b"421 4.7.0 too many connections\r\n")
                return
            writer.write(b"220 odd\r\n")
            await self._talk(reader, writer)
        finally:
            self._open -= 1
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            command = line.split()[0].upper()
            if command == b"RCPT":
                self.taken.append(line.decode().strip())
            if command == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                await asyncio.sleep(self.seconds)
            writer.write(b"250 fine\r\n")
            if self.closing or command == b"QUIT":
                return


@asynccontextmanager
async def listening(relay: OddRelay, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OddRelay]:
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("OUTRIDER_MAILBOX_RELAY_SMTP_URL", f"smtp://127.0.0.1:{port}")
    async with server:
        yield relay


async def test_a_relay_that_allows_one_connection_of_five_gets_all_mails(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than the patience with an unreachable relay: the other four see it as away all the time."""
    monkeypatch.setattr("activities.lanes._PATIENCE_SECONDS", 1.0)
    await sender.schedule(20, connections=5)
    async with listening(OddRelay(seconds=0.15), monkeypatch) as relay:
        result = await sender.send(1, 20)
    assert (result.counts, result.hold) == ({"done": 20}, None)
    assert len(relay.taken) == 20


async def test_a_relay_that_closes_after_the_greeting_is_not_hammered_and_is_shown_as_away(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.lanes._PATIENCE_SECONDS", 2.0)
    await sender.schedule(20, connections=5)
    began = time.monotonic()
    async with listening(OddRelay(closing=True), monkeypatch) as relay:
        result = await sender.send(1, 20)
    assert result.hold is not None
    assert result.hold.reason is HoldReason.RELAY_UNREACHABLE
    assert result.open == 20
    assert relay.connections <= 10 * (time.monotonic() - began), "each lane waits longer each time"


async def test_the_window_is_held_for_every_mail_not_for_every_claim(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It closes while the mails of one claim are being sent: what is in hand is finished and no other begins."""
    closes = time.monotonic() + 1.0
    monkeypatch.setattr("activities.lanes.may_leave", lambda _sending, _now: time.monotonic() < closes)
    monkeypatch.setattr(
        "activities.sending.opening",
        lambda _window, now: now if time.monotonic() < closes else now + timedelta(hours=1),
    )
    await sender.schedule(20, connections=1)
    async with listening(OddRelay(seconds=0.3), monkeypatch) as relay:
        result = await sender.send(1, 20)
    assert result.hold is not None
    assert result.hold.reason is HoldReason.WINDOW_CLOSED
    assert 1 <= len(relay.taken) <= 5
    assert result.counts == {"done": len(relay.taken)}
    assert result.open == 20 - len(relay.taken)
