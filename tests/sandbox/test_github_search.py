"""Every qualifier finds exactly what it says, a search ends at a thousand, and pages neither overlap nor move."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.github.population import Population
from sandbox.github.repositories import Repository
from sandbox.github.search_query import BadSearchError, find

if TYPE_CHECKING:
    from local_github import LocalGitHub

PAGE = """
query Page($q: String!, $first: Int!, $after: String) {
  search(type: REPOSITORY, query: $q, first: $first, after: $after) {
  repositoryCount pageInfo { hasNextPage endCursor } nodes { ... on Repository { nameWithOwner } } } }
"""
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
DAY = datetime(2024, 3, 1, tzinfo=UTC)
NEXT = DAY + timedelta(days=1)


@pytest.fixture(scope="module")
def wide() -> Population:
    """Enough repositories that every qualifier has something to find and something to leave."""
    return Population(500, 6_000, as_of=datetime(2026, 11, 20, 12, tzinfo=UTC))


def created(low: datetime | None, high: datetime | None) -> Callable[[Repository], bool]:
    return lambda one: (low is None or low <= one.created_at) and (high is None or one.created_at < high)


def pushed(low: datetime | None, high: datetime | None) -> Callable[[Repository], bool]:
    return lambda one: (low is None or low <= one.pushed_at) and (high is None or one.pushed_at < high)


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("language:python", lambda one: one.language == "Python"),
        ("language:PYTHON", lambda one: one.language == "Python"),
        ('language:"Jupyter Notebook"', lambda one: one.language == "Jupyter Notebook"),
        ("language:jupyter-notebook", lambda one: one.language == "Jupyter Notebook"),
        ("language:c++", lambda one: one.language == "C++"),
        ("language:go language:rust", lambda one: one.language in {"Go", "Rust"}),
        ("-language:python", lambda one: one.language != "Python"),
        ("topic:testing", lambda one: "testing" in one.topics),
        ("topic:testing topic:cli", lambda one: {"testing", "cli"} <= {*one.topics}),
        ("-topic:testing", lambda one: "testing" not in one.topics),
        ("stars:>10", lambda one: one.stars > 10),
        ("stars:>=10", lambda one: one.stars >= 10),
        ("stars:<10", lambda one: one.stars < 10),
        ("stars:<=10", lambda one: one.stars <= 10),
        ("stars:10..50", lambda one: 10 <= one.stars <= 50),
        ("stars:10..*", lambda one: one.stars >= 10),
        ("stars:*..10", lambda one: one.stars <= 10),
        ("stars:7", lambda one: one.stars == 7),
        ("forks:>=3", lambda one: one.forks >= 3),
        ("archived:true", lambda one: one.archived),
        ("archived:false", lambda one: not one.archived),
        ("fork:false", lambda _one: True),
        ("is:public", lambda _one: True),
        ("is:private", lambda _one: False),
        ("pushed:>=2024-03-01", pushed(DAY, None)),
        ("pushed:>2024-03-01", pushed(NEXT, None)),
        ("pushed:<2024-03-01", pushed(None, DAY)),
        ("pushed:<=2024-03-01", pushed(None, NEXT)),
        ("created:2024-03-01..2024-09-01", created(DAY, datetime(2024, 9, 2, tzinfo=UTC))),
        ("created:2024-03-01", created(DAY, NEXT)),
        (
            "created:2024-03-01T12:00:00Z..2024-09-01T12:00:00Z",
            created(NOON, datetime(2024, 9, 1, 12, 0, 1, tzinfo=UTC)),
        ),
        ("created:2024-03-01T14:00:00+02:00..*", created(NOON, None)),
        ("created:>2024-03-01T12:00:00Z", created(NOON + SECOND, None)),
        ("created:*..2024-03-01", created(None, NEXT)),
        ("schema", lambda one: "schema" in f"{one.name} {one.description} {one.topics}"),
        ("schema fast", lambda one: "schema" in one.name and (one.description or "").startswith("Fast")),
        ("sort:stars language:python", lambda one: one.language == "Python"),
        ("colour:blue", lambda _one: False),
        (
            "language:python topic:testing stars:5..500 archived:false fork:false pushed:>=2024-03-01",
            lambda one: (
                one.language == "Python"
                and "testing" in one.topics
                and 5 <= one.stars <= 500
                and not one.archived
                and one.pushed_at >= DAY
            ),
        ),
    ],
)
def test_a_qualifier_finds_what_it_says_and_no_forks(
    wide: Population, query: str, expected: Callable[[Repository], bool]
) -> None:
    wanted = {one.name_with_owner for one in wide.repositories if not one.fork and expected(one)}
    found = find(wide, query)
    assert {one.name_with_owner for one in found} == wanted
    assert len(found) == len(wanted)
    assert wanted or query in {"is:private", "colour:blue"}


def test_forks_are_found_on_demand(wide: Population) -> None:
    everything = {one.index for one in wide.repositories}
    forks = {one.index for one in wide.repositories if one.fork}
    assert {one.index for one in find(wide, "fork:true")} == everything
    assert {one.index for one in find(wide, "fork:only")} == forks


def test_one_owner_and_one_repository_are_found_by_name(wide: Population) -> None:
    one = next(one for one in wide.repositories if not one.fork)
    assert one in find(wide, f"user:{one.owner.login}")
    assert find(wide, f"repo:{one.name_with_owner}") == [one]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", lambda one: -one.stars),
        ("sort:stars-asc", lambda one: one.stars),
        ("sort:forks", lambda one: -one.forks),
        ("sort:updated-desc", lambda one: -one.pushed_at.timestamp()),
    ],
)
def test_the_order_is_stable(wide: Population, sort: str, order: Callable[[Repository], float]) -> None:
    found = find(wide, f"language:go {sort}")
    assert found == sorted(found, key=lambda one: (order(one), one.index))
    assert found == find(wide, f"language:go {sort}")


@pytest.mark.parametrize(
    "query", ["stars:many", "created:yesterday", "created:>9999-12-31", "pushed:2024-13-01", "x" * 257]
)
def test_a_bad_search_is_refused(wide: Population, query: str) -> None:
    with pytest.raises(BadSearchError):
        find(wide, query)


def pages(github: "LocalGitHub", query: str, first: int) -> tuple[list[str], int]:
    """All names a search gives, page by page, and how many it says there are."""
    names: list[str] = []
    after: str | None = None
    while True:
        found: dict[str, Any] = github.data(PAGE, {"q": query, "first": first, "after": after})["search"]
        names += [node["nameWithOwner"] for node in found["nodes"]]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            return names, found["repositoryCount"]


def test_pages_are_complete_and_cursors_stay(github: "LocalGitHub", small: Population) -> None:
    names, count = pages(github, "archived:false", 37)
    wanted = [one.name_with_owner for one in find(small, "archived:false")]
    assert (names, count) == (wanted, len(wanted))
    first = github.data(PAGE, {"q": "archived:false", "first": 10})
    assert first == github.data(PAGE, {"q": "archived:false", "first": 10})
    assert wanted[0] not in str(first["search"]["pageInfo"])


def test_a_cursor_of_somebody_else_is_refused(github: "LocalGitHub") -> None:
    for cursor in ("nonsense", "Y3Vyc29yOng="):
        body = github.post(PAGE, {"q": "language:go", "first": 1, "after": cursor}).json()
        assert body["errors"][0]["type"] == "INVALID_CURSOR_ARGUMENTS"


def test_a_long_search_is_refused_in_the_answer(github: "LocalGitHub") -> None:
    body = github.post(PAGE, {"q": "x" * 257, "first": 1}).json()
    assert "256 characters" in body["errors"][0]["message"]
    assert body["data"] is None
    assert github.http.get("/search/repositories", params={"q": "x" * 257}).status_code == 422


def test_a_search_ends_at_a_thousand_but_counts_them_all_and_slices_reach_them(
    start_github: "Callable[..., LocalGitHub]",
) -> None:
    github = start_github(
        "--people", "50", "--repositories", "1500", "--as-of", "2026-11-20T12:00:00Z", "--no-secondary"
    )
    names, count = pages(github, "stars:>=0", 100)
    assert len(names) == len(set(names)) == 1_000
    assert count > 1_200
    halves = [pages(github, f"created:{half}", 100) for half in ("*..2020-11-20", "2020-11-21..*")]
    assert sum(count for _, count in halves) == count
    assert len({name for names, _ in halves for name in names}) == count
    search: dict[str, str | int] = {"q": "stars:>=0", "per_page": 100}
    assert len(github.http.get("/search/repositories", params={**search, "page": 10}).json()["items"]) == 100
    assert github.http.get("/search/repositories", params={**search, "page": 11}).status_code == 422
