"""Points of GitHub's hour per 1,000 enriched leads, beside the calls of the naive REST way to the same people.

A real Temporal server and a real worker carry a campaign over the local GitHub, which charges by GitHub's documented
formula: discovery through GraphQL searches and commit histories, then everybody's profile. In the same run a plain
client of the same GitHub's REST API does what scripts usually do: the search, the contributors and the recent commits
of each repository, the account of each person. Both have 5,000 an hour for each token: points there, calls here.
"""

import asyncio
from pathlib import Path

from harness.figures import Figure, Measured, Scale
from harness.local_github import LocalGitHub, Population
from harness.naive_rest import NaiveRest
from harness.searched import search
from harness.sink import StartSink

MOST_POINTS = 50
POPULATION = Population(people=8_000, repositories=2_000)
"""Below 1,000 results a search, so that REST needs no slices."""

FEW = Population(people=1_200, repositories=300)
UNLIKE = 0.02
"""So far may the two ways differ in whom they find: their windows begin a few seconds apart."""


def measure(scale: Scale, start_sink: StartSink, scratch: Path) -> Measured:  # noqa: ARG001 no mail is sent
    """Both ways; raises RuntimeError when they do not find the same people, or the sandbox counts other calls."""
    with LocalGitHub(POPULATION if scale.full else FEW) as github:
        searched = asyncio.run(search(scratch, github))
        asked = github.asked()
        github.forget()
        rest = NaiveRest(github.url)
        asyncio.run(rest.find())
        rest_calls = github.asked()["calls"]["rest"]
    if rest_calls != rest.calls.total():
        raise RuntimeError(f"{rest.calls.total()} calls left, {rest_calls} arrived")
    if abs(rest.read - searched.read) > UNLIKE * searched.read:
        raise RuntimeError(f"{searched.read} people one way, {rest.read} the other")
    points = asked["points"]["graphql"] / searched.read * 1_000
    calls = rest_calls / rest.read * 1_000
    figures = [
        Figure(
            "Outrider, per 1,000 enriched leads",
            "points",
            [points],
            most=MOST_POINTS if scale.full else None,  # a request that is not full costs as much as one that is
        ),
        Figure("Outrider, per 1,000 enriched leads", "requests", [asked["calls"]["graphql"] / searched.read * 1_000]),
        Figure("naive REST, per 1,000 enriched leads", "calls", [calls]),
        Figure("naive REST / Outrider, share of the hour", "ratio", [calls / points]),
    ]
    operations = sorted(asked["operations"].items())
    spent = ", ".join(f"{name} {sums['points']} for {sums['asked']} requests" for name, sums in operations)
    notes = [
        f"{searched.read:,} profiles were read; {searched.reachable:,} of these people can be written to",
        f"points: {spent}",
        f"calls: {', '.join(f'{count:,} {kind}' for kind, count in sorted(rest.calls.items()))}",
    ]
    return Measured(figures, notes)
