"""The spec: a campaign as a person writes it down.

What this version cannot do is no field: a spec that asks for it is refused instead of half obeyed. The descriptions and
examples are what a person reads in an editor (JSON schema), in docs/reference/spec.md and in error messages.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import ConfigDict, Field, model_validator

from domain.campaign.audience import Audience
from domain.campaign.part import Part
from domain.campaign.sending import Sending
from domain.campaign.values import (
    Address,
    CampaignName,
    ColumnName,
    Duration,
    Flag,
    HourlyShare,
    HttpsUrl,
    Line,
    Whole,
)


class PermissionBasis(StrEnum):
    """Why it is right to write to a person."""

    CONSENT = "consent"
    EXISTING_RELATIONSHIP = "existing_relationship"
    LEGITIMATE_INTEREST = "legitimate_interest"


class ReviewMode(StrEnum):
    """Whose drafts a person looks at before they leave."""

    ALL = "all"
    SAMPLE = "sample"
    NONE = "none"


class Permission(Part):
    """Why it is right to write to these people."""

    basis: PermissionBasis = Field(
        description="Holds for every row that states no `permission_basis` of its own.", examples=["consent"]
    )
    note: Line | None = Field(
        None,
        max_length=2000,
        description="The reasons in your own words; required for legitimate_interest.",
        examples=["Members of our user group; weighed on 2026-11-20 by Dana Rivers."],
    )
    require_evidence: tuple[ColumnName, ...] = Field(
        (),
        description="Columns that must be filled in: without them nothing is sent to that person.",
        examples=[["consented_at", "consent_source"]],
    )

    @model_validator(mode="after")
    def _weighed(self) -> Self:
        if self.basis is PermissionBasis.LEGITIMATE_INTEREST and not self.note:
            raise ValueError("legitimate_interest needs a note; write down what was weighed, when and by whom")
        return self


class Sender(Part):
    """Who writes; it stands in the foot of every mail."""

    name: Line = Field(max_length=100, description="The name in From and under the mail.", examples=["Dana Rivers"])
    organization: Line | None = Field(
        None, max_length=100, description="For whom you write.", examples=["Example Labs"]
    )
    postal_address: Line | None = Field(
        None,
        max_length=300,
        description="Stands in every mail, as the law asks; without it drafts are made and nothing is sent.",
        examples=["1 Example Street, 12345 Example City, Exampleland"],
    )
    reply_to: Address = Field(description="Where answers go.", examples=["dana@example.com"])
    privacy_url: HttpsUrl | None = Field(
        None, description="Your privacy notice.", examples=["https://example.com/privacy"]
    )


class Offer(Part):
    """What you offer; templates read it as `offer`."""

    product: Line = Field(max_length=100, description="What it is called.", examples=["Flakewatch"])
    summary: Line = Field(max_length=500, description="What it does, in half a sentence.", examples=["release 2.4"])
    link: HttpsUrl = Field(description="Where to read more.", examples=["https://example.com/flakewatch"])


class Writing(Part):
    """Who writes the drafts."""

    author: Literal["template"] = Field("template", description="Texts are made from the templates under `sequence`.")


def _one_of_text_and_file(schema: dict[str, Any]) -> None:
    """In a file a text stands in place or in a file of its own; a stored spec holds the text and that file's name."""
    schema["required"] = ["subject"]
    schema["oneOf"] = [{"required": ["body"]}, {"required": ["body_file"]}]
    schema["not"] = {"required": ["html", "html_file"]}


class Step(Part):
    """One mail of the sequence. Texts are Jinja2 templates."""

    model_config = ConfigDict(json_schema_extra=_one_of_text_and_file)

    subject: Line = Field(max_length=200, description="The subject line.", examples=["Flakewatch 2.4"])
    body: str = Field(
        min_length=1,
        max_length=200_000,
        description="The text of the mail; either this or `body_file`.",
        examples=["Hello {{ lead.name }},\n\n…\n"],
    )
    body_file: Line | None = Field(
        None,
        description="A file with the text, relative to the spec; read once at the start, later edits change nothing.",
        examples=["november.txt.j2"],
    )
    html: str | None = Field(
        None,
        min_length=1,
        max_length=500_000,
        description="The HTML part; left out, it is made from the text.",
        examples=["<p>Hello {{ lead.name }}</p>"],
    )
    html_file: Line | None = Field(
        None, description="A file with the HTML part, read like `body_file`.", examples=["november.html.j2"]
    )


class Review(Part):
    """Who looks at the drafts before they leave."""

    mode: ReviewMode = Field(
        description="`all`: nothing leaves before a person approved it. `sample`: a person approves some drafts, then "
        "all go. `none`: drafts leave without a person's approval, and the spec says so.",
        examples=["all"],
    )
    size: Whole | None = Field(
        None, ge=1, le=10_000, description="How many drafts a sample is; required for it.", examples=[10]
    )
    seed: Whole = Field(0, ge=0, le=2**53, description="Which sample: the same seed draws the same people.")
    deadline: Duration = Field(
        timedelta(days=3),
        description="How long drafts may wait for a person before the campaign is listed as overdue. Silence never "
        "sends.",
        examples=["3d"],
    )

    @model_validator(mode="after")
    def _sampled(self) -> Self:
        if self.mode is ReviewMode.SAMPLE and self.size is None:
            raise ValueError("a sample needs its size, such as size: 10")
        if self.mode is not ReviewMode.SAMPLE and self.size is not None:
            raise ValueError(f"size belongs to mode: sample, and the mode is {self.mode}")
        return self


class Limits(Part):
    """What a campaign may use up."""

    github_share: HourlyShare = Field(
        80.0,
        description="How much of what GitHub allows a token in an hour; the rest is left to whoever else uses it.",
        examples=["60%"],
    )


class CampaignSpec(Part):
    """An Outrider campaign."""

    version: Literal[1] = Field(description="The version of this format.", examples=[1])
    name: CampaignName = Field(
        max_length=60,
        description="Becomes part of the campaign's id: letters, digits, `-`, `_` and `.`",
        examples=["release-notes-2026-11"],
    )
    owner: Line = Field(max_length=60, description="Who answers for it; shown in lists.", examples=["dana"])
    goal: Line | None = Field(None, max_length=300, description="What it is for.", examples=["Send the release notes"])
    dry_run: Flag = Field(default=False, description="A rehearsal: nothing leaves. A flag can turn it on, never off.")
    audience: Audience = Field(description="Who is written to.", examples=[{"source": "csv", "file": "leads.csv"}])
    permission: Permission | None = Field(
        None,
        description="Why it is right to write to them. Left out, with no basis in the rows: drafts are made and "
        "nothing is sent.",
        examples=[{"basis": "consent"}],
    )
    sender: Sender | None = Field(None, description="Who writes. Left out: drafts are made and nothing is sent.")
    offer: Offer | None = Field(None, description="What you offer.")
    writing: Writing = Field(Writing(), description="Who writes the drafts.")
    sequence: Annotated[tuple[Step, ...], Field(min_length=1, max_length=1)] = Field(
        description="The mails a person gets: exactly one in this version.",
        examples=[[{"subject": "Flakewatch 2.4", "body_file": "november.txt.j2"}]],
    )
    review: Review = Field(description="Who looks at the drafts.", examples=[{"mode": "none"}])
    sending: Sending = Field(description="How mails leave.")
    limits: Limits = Field(Limits(), description="What the campaign may use up.")


class TemplateMistake(NamedTuple):
    """What is wrong in a template: the field (`sequence.0.body`), the line within that text, from 1, and what."""

    field: str
    line_in_template: int
    message: str
