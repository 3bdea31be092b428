"""The variables of campaign texts: what they are called, what they mean, what they hold."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from domain.campaign import CampaignSpec, CsvAudience
from providers.writing.facts import Facts

LEAD = {
    "first_name": ("The first name, empty when the name does not look like a person's full name", "Dana"),
    "name": ("The full name, empty when it is not known", "Dana Rivers"),
    "company": ("The company, empty when it is not known", "Example Labs"),
    "location": ("The place, empty when it is not known", "Berlin"),
    "email": ("The address the mail goes to", "dana@example.com"),
    "login": ("The login on GitHub, empty for people from a file", "dana-example"),
}
REPOSITORY = {
    "name": ("The repository the person is written to about, without its owner", "widgets"),
    "full_name": ("The same with its owner", "example-org/widgets"),
    "url": ("Its page", "https://github.com/example-org/widgets"),
    "description": ("What it says about itself, empty when it says nothing", "Widgets for everybody"),
    "language": ("Its main language, empty when it is not known", "Python"),
    "stars": ("Its stars", "1204"),
    "commits": ("The person's commits to its default branch inside the activity window", "41"),
    "share_percent": (
        "Their share of the commits read there, in per cent; of a very busy repository only the newest are read",
        "62",
    ),
    "active_people": ("How many people committed there", "5"),
}
AUDIENCE = {"active_within_days": "The activity window, in days"}
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
    "repository": REPOSITORY,
    "audience": AUDIENCE,
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
    if searched(spec):
        listed += [Variable(f"repository.{name}", text, example) for name, (text, example) in REPOSITORY.items()]
    values = campaign_values(spec)
    for group, described in (("audience", AUDIENCE), ("sender", SENDER), ("offer", OFFER), ("campaign", CAMPAIGN)):
        if group in values:
            listed += [Variable(f"{group}.{name}", text, str(values[group][name])) for name, text in described.items()]
    return listed


def searched(spec: CampaignSpec) -> bool:
    """Whether the people are found by what they work on: then every one of them has a repository."""
    return not isinstance(spec.audience, CsvAudience)


def campaign_values(spec: CampaignSpec) -> dict[str, dict[str, str | int]]:
    """What templates know about the campaign, the same for every lead. A part the spec does not have is not there."""
    values: dict[str, dict[str, str | int]] = {"campaign": {"name": spec.name, "goal": spec.goal or ""}}
    if not isinstance(spec.audience, CsvAudience):
        values["audience"] = {"active_within_days": spec.audience.active_within_days}
    if spec.sender:
        values["sender"] = {name: getattr(spec.sender, name) or "" for name in SENDER}
    if spec.offer:
        values["offer"] = {name: getattr(spec.offer, name) or "" for name in OFFER}
    return values


def lead_values(facts: Facts) -> dict[str, object]:
    """What templates know about one lead, by group."""
    lead = {
        "first_name": facts.first_name,
        "name": facts.name,
        "company": facts.company,
        "location": facts.location,
        "email": facts.email,
        "login": facts.login,
        "extra": facts.extra,
    }
    return {"lead": lead, "repository": facts.repository} if facts.repository else {"lead": lead}
