"""What an SMTP transaction's end means for the message, the person and the mailbox (RFC 5321 4.2, RFC 3463)."""

import re
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.campaign import Deferral, InDoubtPolicy
from domain.message import ClaimedMessage, MessageState
from domain.pacing import next_attempt

HARD_BOUNCE = "hard_bounce"
"""The relay knows no such address: it is suppressed, and trying again is no use."""


class Phase(StrEnum):
    """How far a transaction came. Until `content`, a server that follows RFC 5321 keeps nothing."""

    CONNECT = "connect"
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"
    CONTENT = "content"


class Transmission(BaseModel):
    """How one attempt at a relay ended. `code` is None when no reply came (connection lost, time-out)."""

    model_config = ConfigDict(frozen=True)

    phase: Phase
    code: int | None
    enhanced: str = ""
    """RFC 3463 status such as 5.1.1, "" when the server gave none."""
    text: str = ""
    """The reply's text: for the ledger's rows only, never for a log, span or history."""

    @property
    def accepted(self) -> bool:
        """Whether the relay took the message: 2xx after the final dot, nothing less."""
        return self.phase is Phase.CONTENT and self.code is not None and 200 <= self.code < 300  # noqa: PLR2004 SMTP reply class


class Verdict(BaseModel):
    """The ledger transition that follows from a transmission."""

    model_config = ConfigDict(frozen=True)

    state: MessageState
    reason: str = ""
    next_at: datetime | None = None
    suppress: bool = False
    """The address does not exist: nobody writes to it again."""
    stop_mailbox: bool = False
    """The reply blames the sender: nothing leaves this mailbox until a person resumes it."""


_FIRST_RECONNECT = timedelta(seconds=0.5)
_DOUBLINGS = 12
_CLOSING = 421
_NO_SUCH_ADDRESS = {"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}
_NO_SUCH_ADDRESS_PLAIN = {550, 551, 553}
_ABOUT_US = re.compile(
    r"\b(relay|auth|authenticat\w*|log ?in|spf|dkim|dmarc|policy|blocked|blacklist\w*|spam)\b", re.IGNORECASE
)
_SAYS_NOTHING = {"", "5.0.0", "5.5.0"}
"""What plain codes mean at RCPT without an RFC 3463 status, or with one of those that large providers put there."""
_MAILBOX_FULL = "5.2.2"
_CONTENT = ("5.2.3", "5.3.4", "5.6.")
_POLICY = "5.7."
_SENDER = ("5.1.7", "5.1.8", "5.5.1", "5.5.2", "5.5.4")
"""Sender's address, its domain, our protocol. Relays say so at RCPT too; Postfix, as it comes, says it only there."""
_SENDER_PLAIN = {500, 502, 503, 504, 530, 534, 535, 538}


def judge(  # noqa: PLR0911 one line per row of the table in docs/concepts/ledger.md
    sent: Transmission, message: ClaimedMessage, deferral: Deferral, in_doubt: InDoubtPolicy, now: datetime
) -> Verdict:
    """The transition for `message` after the attempt that ended as `sent`."""
    if sent.accepted:
        return Verdict(state=MessageState.SENT)
    if sent.phase is Phase.CONTENT and (sent.code is None or sent.code < 400):  # noqa: PLR2004 no answer, or none that says no
        again = _later("resent_in_doubt", message, deferral, now)
        if in_doubt is InDoubtPolicy.RESEND and again.next_at is not None:
            return again
        return Verdict(state=MessageState.IN_DOUBT, reason="connection_lost")
    if sent.code is None or (sent.code == _CLOSING and sent.phase is not Phase.CONTENT):
        return _soon("connection_lost", message, deferral, now)
    if sent.code not in range(500, 600):  # what is no SMTP reply at all is no reason to give up on anybody
        return _later("deferred_by_relay", message, deferral, now)
    if sent.phase in (Phase.CONNECT, Phase.SENDER):
        return Verdict(state=MessageState.SCHEDULED, reason="refused_sender", stop_mailbox=True)
    return _refused(sent, message)


def _refused(sent: Transmission, message: ClaimedMessage) -> Verdict:  # noqa: PLR0911 as judge
    """5xx at RCPT or later: whose fault is it? An address is suppressed only where the reply says that it is wrong."""
    if sent.phase is Phase.RECIPIENT and sent.enhanced in _NO_SUCH_ADDRESS:
        return Verdict(state=MessageState.FAILED, reason=HARD_BOUNCE, suppress=True)
    if sent.enhanced == _MAILBOX_FULL:
        return Verdict(state=MessageState.FAILED, reason="mailbox_full")
    if sent.enhanced.startswith(_CONTENT):
        return Verdict(state=MessageState.FAILED, reason="refused_content")
    if sent.enhanced.startswith(_POLICY):
        return _blames_sender("refused_policy", message)
    plain = sent.enhanced in _SAYS_NOTHING
    if sent.enhanced in _SENDER or sent.code in _SENDER_PLAIN or (plain and _ABOUT_US.search(sent.text)):
        return _blames_sender("refused_sender", message)
    if sent.phase is Phase.RECIPIENT and plain and sent.code in _NO_SUCH_ADDRESS_PLAIN:
        return Verdict(state=MessageState.FAILED, reason=HARD_BOUNCE, suppress=True)
    return Verdict(state=MessageState.FAILED, reason="refused_by_relay")


def _soon(reason: str, message: ClaimedMessage, deferral: Deferral, now: datetime) -> Verdict:
    """The message never left and the relay asked for no patience: again in seconds, but not for ever."""
    wait = min(_FIRST_RECONNECT * 2 ** min(message.attempts, _DOUBLINGS), deferral.longest)
    if now - message.first_attempt_at > deferral.give_up:
        return Verdict(state=MessageState.FAILED, reason=f"gave_up:{reason}")
    return Verdict(state=MessageState.SCHEDULED, reason=reason, next_at=now + wait)


def _later(reason: str, message: ClaimedMessage, deferral: Deferral, now: datetime) -> Verdict:
    at = next_attempt(deferral, message.attempts, message.first_attempt_at, now)
    if at is None:
        return Verdict(state=MessageState.FAILED, reason=f"gave_up:{reason}")
    return Verdict(state=MessageState.DEFERRED, reason=reason, next_at=at)


def _blames_sender(reason: str, message: ClaimedMessage) -> Verdict:
    """Stops the mailbox first; a message that is refused again after a person's resume blames itself."""
    if message.refused_before == reason:
        return Verdict(state=MessageState.FAILED, reason=reason)
    return Verdict(state=MessageState.SCHEDULED, reason=reason, stop_mailbox=True)
