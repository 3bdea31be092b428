"""A goal beside an audience: the audience that a goal asks for, and where the two disagree."""

from collections.abc import Collection
from typing import NamedTuple

from domain.campaign import Audience, CsvAudience, ExcludePeople, GithubAudience, SearchedAudience
from domain.campaign.audience import MOST_LEADS, USUAL_ACTIVITY, USUAL_LEADS
from domain.errors import InputError
from domain.goal.reading import Goal


class Disagreement(NamedTuple):
    """Something that a goal says otherwise than the spec. The spec wins."""

    what: str
    goal: str
    spec: str

    def __str__(self) -> str:
        """The disagreement as one line."""
        return f"{self.what}: {self.spec}, not {self.goal} as in the goal"


def audience_of(goal: Goal, base: Audience | None = None) -> GithubAudience:
    """The search that a goal asks for; raises InputError when it names nothing to search by.

    Of `base` stays who is left out. How long ago somebody was written to stays too, but not of a list: what its people
    agreed to does not hold for strangers.
    """
    if not (goal.languages or goal.topics or goal.stars):
        raise InputError(
            "the goal names nothing to search by: no language, no topic and no stars",
            hint='outrider plan "Find 200 Python maintainers active in the last 90 days, topic testing"',
        )
    if goal.count and goal.count > MOST_LEADS:
        raise InputError(f"the goal asks for {goal.count:,} people; a campaign finds at most {MOST_LEADS:,}")
    exclude = ExcludePeople()
    if isinstance(base, SearchedAudience):
        exclude = base.exclude
    elif base is not None:
        exclude = ExcludePeople(domains=base.exclude.domains)
    return GithubAudience(
        source="github",
        languages=goal.languages,
        topics=goal.topics,
        stars=goal.stars,
        locations=goal.locations,
        active_within_days=goal.active_within_days or USUAL_ACTIVITY,
        max_leads=goal.count or USUAL_LEADS,
        exclude=exclude,
    )


def disagreements(goal: Goal, audience: Audience, provider: str = "") -> list[Disagreement]:
    """Where the goal says something else than the audience and the provider of the spec.

    What only one of them says is no disagreement, and neither are further topics: the audience says more closely what
    the goal means. A list is as it is.
    """
    found: list[Disagreement | None] = []
    if isinstance(audience, GithubAudience):
        found += [
            _names("languages", goal.languages, audience.languages, exactly=True),
            _names("topics", goal.topics, audience.topics, exactly=False),
            _names("locations", goal.locations, audience.locations, exactly=True),
            _value("stars", goal.stars, audience.stars or "any"),
        ]
    if not isinstance(audience, CsvAudience):
        found += [
            _value("active_within_days", goal.active_within_days, audience.active_within_days),
            _value("max_leads", goal.count, audience.max_leads),
        ]
    if provider:
        found.append(_value("provider", goal.provider, provider))
    return [one for one in found if one]


def _names(what: str, goal: Collection[str], spec: Collection[str], *, exactly: bool) -> Disagreement | None:
    asked, given = {name.casefold() for name in goal}, {name.casefold() for name in spec}
    agree = asked == given if exactly else asked <= given
    if not asked or agree:
        return None
    return Disagreement(what, " or ".join(goal), " or ".join(spec) or "any")


def _value(what: str, goal: object, spec: object) -> Disagreement | None:
    if goal is None or goal == spec:
        return None
    return Disagreement(what, str(goal), str(spec))
