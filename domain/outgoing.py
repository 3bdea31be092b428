"""How a campaign's settings and one draft become the mail a recipient sees."""

from datetime import UTC, datetime

from domain.campaign import CampaignSpec, Mailbox
from domain.message import ClaimedMessage, Draft, OutgoingMail

_ANY_DATE = datetime.min.replace(tzinfo=UTC)


def outgoing(spec: CampaignSpec, mailbox: Mailbox, message: ClaimedMessage, date: datetime) -> OutgoingMail:
    """The mail of a claimed message; `date` is when this attempt began."""
    return OutgoingMail(
        message_id=message.message_id,
        date=date,
        recipient=message.recipient,
        subject=message.subject,
        text=message.text,
        html=message.html,
        opt_out_url=message.opt_out_url,
        **_from(spec, mailbox),
    )


def fingerprint_of(spec: CampaignSpec, mailbox: Mailbox, draft: Draft, recipient: str, opt_out_url: str) -> str:
    """The fingerprint that the mail made of this draft will have."""
    return OutgoingMail(
        message_id="",
        date=_ANY_DATE,
        recipient=recipient,
        subject=draft.subject,
        text=draft.text,
        html=draft.html,
        opt_out_url=opt_out_url,
        **_from(spec, mailbox),
    ).fingerprint()


def _from(spec: CampaignSpec, mailbox: Mailbox) -> dict[str, str]:
    return {
        "sender_name": spec.sender.name if spec.sender else "",
        "sender_address": mailbox.address,
        "reply_to": spec.sender.reply_to if spec.sender else "",
        "list_id": spec.sending.list_id or "",
    }
