"""The footer of every mail: who wrote it, why it came, and how to stop it. Code writes it, never an author."""

from html import escape
from typing import NamedTuple

from domain.campaign import CampaignSpec, PermissionBasis
from providers.writing.facts import Facts
from providers.writing.html import linked

_WHY = {
    PermissionBasis.CONSENT: "You get this mail because you agreed to it.",
    PermissionBasis.EXISTING_RELATIONSHIP: "You get this mail because we are in contact with you already.",
    PermissionBasis.LEGITIMATE_INTEREST: "You get this mail because we believe that it concerns your work.",
}
_STYLE = "color: #666; font-size: 12px; border-top: 1px solid #ccc; padding-top: 8px"


class Footer(NamedTuple):
    """The footer's two forms."""

    text: str
    html: str


def identity(spec: CampaignSpec) -> str:
    """Who writes: the name and the organization, unless they are the same; "" when the spec has no sender."""
    sender = spec.sender
    if sender is None:
        return ""
    if not sender.organization or sender.organization == sender.name:
        return sender.name
    return f"{sender.name}, {sender.organization}"


def footer(spec: CampaignSpec, facts: Facts) -> Footer:
    """The footer for one person. What the spec does not have is left out; the opt-out is always there."""
    sender = spec.sender
    who = [identity(spec), (sender and sender.postal_address) or ""]
    why = [
        _WHY[PermissionBasis(facts.basis)] if facts.basis else "",
        f"Your address comes from {facts.source.rstrip('.')}." if facts.source else "",
        f"Privacy: {sender.privacy_url}" if sender and sender.privacy_url else "",
    ]
    url = facts.opt_out_url
    text = ["-- ", *filter(None, who + why), f"Stop these mails: {url}"]
    shown = [*map(escape, who), *map(linked, why)]
    html = [*filter(None, shown), f'<a href="{escape(url)}">Stop these mails</a>']
    return Footer("\n".join(text), f'<p style="{_STYLE}">{"<br>".join(html)}</p>')
