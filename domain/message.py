"""A message: one step of a campaign to one lead, and the states it can be in."""

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from domain.lead import address_domain


class MessageState(StrEnum):
    """The send ledger's states. Every message is in exactly one.

    What may become what, and when: docs/concepts/ledger.md.
    """

    SCHEDULED = "scheduled"
    CLAIMED = "claimed"
    TRANSMITTING = "transmitting"
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    SKIPPED = "skipped"


OPEN_STATES = (MessageState.SCHEDULED, MessageState.CLAIMED, MessageState.TRANSMITTING, MessageState.DEFERRED)
"""States from which the engine itself will still move a message; the others wait for nothing or for a person."""


class MessageKey(NamedTuple):
    """The ledger's key: who gets which step of which campaign."""

    campaign_id: str
    number: int
    step: int


def message_id(key: MessageKey, secret: str, sender_address: str) -> str:
    """The Message-ID of a message, a function of its key: every attempt carries the same one (RFC 5322 3.6.4).

    `secret` is something only this database knows of the lead: two databases with campaigns of the same id must not
    give two mails one Message-ID, because receivers drop the second.
    """
    digest = hashlib.sha256(f"{key.campaign_id}/{key.number}/{key.step}/{secret}".encode()).hexdigest()[:32]
    return f"<{digest}@{address_domain(sender_address)}>"


class Draft(BaseModel):
    """What one person will read: the text parts of one message."""

    model_config = ConfigDict(frozen=True)

    number: int
    step: int = 1
    subject: str
    text: str
    html: str
    author: str
    version: str
    """Which wording made it: the first 12 hex digits of the template's SHA-256, or a prompt version."""


class OutgoingMail(BaseModel):
    """Everything a relay needs to hand one message over. `date` is when this attempt began."""

    model_config = ConfigDict(frozen=True)

    message_id: str
    date: datetime
    sender_name: str
    sender_address: str
    reply_to: str
    recipient: str
    subject: str
    text: str
    html: str
    list_id: str = ""
    opt_out_url: str

    def fingerprint(self) -> str:
        """SHA-256 over all that the recipient will see: what was approved must be what is sent."""
        seen = {name: getattr(self, name) for name in _SEEN}
        return hashlib.sha256(json.dumps(seen, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


_SEEN = sorted(OutgoingMail.model_fields.keys() - {"message_id", "date"})


class ClaimedMessage(BaseModel):
    """A message this attempt owns, with what it needs to be sent. `token` proves the ownership to the ledger."""

    model_config = ConfigDict(frozen=True)

    key: MessageKey
    token: str
    attempts: int
    """Including this one."""
    first_attempt_at: datetime
    refused_before: str = ""
    """Reason of the refusal before, "" at the first attempt."""
    fingerprint: str = ""
    """Of the mail that was approved."""
    message_id: str
    recipient: str
    subject: str
    text: str
    html: str
    opt_out_url: str
