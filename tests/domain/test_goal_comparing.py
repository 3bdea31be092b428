"""Where a goal and an audience disagree, and the search that a goal alone asks for."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from domain.campaign import Audience, CsvAudience, GithubAudience
from domain.errors import InputError
from domain.goal import audience_of, disagreements, read_goal

GITHUB: dict[str, Any] = {"source": "github", "languages": ["python"], "topics": ["pytest", "testing"]}
REPOSITORIES: dict[str, Any] = {"source": "repositories", "repositories": ["example-org/widgets"]}


def audience(values: dict[str, Any]) -> Audience:
    made: Audience = TypeAdapter(Audience).validate_python(values)
    return made


@pytest.mark.parametrize(
    ("goal", "values", "said"),
    [
        ("Find 200 Python maintainers, topic testing, active in the last 90 days", GITHUB, []),
        ("Write to the maintainers of tools", GITHUB, []),
        ("Find 600 people", GITHUB, ["max_leads: 200, not 600 as in the goal"]),
        ("Rust maintainers", GITHUB, ["languages: python, not rust as in the goal"]),
        (
            "Python maintainers",
            {**GITHUB, "languages": ["python", "rust"]},
            ["languages: python or rust, not python as in the goal"],
        ),
        ("topic web", GITHUB, ["topics: pytest or testing, not web as in the goal"]),
        ("in Germany", GITHUB, ["locations: any, not Germany as in the goal"]),
        ("in germany", {**GITHUB, "locations": ["Germany"]}, []),
        ("over 500 stars", GITHUB, ["stars: any, not 500.. as in the goal"]),
        ("over 500 stars", {**GITHUB, "stars": "500.."}, []),
        ("active this year", GITHUB, ["active_within_days: 90, not 365 as in the goal"]),
        ("send via Instantly", GITHUB, ["provider: smtp, not instantly as in the goal"]),
        ("Find 50 Rust people, active this month", REPOSITORIES, ["active_within_days: 90, not 30 as in the goal"]),
        ("Find 200 Rust people", {"source": "csv"}, []),
    ],
)
def test_where_goal_and_audience_disagree(goal: str, values: dict[str, Any], said: list[str]) -> None:
    if "50 Rust" in goal:
        said = [*said, "max_leads: 200, not 50 as in the goal"]
    assert [str(one) for one in disagreements(read_goal(goal), audience(values), "smtp")] == said


def test_a_goal_asks_for_a_search() -> None:
    goal = read_goal("Find 300 Rust devs in Germany, topic cli, 100 to 5000 stars, last 3 months")
    made = audience_of(goal)
    assert made == audience(
        {
            "source": "github",
            "languages": ["rust"],
            "topics": ["cli"],
            "stars": "100..5000",
            "locations": ["Germany"],
            "active_within_days": 90,
            "max_leads": 300,
        }
    )
    assert disagreements(goal, made) == []


def test_who_is_left_out_stays_left_out() -> None:
    goal = read_goal("Rust maintainers")
    left_out = {"domains": ["example.org"], "contacted_within_days": 0}
    of_list = audience_of(goal, CsvAudience.model_validate({"source": "csv", "exclude": left_out})).exclude
    assert (of_list.domains, of_list.contacted_within_days) == (("example.org",), 90)
    searched = audience({**GITHUB, "exclude": {**left_out, "logins": ["octo-example"]}})
    assert isinstance(searched, GithubAudience)
    assert audience_of(goal, searched).exclude == searched.exclude


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        ("Find 200 maintainers in Germany", "the goal names nothing to search by: no language, no topic and no stars"),
        ("Find 60k Python people", "the goal asks for 60,000 people; a campaign finds at most 50,000"),
    ],
)
def test_a_goal_that_cannot_be_searched_is_refused(goal: str, said: str) -> None:
    with pytest.raises(InputError, match=f"^{said}$"):
        audience_of(read_goal(goal))
