"""The audience of a spec: whom a campaign writes to, and where those people come from."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.campaign.part import Part
from domain.campaign.values import (
    ColumnNames,
    Domain,
    Language,
    Line,
    Login,
    Number,
    RepositoryNames,
    Stars,
    Topic,
    Whole,
)

MOST_LEADS = 50_000
USUAL_LEADS = 200
LONGEST_ACTIVITY = 3650
USUAL_ACTIVITY = 90
"""Days of the activity window when nobody names another one."""

_ActiveDays = Annotated[
    Whole,
    Field(
        ge=1,
        le=LONGEST_ACTIVITY,
        description="People with commits on the default branch in so many days.",
        examples=[USUAL_ACTIVITY],
    ),
]
_MaxLeads = Annotated[
    Whole,
    Field(
        ge=1,
        le=MOST_LEADS,
        description="Stop searching at so many people who can be written to.",
        examples=[USUAL_LEADS],
    ),
]
_Weight = Annotated[Number, Field(ge=0, le=1000)]


class Exclude(Part):
    """Who is left out."""

    domains: tuple[Domain, ...] = Field(
        (),
        description="Nobody at these domains or their subdomains is written to: customers, partners, your own company.",
        examples=[["example.org"]],
    )
    contacted_within_days: Whole = Field(
        90, ge=0, le=3650, description="Leave out people whom any campaign of this database wrote to in so many days."
    )


class ExcludePeople(Exclude):
    """Who is left out of the people that were found."""

    logins: tuple[Login, ...] = Field(
        (),
        description="Nobody with these logins is written to; capitals do not matter.",
        examples=[["octo-example"]],
    )


class Weights(Part):
    """How much each fact counts for the score; only their proportions matter."""

    stars: _Weight = Field(0.3, description="The stars of the repository.")
    recency: _Weight = Field(0.3, description="How recently the person committed to it.")
    share_of_commits: _Weight = Field(0.3, description="The person's share of its commits that were read.")
    followers: _Weight = Field(0.1, description="How many people follow the person.")

    @model_validator(mode="after")
    def _counts(self) -> Self:
        if not any(weight for _, weight in self):
            raise ValueError("all weights are 0, so nobody has a score; give at least one a value, such as stars: 1")
        return self


class Score(Part):
    """Who fits well enough: each person gets a score from 0 to 1."""

    minimum: Number = Field(0.0, ge=0, le=1, description="People with a lower score are left out.", examples=[0.5])
    top: Whole | None = Field(
        None, ge=1, le=MOST_LEADS, description="Only so many people, those with the highest scores.", examples=[100]
    )
    weights: Weights = Field(Weights(), description="How much each fact counts; only their proportions matter.")

    @property
    def decides(self) -> bool:
        """Whether it depends on scores who is written to."""
        return self.top is not None or self.minimum > 0


class CsvAudience(Part):
    """People from a CSV file."""

    source: Literal["csv"] = Field(description="Where the people come from.")
    file: Line | None = Field(
        None,
        description="The CSV file, relative to the spec; `--leads` wins over it. At least a column `email`; `name`, "
        "`company`, `location`, `timezone`, `permission_basis` and any other column (in templates "
        "`lead.extra.<column>`) are optional.",
        examples=["subscribers.csv"],
    )
    columns: ColumnNames = Field(
        {},
        description="Our name of a column and the header it has in the file, only where they differ.",
        examples=[{"email": "E-mail address"}],
    )
    on_invalid: Literal["report", "fail"] = Field(
        "report", description="Rows that cannot be used: list them with their line numbers, or refuse the whole file."
    )
    exclude: Exclude = Field(Exclude(), description="Who is left out.")


class GithubAudience(Part):
    """People found by a search on GitHub."""

    source: Literal["github"] = Field(description="Where the people come from.")
    languages: Annotated[tuple[Language, ...], Field(max_length=20)] = Field(
        (), description="Main language of the repository, any of these; left out, all.", examples=[["python"]]
    )
    topics: Annotated[tuple[Topic, ...], Field(max_length=20)] = Field(
        (), description="Topics of the repository, any of these; left out, all.", examples=[["pytest", "testing"]]
    )
    stars: Stars | None = Field(
        None, description="Stars of the repository: `100..20000`, `100..` or `..500`.", examples=["100..20000"]
    )
    active_within_days: _ActiveDays = USUAL_ACTIVITY
    locations: Annotated[tuple[Line, ...], Field(max_length=50)] = Field(
        (),
        description="What the person's profile names as the place, any of these; left out, all.",
        examples=[["Germany", "Toronto, Canada"]],
    )
    max_leads: _MaxLeads = USUAL_LEADS
    score: Score = Field(Score(), description="Who fits well enough.")
    exclude: ExcludePeople = Field(ExcludePeople(), description="Who is left out.")

    @model_validator(mode="after")
    def _searches(self) -> Self:
        if not (self.languages or self.topics or self.stars):
            raise ValueError("there is nothing to search by; name languages, topics or stars")
        return self


class RepositoriesAudience(Part):
    """People who work on repositories that are known by name."""

    source: Literal["repositories"] = Field(description="Where the people come from.")
    repositories: Annotated[RepositoryNames, Field(min_length=1, max_length=1000)] = Field(
        description="Repositories on GitHub, as owner/name.",
        examples=[["example-org/widgets", "example-org/gadgets"]],
    )
    active_within_days: _ActiveDays = USUAL_ACTIVITY
    max_leads: _MaxLeads = USUAL_LEADS
    score: Score = Field(Score(), description="Who fits well enough.")
    exclude: ExcludePeople = Field(ExcludePeople(), description="Who is left out.")


Audience = Annotated[CsvAudience | GithubAudience | RepositoriesAudience, Field(discriminator="source")]
SearchedAudience = GithubAudience | RepositoriesAudience
"""Audiences whose people are found while the campaign runs, not before."""
