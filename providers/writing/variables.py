"""The variables of campaign texts: what they are called, what they mean, what they hold."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from domain.campaign import CampaignSpec
from providers.writing.facts import Facts

LEAD = {
    "first_name": ("The first name, empty when the name does not look like a person's full name", "Dana"),
    "name": ("The full name, empty when it is not known", "Dana Rivers"),
    "company": ("The company, empty when it is not known", "Example Labs"),
    "location": ("The place, empty when it is not known", "Berlin"),
    "email": ("The address the mail goes to", "dana@example.com"),
}
SENDER = {
    "name": "Who writes",
    "organization": "For whom you write, empty when the spec does not say",
    "postal_address": "Your postal address, empty when the spec does not say",
    "reply_to": "Where answers go",
    "privacy_url": "Your privacy notice, empty when the spec does not say",
}
OFFER = {"product": "What your offer is called", "summary": "What it does", "link": "Where to read more"}
CAMPAIGN = {"name": "The campaign's name", "goal": "What the campaign is for, empty when the spec does not say"}

GROUPS: Mapping[str, Collection[str]] = {
    "lead": (*LEAD, "extra"),
    "sender": SENDER,
    "offer": OFFER,
    "campaign": CAMPAIGN,
}
"""The variables by group; `lead.extra` holds one more level, the file's own columns."""


class Variable(NamedTuple):
    """A variable as a person reads about it."""

    name: str
    description: str
    example: str


def variables(spec: CampaignSpec, columns: Collection[str] | None = None) -> list[Variable]:
    """All variables of this campaign's texts; `columns` are the further ones of its file, None = not known."""
    listed = [Variable(f"lead.{name}", description, example) for name, (description, example) in LEAD.items()]
    listed += [
        Variable(f"lead.extra.{column}", "A further column of the file, empty when its cell is", "")
        for column in (("<column>",) if columns is None else columns)
    ]
    values = campaign_values(spec)
    for group, described in (("sender", SENDER), ("offer", OFFER), ("campaign", CAMPAIGN)):
        if group in values:
            listed += [Variable(f"{group}.{name}", text, values[group][name]) for name, text in described.items()]
    return listed


def campaign_values(spec: CampaignSpec) -> dict[str, dict[str, str]]:
    """What templates know about the campaign, the same for every lead. A part the spec does not have is not there."""
    values = {"campaign": {"name": spec.name, "goal": spec.goal or ""}}
    if spec.sender:
        values["sender"] = {name: getattr(spec.sender, name) or "" for name in SENDER}
    if spec.offer:
        values["offer"] = {name: getattr(spec.offer, name) or "" for name in OFFER}
    return values


def lead_values(facts: Facts) -> dict[str, object]:
    """What templates know about one lead."""
    return {
        "first_name": facts.first_name,
        "name": facts.name,
        "company": facts.company,
        "location": facts.location,
        "email": facts.email,
        "extra": facts.extra,
    }
