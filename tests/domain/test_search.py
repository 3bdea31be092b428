"""What GitHub is asked for follows from the audience alone, and no value can add to it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.campaign import GithubAudience
from domain.search import MAX_QUERY, searches

AS_OF = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
REST = "archived:false fork:false pushed:>=2026-08-23"
ROOM_FOR_CREATED = len(" created:2008-01-01T00:00:00Z..2026-11-21T00:00:00Z")


def searched(**audience: Any) -> tuple[str, ...]:  # noqa: ANN401 fields of the audience
    return searches(GithubAudience.model_validate({"source": "github", **audience}), AS_OF)


def test_one_search_says_everything() -> None:
    found = searched(languages=["python"], topics=["testing"], stars="100..20000")
    assert found == (f"language:python topic:testing stars:100..20000 {REST}",)


def test_any_of_several_is_a_search_each_in_the_order_of_the_spec() -> None:
    assert [query.partition(" archived")[0] for query in searched(languages=["rust", "go"], topics=["ci", "web"])] == [
        "language:rust topic:ci",
        "language:rust topic:web",
        "language:go topic:ci",
        "language:go topic:web",
    ]


@pytest.mark.parametrize(
    ("audience", "asked"),
    [
        ({"topics": ["ci"]}, "topic:ci"),
        ({"stars": "100.."}, "stars:>=100"),
        ({"stars": "..500"}, "stars:0..500"),
        ({"languages": ["Jupyter Notebook"]}, 'language:"jupyter notebook"'),
        ({"languages": ["C++"]}, "language:c++"),
        ({"languages": ["c#"]}, "language:c#"),
        ({"languages": ["PL/SQL"]}, 'language:"pl/sql"'),
        ({"topics": ["Machine-Learning"]}, "topic:machine-learning"),
    ],
)
def test_what_is_left_out_is_not_asked_for(audience: dict[str, Any], asked: str) -> None:
    assert searched(**audience) == (f"{asked} {REST}",)


def test_what_is_named_twice_is_searched_once() -> None:
    assert len(searched(languages=["Python", "python"], topics=["ci", "CI"])) == 1


def test_the_activity_window_is_the_specs() -> None:
    (query,) = searched(topics=["ci"], active_within_days=1)
    assert query.endswith(" pushed:>=2026-11-20")


@pytest.mark.parametrize(
    "audience",
    [
        {"topics": ["x stars:>1"]},
        {"topics": ["x:y"]},
        {"topics": ['x"']},
        {"topics": ["-x"]},
        {"languages": ['python" stars:>1 "']},
        {"languages": ["python\\"]},
        {"languages": ["user:somebody"]},
        {"languages": ["python\nrust"]},
        {"stars": ">1"},
        {"stars": "1..2 user:somebody"},
    ],
)
def test_a_value_that_would_add_to_the_search_is_refused(audience: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        searched(**audience)


LANGUAGES = st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 +#.*'/()_-]{0,39}", fullmatch=True), max_size=4)
TOPICS = st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,49}", fullmatch=True), max_size=4)
STARS = st.tuples(st.integers(0, 499_999_999), st.integers(500_000_000, 999_999_999))


@given(LANGUAGES, TOPICS, STARS, st.integers(1, 3650))
def test_every_search_is_short_enough_and_holds_just_what_it_should(
    languages: list[str], topics: list[str], stars: tuple[int, int], days: int
) -> None:
    found = searched(languages=languages, topics=topics, stars=f"{stars[0]}..{stars[1]}", active_within_days=days)
    assert len(set(found)) == len(found)
    assert len(found) == len({one.strip().casefold() for one in languages} or {""}) * len(
        {one.casefold() for one in topics} or {""}
    )
    for query in found:
        assert len(query) + ROOM_FOR_CREATED <= MAX_QUERY
        assert query.count('"') in (0, 2)
        assert query.count(":") == 4 + bool(languages) + bool(topics)
