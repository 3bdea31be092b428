"""Every answer of GitHub that a client must understand can be had on demand, as often as asked for."""

import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from local_github import DISCOVER, ENRICH

if TYPE_CHECKING:
    from local_github import LocalGitHub

    from sandbox.github.population import Population

VIEWER = "query Viewer { viewer { login } }"


def errors_of(answer: httpx.Response) -> dict[str, Any]:
    """The first error of an answer that has no data."""
    body = answer.json()
    assert body.get("data") is None
    error: dict[str, Any] = body["errors"][0]
    return error


@pytest.mark.parametrize("status", [403, 429, 200])
def test_the_primary_limit(github: "LocalGitHub", status: int) -> None:
    github.faults({"action": "primary_limit", "status": status, "seconds": 7, "first": 1})
    answer = github.post(VIEWER)
    assert answer.status_code == status
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert answer.headers["x-ratelimit-used"] == answer.headers["x-ratelimit-limit"]
    assert time.time() + 4 < int(answer.headers["x-ratelimit-reset"]) <= time.time() + 7
    assert "retry-after" not in answer.headers
    text = errors_of(answer)["message"] if status == 200 else answer.json()["message"]
    assert re.search(r"API rate limit (already )?exceeded", text)
    if status == 200:
        assert (errors_of(answer)["type"], errors_of(answer)["code"]) == ("RATE_LIMIT", "graphql_rate_limit")
    assert int(github.post(VIEWER).headers["x-ratelimit-remaining"]) > 0


@pytest.mark.parametrize("status", [403, 429, 200])
@pytest.mark.parametrize("action", ["secondary_limit", "secondary_text"])
def test_the_secondary_limits(github: "LocalGitHub", action: str, status: int) -> None:
    seconds = {"seconds": 3} if action == "secondary_limit" else {}
    github.faults({"action": action, "status": status, **seconds})
    answer = github.post(VIEWER)
    assert answer.status_code == status
    assert answer.headers.get("retry-after") == ("3" if seconds else None)
    assert int(answer.headers["x-ratelimit-remaining"]) > 0
    text = errors_of(answer)["message"] if status == 200 else answer.json()["message"]
    assert "secondary rate limit" in text


def test_single_sign_on_is_another_403(github: "LocalGitHub") -> None:
    github.faults({"action": "forbidden"})
    answer = github.post(VIEWER)
    assert answer.status_code == 403
    assert "required" in answer.headers["x-github-sso"]
    assert "rate limit" not in answer.text
    assert int(answer.headers["x-ratelimit-remaining"]) > 0


def test_a_token_can_be_refused(github: "LocalGitHub") -> None:
    github.faults({"action": "unauthorized"})
    answer = github.post(VIEWER)
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


@pytest.mark.parametrize("status", [502, 504, 200])
def test_a_page_that_is_too_large_is_too_slow_and_costs_its_points(github: "LocalGitHub", status: int) -> None:
    github.faults({"action": "too_slow", "status": status, "more_than": 10, "operation": "Discover"})
    variables = {"q": "language:python", "since": "2026-08-22T00:00:00Z", "commits": 5, "first": 25}
    answer = github.post(DISCOVER, variables)
    assert answer.status_code == status
    assert "We couldn't respond to your request in time" in answer.text
    assert github.get("/requests")["points"] == {"graphql": 1}
    assert github.post(VIEWER).status_code == 200
    small = {**variables, "first": 10}
    assert github.post(DISCOVER.replace("first: 10", "first: 5"), small).json()["data"]["search"]["nodes"]


def test_an_answer_can_be_partial(github: "LocalGitHub", small: "Population") -> None:
    ids = [person.id for person in small.people if person.kind == "user"][:20]
    github.faults({"action": "partial", "keep": 12, "first": 1})
    cut = github.post(ENRICH, {"ids": ids}).json()
    whole = github.post(ENRICH, {"ids": ids}).json()
    assert cut["data"]["nodes"] == whole["data"]["nodes"][:12] + [None] * 8
    assert [error["path"] for error in cut["errors"]] == [["nodes", index] for index in range(12, 20)]
    assert {error["type"] for error in cut["errors"]} == {"RESOURCE_LIMITS_EXCEEDED"}
    assert "errors" not in whole
    assert github.get("/requests")["operations"]["Enrich"]["answered"] == 1


def test_a_page_of_a_search_can_be_partial(github: "LocalGitHub") -> None:
    github.faults({"action": "partial"})
    variables = {"q": "language:python", "since": "2026-08-22T00:00:00Z", "commits": 5, "first": 10}
    body = github.post(DISCOVER, variables).json()
    assert [node is None for node in body["data"]["search"]["nodes"]] == [False] * 5 + [True] * 5
    assert body["errors"][0]["path"] == ["search", "nodes", 5]
    assert body["data"]["search"]["pageInfo"]["endCursor"]


def test_the_edges_of_a_page_keep_their_cursors_when_it_is_partial(github: "LocalGitHub") -> None:
    github.faults({"action": "partial", "keep": 1})
    query = """{ search(type: REPOSITORY, query: "archived:false", first: 3) {
      edges { cursor node { ... on Repository { id } } } } }"""
    body = github.post(query).json()
    edges = body["data"]["search"]["edges"]
    assert [edge["node"] is None for edge in edges] == [False, True, True]
    assert all(edge["cursor"] for edge in edges)
    assert [error["path"] for error in body["errors"]] == [["search", "edges", index, "node"] for index in (1, 2)]


def test_nodes_asked_for_one_by_one_can_be_partial_too(github: "LocalGitHub", small: "Population") -> None:
    github.faults({"action": "partial"})
    query = "query A($a: ID!, $b: ID!) { rateLimit { remaining } r0: node(id: $a) { id } r1: node(id: $b) { id } }"
    a, b = (repository.id for repository in small.repositories[:2])
    body = github.post(query, {"a": a, "b": b}).json()
    assert body["data"]["rateLimit"]["remaining"] > 0
    assert (body["data"]["r0"], body["data"]["r1"]) == ({"id": a}, None)
    assert [error["path"] for error in body["errors"]] == [["r1"]]


def test_commits_inside_a_page_can_be_left_out(github: "LocalGitHub") -> None:
    variables = {"q": "language:python", "since": "2026-08-22T00:00:00Z", "commits": 5, "first": 10}
    whole = github.post(DISCOVER, variables).json()["data"]["search"]["nodes"]
    github.faults({"action": "partial_commits", "keep": 1})
    body = github.post(DISCOVER, variables).json()
    (number, node) = next(
        (number, node)
        for number, node in enumerate(body["data"]["search"]["nodes"])
        if len(node["defaultBranchRef"]["target"]["history"]["nodes"]) > 1
    )
    commits = node["defaultBranchRef"]["target"]["history"]["nodes"]
    before = whole[number]["defaultBranchRef"]["target"]["history"]["nodes"]
    assert commits == before[:1] + [None] * (len(before) - 1)
    path = ["search", "nodes", number, "defaultBranchRef", "target", "history", "nodes", 1]
    assert path in [error["path"] for error in body["errors"]]


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect(github: "LocalGitHub", small: "Population", status: int) -> None:
    there = next(person for person in small.people if person.kind == "user").login
    github.faults(
        {"action": "redirect", "at": "rest", "operation": "/users/old", "status": status, "location": f"/users/{there}"}
    )
    answer = github.http.get("/users/old")
    assert (answer.status_code, answer.headers["location"]) == (status, f"/users/{there}")
    assert github.http.get("/users/old", follow_redirects=True).json()["login"] == there


def test_not_found(github: "LocalGitHub", small: "Population") -> None:
    login = next(person for person in small.people if person.kind == "user").login
    github.faults({"action": "not_found"}, {"action": "not_found", "at": "rest", "first": 1})
    body = github.post("query A { me: viewer { login } }").json()
    assert body["data"] == {"me": None}
    assert (body["errors"][0]["type"], body["errors"][0]["path"]) == ("NOT_FOUND", ["me"])
    assert [github.http.get(f"/users/{login}").status_code for _ in range(2)] == [404, 200]


@pytest.mark.parametrize("at", ["graphql", "rest"])
@pytest.mark.parametrize("status", [400, 409, 422, 451, 500, 503])
def test_any_other_status(github: "LocalGitHub", status: int, at: str) -> None:
    github.faults({"action": "reply", "at": at, "status": status, "text": "No, thanks"})
    answer = github.post(VIEWER) if at == "graphql" else github.http.get("/users/nobody")
    assert (answer.status_code, answer.json()["message"]) == (status, "No, thanks")
    assert github.get("/requests")["points"] == {}


def test_five_percent_at_random_are_the_same_five_percent_for_the_same_seed(github: "LocalGitHub") -> None:
    def statuses(seed: int) -> list[int]:
        github.faults({"action": "reply", "status": 502, "share": 0.05, "seed": seed})
        return [github.post(VIEWER).status_code for _ in range(400)]

    first = statuses(3)
    assert first == statuses(3) != statuses(4)
    assert 8 <= Counter(first)[502] <= 35
    assert github.get("/faults")[0]["occasions"] == 400


def test_a_malformed_answer_is_cut_in_the_middle(github: "LocalGitHub") -> None:
    github.faults({"action": "malformed", "first": 1})
    answer = github.post(VIEWER)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match="char"):
        answer.json()
    assert github.post(VIEWER).json()["data"]
    assert github.get("/requests")["operations"]["Viewer"] == {"different": 1, "asked": 2, "answered": 1, "points": 2}


@pytest.mark.parametrize("at", ["graphql", "rest"])
def test_a_dropped_connection_has_no_answer(github: "LocalGitHub", at: str) -> None:
    github.faults({"action": "drop", "at": at, "every": 2})
    outcomes = []
    for _ in range(4):
        try:
            answer = github.post(VIEWER) if at == "graphql" else github.http.get("/users/nobody")
            outcomes.append(answer.status_code)
        except httpx.TransportError:
            outcomes.append(0)
    good = 200 if at == "graphql" else 404
    assert outcomes == [good, 0, good, 0]


def test_an_answer_can_come_late_and_delays_add_up(github: "LocalGitHub") -> None:
    late = {"action": "delay", "seconds": 0.2, "first": 1}
    github.faults(late, late, {"action": "reply", "status": 500, "first": 1})
    started = time.monotonic()
    assert github.post(VIEWER).status_code == 500
    assert 0.4 <= time.monotonic() - started < 2
    started = time.monotonic()
    assert github.post(VIEWER).status_code == 200
    assert time.monotonic() - started < 0.2


def test_a_rule_concerns_only_its_operation_and_its_turn(github: "LocalGitHub") -> None:
    github.faults({"action": "reply", "status": 500, "operation": "View*", "every": 2, "first": 3})
    assert github.post("query Other { viewer { login } }").status_code == 200
    assert [github.post(VIEWER).status_code for _ in range(4)] == [200, 500, 200, 200]
    (rule,) = github.get("/faults")
    assert (rule["occasions"], rule["applied"]) == (4, 1)
    github.http.delete("/faults")
    assert github.get("/faults") == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"action": "explode"}, "action"),
        ({"action": "reply"}, "status: missing"),
        ({"action": "redirect"}, "location: missing"),
        ({"action": "delay"}, "seconds: missing"),
        ({"action": "primary_limit", "status": 500}, "status: 500"),
        ({"action": "primary_limit", "status": 200, "at": "rest"}, "at: only GraphQL"),
        ({"action": "partial", "at": "rest"}, "at: only GraphQL"),
        ({"action": "drop", "seconds": 3}, "seconds: has no meaning"),
        ({"action": "drop", "keep": 3}, "keep: has no meaning"),
        ({"action": "drop", "shares": 0.1}, "shares"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_in_one_line(
    github: "LocalGitHub", rule: dict[str, Any], words: str
) -> None:
    answer = github.http.post("/faults", json=[{"action": "drop"}, rule])
    assert answer.status_code == 422
    (line,) = answer.json()["errors"]
    assert line.startswith("rule 2: ")
    assert words in line
    assert github.get("/faults") == []
