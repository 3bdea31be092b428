"""What a trace shows of a mail: its number, its step and the relay's codes, never an address or a word of a reply."""

from domain.delivery import Phase
from domain.message import MessageState
from domain.ports import Settlement
from telemetry.names import Attribute, Outcome
from telemetry.tracing import Value, Values

_NOTHING: Values = {}


def seen(mail: Settlement) -> tuple[Outcome, Values]:
    """How the transaction ended. What was simply accepted needs no words: it is only counted."""
    sent = mail.transmission
    if mail.verdict.state is MessageState.SENT:
        return Outcome.OK, _NOTHING
    values: dict[Attribute, Value] = {
        Attribute.LEAD_NUMBER: mail.message.key.number,
        Attribute.STEP: mail.message.key.step,
        Attribute.SMTP_PHASE: sent.phase.value,
    }
    if sent.code is not None:
        values[Attribute.SMTP_CODE] = sent.code
    if sent.enhanced:
        values[Attribute.SMTP_ENHANCED] = sent.enhanced
    return _outcome(mail), values


def _outcome(mail: Settlement) -> Outcome:
    sent = mail.transmission
    if mail.verdict.state is MessageState.IN_DOUBT or (sent.phase is Phase.CONTENT and sent.code is None):
        return Outcome.UNKNOWN
    if mail.verdict.state is MessageState.FAILED:
        return Outcome.REFUSED
    return Outcome.FAILED if sent.code is None else Outcome.RETRY
