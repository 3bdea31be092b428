"""Points are charged by GitHub's documented formula, for each token, and every limit of a query is kept."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from graphql import OperationDefinitionNode, parse
from local_github import DISCOVER, ENRICH, LocalGitHub

from sandbox.github.cost import RefusedQueryError, cost_of
from sandbox.github.limits import Limits

if TYPE_CHECKING:
    from sandbox.github.population import Population

FLAT = "query Flat($ids: [ID!]!) { nodes(ids: $ids) { ... on User { login email followers { totalCount } } } }"
TRAP = """
query Trap($q: String!) { search(type: REPOSITORY, query: $q, first: 50) { nodes { ... on Repository {
  defaultBranchRef { target { ... on Commit { history(first: 100) { nodes {
    authors(first: 10) { nodes { user { organizations(first: 5) { nodes { login } } } } } } } } } } } } } }
"""
IDS = [f"U_{number}" for number in range(100)]


def cost(query: str, **variables: Any) -> tuple[int, int, int]:  # noqa: ANN401 - a query's variables
    document = parse(query)
    operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    found = cost_of(document, operation, variables)
    return found.requests, found.nodes, found.points


@pytest.mark.parametrize(
    ("first", "requests", "nodes", "points"), [(25, 51, 2_775, 1), (50, 101, 5_550, 1), (100, 201, 11_100, 2)]
)
def test_discover_costs_what_the_formula_says(first: int, requests: int, nodes: int, points: int) -> None:
    assert cost(DISCOVER, q="x", first=first, commits=100) == (requests, nodes, points)


def test_enrich_flat_costs_one_point_for_a_hundred() -> None:
    assert cost(FLAT, ids=IDS) == (100, 100, 1)


def test_enrich_rich_costs_four_points_for_a_hundred() -> None:
    assert cost(ENRICH, ids=IDS) == (400, 1_500, 4)


def test_the_trap_of_nested_connections_costs_551_points() -> None:
    assert cost(TRAP, q="x") == (55_051, 305_050, 551)


def test_aliases_are_counted_one_by_one_and_half_a_point_is_rounded_up() -> None:
    both = "{ a: search(type: REPOSITORY, query: $q, first: 1) { repositoryCount } b: search(first: 1) { userCount } }"
    assert cost(both)[0] == 2
    assert cost(FLAT, ids=IDS[:1])[2] == 1
    three = " ".join(
        f"n{number}: nodes(ids: $ids) {{ ... on User {{ followers {{ totalCount }} }} }}" for number in (1, 2, 3)
    )
    assert cost(f"{{ {three} }}", ids=IDS[:50])[::2] == (150, 2)


def test_defaults_of_variables_count() -> None:
    assert cost("query A($n: Int = 7) { search(first: $n) { repositoryCount } }")[1] == 7


def test_what_a_directive_leaves_out_costs_nothing() -> None:
    query = """query A($yes: Boolean!, $no: Boolean = false) {
      a: search(first: 5) @include(if: $yes) { userCount } b: search(first: 5) @include(if: $no) { userCount }
      c: search(first: 5) @skip(if: true) { userCount } ... @skip(if: $no) { d: search(first: 5) { userCount } } }"""
    assert cost(query, yes=True) == (2, 10, 1)
    assert cost(query, yes=False, no=True) == (1, 5, 1)


@pytest.mark.parametrize(
    ("query", "variables", "kind"),
    [
        (FLAT, {"ids": [*IDS, "U_100"]}, "ARGUMENT_LIMIT"),
        (DISCOVER, {"q": "x", "first": 101, "commits": 1}, "EXCESSIVE_PAGINATION"),
        ('{ search(query: "x") { nodes { __typename } } }', {}, "MISSING_PAGINATION_BOUNDARIES"),
        (TRAP.replace("first: 5)", "first: 50)"), {"q": "x"}, "MAX_NODE_LIMIT_EXCEEDED"),
    ],
)
def test_a_query_that_is_too_large_is_refused(query: str, variables: dict[str, Any], kind: str) -> None:
    with pytest.raises(RefusedQueryError) as refused:
        cost(query, **variables)
    assert refused.value.type == kind


def test_more_than_a_hundred_ids_are_an_error_of_the_answer(github: LocalGitHub) -> None:
    answer = github.post(FLAT, {"ids": [*IDS, "U_100"]})
    assert answer.status_code == 200
    (error,) = answer.json()["errors"]
    assert error["type"] == "ARGUMENT_LIMIT"
    assert "more than 100 node ids" in error["message"]


def test_each_token_has_its_own_budget_and_every_answer_says_what_is_left(
    github: LocalGitHub, small: "Population"
) -> None:
    ids = [person.id for person in small.people[:100]]
    for number in (1, 2):
        answer = github.post(ENRICH, {"ids": ids}, token="fresh-token")
        limit = answer.json()["data"]["rateLimit"]
        assert (limit["cost"], limit["nodeCount"], limit["limit"]) == (4, 1_500, 5_000)
        assert (limit["used"], limit["remaining"]) == (4 * number, 5_000 - 4 * number)
        headers = answer.headers
        assert headers["x-ratelimit-resource"] == "graphql"
        assert int(headers["x-ratelimit-limit"]) == 5_000
        assert int(headers["x-ratelimit-used"]) == limit["used"]
        assert int(headers["x-ratelimit-remaining"]) == limit["remaining"]
        assert time.time() + 3_500 < int(headers["x-ratelimit-reset"]) < time.time() + 3_700
    other = github.post("{ rateLimit { used } }", token="another-token")
    assert other.json()["data"]["rateLimit"] == {"used": 1}


def test_used_up_means_200_with_an_error_until_the_reset(start_github: Callable[..., LocalGitHub]) -> None:
    github = start_github("--people", "10", "--repositories", "10", "--points-per-hour", "3", "--window-seconds", "2")
    answers = [github.post("{ viewer { login } }") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[3].json()["errors"][0]["type"] == "RATE_LIMIT"
    assert "data" not in answers[3].json()
    assert [github.http.get("/users/nobody").status_code for _ in range(4)] == [404, 404, 404, 403]
    time.sleep(max(0.0, int(answers[3].headers["x-ratelimit-reset"]) - time.time()) + 0.1)
    assert github.post("{ viewer { login } }").json()["data"]["viewer"]


def test_secondary_limits_count_calls_of_a_minute_and_concurrency() -> None:
    limits = Limits()
    assert [limits.secondary_wait("a", "rest") for _ in range(900)] == [0] * 900
    assert 0 < limits.secondary_wait("a", "rest") <= 60
    assert limits.secondary_wait("a", "graphql") == limits.secondary_wait("b", "rest") == 0
    limits.in_flight = 101
    assert limits.secondary_wait("c", "graphql") == 60
    assert Limits(secondary=False).secondary_wait("a", "rest") == 0


def test_a_missing_token_is_refused(github: LocalGitHub) -> None:
    answer = github.http.post("/graphql", json={"query": "{ viewer { login } }"}, headers={"authorization": ""})
    assert answer.status_code == 401
    assert answer.json()["message"] == "Bad credentials"


def test_the_minute_of_rest_calls_is_answered_with_retry_after(start_github: Callable[..., LocalGitHub]) -> None:
    github = start_github("--people", "10", "--repositories", "10")
    answers = [github.http.get("/users/nobody") for _ in range(901)]
    assert {answer.status_code for answer in answers[:900]} == {404}
    assert answers[900].status_code == 403
    assert 0 < int(answers[900].headers["retry-after"]) <= 60
