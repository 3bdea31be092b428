"""Lanes: the connections that carry a window's mails, one mail in hand each.

A lane asks the ledger for two things in one commit: record what became of its last mail, begin its next. So a process
that is killed leaves at most one message per open connection of which nobody can know. A lane that must stop (pause,
cancel, deploy) finishes and records the mail in hand first.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime

from temporalio import activity

from activities.mail_seen import seen
from domain.campaign import Mailbox
from domain.delivery import Phase, Transmission, Verdict, judge
from domain.errors import RelayUnavailable
from domain.message import ClaimedMessage, MessageState
from domain.outgoing import outgoing
from domain.pacing import may_leave
from domain.ports import Campaign, Ledger, Mailboxes, Relay, RelayConnection, Settlement
from domain.wire import HoldReason
from telemetry.logging import get_logger
from telemetry.metrics import transmitted
from telemetry.names import Tool
from telemetry.tool_calls import ToolCall, tool_call

_PATIENCE_SECONDS = 10.0
"""How long a relay may be unreachable before the window is given back and the wait becomes visible."""

_FIRST_RECONNECT_SECONDS = 0.25
_LONGEST_RECONNECT_SECONDS = 2.0

_log = get_logger(__name__)


class Lanes:
    """Transmits one window's claimed messages over at most the mailbox's number of connections."""

    def __init__(
        self, campaign: Campaign, mailbox: Mailbox, ledger: Ledger, relay: Relay, mailboxes: Mailboxes
    ) -> None:
        """One object per claim; `relay` limits the connections of the whole process."""
        self._spec = campaign.spec
        self._rehearsal = campaign.dry_run
        self._mailbox = mailbox
        self._ledger = ledger
        self._relay = relay
        self._mailboxes = mailboxes
        self._queue: deque[ClaimedMessage] = deque()
        self._stopped: HoldReason | None = None
        self._in_hand: set[asyncio.Task[None]] = set()
        self._lanes: list[asyncio.Task[None]] = []
        self._reached_at = time.monotonic()

    async def run(self, messages: Sequence[ClaimedMessage]) -> HoldReason | None:
        """Transmit all; None, or what stopped the lanes early. A cancellation is raised after the last record."""
        self._queue.extend(messages)
        self._lanes = [
            asyncio.create_task(self._lane(index), name=f"lane-{index}")
            for index in range(min(self._mailbox.connections, len(messages)))
        ]
        shutdown = asyncio.create_task(self._stop_with_worker(), name="lanes-shutdown")
        ended = asyncio.gather(*self._lanes, return_exceptions=True)
        cancelled = False
        while not ended.done():
            try:
                await asyncio.shield(ended)
            except asyncio.CancelledError:
                cancelled = True
                self.stop(HoldReason.CONTROL)
        shutdown.cancel()
        if cancelled:
            raise asyncio.CancelledError
        for result in ended.result():
            if isinstance(result, Exception):
                raise result
        return self._stopped

    async def _stop_with_worker(self) -> None:
        await activity.wait_for_worker_shutdown()
        self.stop(HoldReason.WORKER_STOPPING)

    def stop(self, reason: HoldReason) -> None:
        """No lane takes another mail; lanes that only wait for a connection end at once."""
        self._stopped = self._stopped or reason
        for lane in self._lanes:
            if lane not in self._in_hand:
                lane.cancel()

    async def _lane(self, index: int) -> None:
        pause = _FIRST_RECONNECT_SECONDS
        while self._queue and self._stopped is None:
            lane = self._lanes[index]
            reached = self._reached_at
            try:
                async with self._relay.connection() as connection:
                    self._in_hand.add(lane)
                    with tool_call(Tool.SMTP_SESSION) as session:
                        last = await self._use(connection, session)
                    silent = not connection.usable and self._reached_at == reached
                # Whoever has the connection next asks the ledger after this: still one doubt for it at most.
                if last is not None:
                    await self._ledger.advance(last, None)
                if silent:
                    self._in_hand.discard(lane)
                    pause = await self._wait_for_relay(RelayUnavailable("the relay closes before it answers"), pause)
                else:
                    pause = _FIRST_RECONNECT_SECONDS
            except RelayUnavailable as error:
                pause = await self._wait_for_relay(error, pause)
            except Exception:
                self.stop(HoldReason.ACTIVITY_FAILED)
                raise
            finally:
                self._in_hand.discard(lane)

    async def _wait_for_relay(self, error: RelayUnavailable, pause: float) -> float:
        """Wait, or stop all lanes when the relay has been away for too long; returns the next, longer pause."""
        if error.blames_sender:
            await self._mailboxes.stop(self._mailbox.name, f"refused_at_connect:{error.code}")
            _log.warning("mailbox.stopped", mailbox=self._mailbox.name, reply_code=error.code)
            self.stop(HoldReason.MAILBOX_STOPPED)
        elif not self._in_hand and time.monotonic() - self._reached_at > _PATIENCE_SECONDS:
            _log.warning("relay.unreachable", mailbox=self._mailbox.name, error=error.line)
            self.stop(HoldReason.RELAY_UNREACHABLE)
        else:
            await asyncio.sleep(pause)
        return min(pause * 2, _LONGEST_RECONNECT_SECONDS)

    async def _use(self, connection: RelayConnection, session: ToolCall) -> Settlement | None:
        """Send over one connection until it breaks, the queue is empty or the lanes stop; what is left to record."""
        last: Settlement | None = None
        while self._queue and self._stopped is None and connection.usable:
            now = datetime.now(UTC)
            if not may_leave(self._spec.sending, now):
                self.stop(HoldReason.WINDOW_CLOSED)
                break
            message = self._queue.popleft()
            mail = outgoing(self._spec, self._mailbox, message, now)
            if not self._relay.loopback and not mail.opt_out_url.startswith("https://"):
                self.stop(HoldReason.OPT_OUT_NOT_PUBLIC)
                break
            if mail.fingerprint() != message.fingerprint:
                await self._ledger.advance(_unsendable(message, "changed_after_approval"), None)
                continue
            try:
                content = self._relay.encode(mail)
            except ValueError:
                await self._ledger.advance(_unsendable(message, "unsendable_headers"), None)
                continue
            began = await self._ledger.advance(last, message)
            last = None
            if began:
                began_at = time.time_ns()
                sent = await connection.transmit(mail.sender_address, mail.recipient, content)
                last = self._judged(message, sent)
                if not self._rehearsal:
                    transmitted(last.verdict.state)
                session.count(*seen(last), began_at)
        return last

    def _judged(self, message: ClaimedMessage, sent: Transmission) -> Settlement:
        if sent.code is not None:
            self._reached_at = time.monotonic()
        sending = self._spec.sending
        verdict = judge(sent, message, sending.deferred, sending.in_doubt, datetime.now(UTC))
        if verdict.state is not MessageState.SENT:
            _log.debug("message.not_sent", lead_number=message.key.number, state=verdict.state, reply_code=sent.code)
        if verdict.stop_mailbox:
            _log.warning("mailbox.stopped", mailbox=self._mailbox.name, reply_code=sent.code)
            self.stop(HoldReason.MAILBOX_STOPPED)
        return Settlement(message=message, transmission=sent, verdict=verdict)


def _unsendable(message: ClaimedMessage, reason: str) -> Settlement:
    """This must not or cannot be a mail: nothing was begun, nothing will be."""
    return Settlement(
        message=message,
        transmission=Transmission(phase=Phase.CONNECT, code=None),
        verdict=Verdict(state=MessageState.FAILED, reason=reason),
    )
