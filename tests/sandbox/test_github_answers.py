"""Queries and truth agree about the same people, and every kind of account and repository is answered as at GitHub."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from graphql import execute_sync, parse
from local_github import DISCOVER, ENRICH, HISTORY

from sandbox.github.execution import Executor, error_body
from sandbox.github.people import Organization
from sandbox.github.resolvers import Answering, World
from sandbox.github.truth import Wanted, truth

if TYPE_CHECKING:
    from local_github import LocalGitHub

    from sandbox.github.people import Person
    from sandbox.github.population import Population

SINCE = "2026-08-22T12:00:00+00:00"
NESTED = """
query Nested($q: String!, $since: GitTimestamp!) {
  search(type: REPOSITORY, query: $q, first: 20) { edges { node { ... on Repository {
    id defaultBranchRef { repository { again: name defaultBranchRef { target { ... on Commit {
      history(first: 3, since: $since) { nodes { oid author { user { login followers { totalCount } } } } }
    } } } } }
  } } } }
}
"""
KINDS = "query Kinds($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Actor { login } } }"


@pytest.mark.parametrize(
    ("search", "truth_of"),
    [
        ("language:python archived:false fork:false", {"language": "python"}),
        ("archived:false", {}),
        ("topic:testing stars:5..5000 archived:false", {"topic": "testing", "stars_min": 5, "stars_max": 5_000}),
    ],
)
def test_what_the_queries_find_is_what_the_truth_says(
    github: "LocalGitHub", search: str, truth_of: dict[str, str | int]
) -> None:
    commits: dict[str, dict[str, int]] = {}
    offsets: dict[str, dict[str, int]] = {}
    nobody = 0
    names = []
    for repository in github.repositories(search, SINCE):
        names.append(repository["nameWithOwner"])
        branch = repository["defaultBranchRef"]
        history: dict[str, Any] = branch["target"]["history"] if branch else {"nodes": [], "totalCount": 0}
        assert len(history["nodes"]) == history["totalCount"]
        for commit in history["nodes"]:
            user = commit["author"]["user"]
            if user is None:
                nobody += 1
                continue
            counts = commits.setdefault(user["id"], {})
            counts[names[-1]] = counts.get(names[-1], 0) + 1
            zone = datetime.fromisoformat(commit["author"]["date"]).utcoffset()
            assert zone is not None
            minutes = str(int(zone.total_seconds()) // 60)
            offsets.setdefault(user["id"], {}).setdefault(minutes, 0)
            offsets[user["id"]][minutes] += 1
    told = github.get("/truth", active_within_days=90, **truth_of)
    assert sorted(names) == told["repositories"]
    assert commits == {person["id"]: person["commits"] for person in told["people"]}
    assert offsets == {person["id"]: person["offsets"] for person in told["people"]}
    assert nobody == sum(told["commits_without_account"].values())
    assert len(told["people"]) > 10


def test_profiles_say_what_the_truth_says(github: "LocalGitHub") -> None:
    told = github.get("/truth")["people"]
    profiles: dict[str, Any] = {}
    errors = 0
    for start in range(0, len(told), 100):
        ids = [person["id"] for person in told[start : start + 100]]
        body = github.post(ENRICH, {"ids": ids}).json()
        profiles.update(zip(ids, body["data"]["nodes"], strict=True))
        for error in body.get("errors", []):
            assert (error["type"], body["data"]["nodes"][error["path"][1]]) == ("NOT_FOUND", None)
            errors += 1
    by_kind: dict[str, int] = {}
    for person in told:
        profile = profiles[person["id"]]
        by_kind[person["kind"]] = by_kind.get(person["kind"], 0) + 1
        if person["kind"] == "user":
            for name in ("id", "login", "name", "email", "location", "company"):
                assert profile[name] == person[name]
            assert (person["email"] == "") == (person["address"] == "hidden")
        else:
            assert profile == (None if person["kind"] == "vanished" else {})
    assert by_kind.keys() == {"user", "bot", "vanished", "organization"}
    assert errors == by_kind["vanished"]


def test_the_truth_knows_who_shares_an_address(small: "Population") -> None:
    people = truth(small, Wanted(active_within_days=4_000))["people"]
    assert isinstance(people, list)
    shared = {person["login"]: person for person in people if person["shares_address_with"]}
    assert len(shared) >= 2
    for login, person in shared.items():
        for other in person["shares_address_with"]:
            assert login in shared[other]["shares_address_with"]
            assert shared[other]["email"].lower() == person["email"].lower()


def test_the_window_of_the_truth_has_two_ends(github: "LocalGitHub") -> None:
    week = github.get("/truth", active_within_days=7, as_of="2026-10-01T00:00:00Z")
    end = datetime.fromisoformat("2026-10-01T00:00:00+00:00")
    last = [person["last_commit"] for person in week["people"]]
    assert last
    assert all((end - timedelta(days=7)).timestamp() <= moment <= end.timestamp() for moment in last)
    assert len(week["people"]) < len(github.get("/truth", active_within_days=90)["people"])


def test_a_wrong_parameter_of_the_truth_is_named(github: "LocalGitHub") -> None:
    for query in ({"lang": "go"}, {"stars_min": "many"}, {"as_of": "soon"}):
        answer = github.http.get("/truth", params=query)
        assert answer.status_code == 422
        assert answer.json()["errors"][0].startswith(next(iter(query)))


def first_of(people: "list[Person]", kind: str) -> "Person":
    return next(person for person in people if person.kind == kind)


def test_each_kind_of_account_is_a_node_of_its_own_type(github: "LocalGitHub", small: "Population") -> None:
    user, gone, turned = (first_of(small.people, kind) for kind in ("user", "vanished", "organization"))
    ids = [
        user.id,
        small.bots[0].id,
        small.organizations[0].id,
        turned.id,
        gone.id,
        "U_nonsense",
        small.repositories[0].id,
    ]
    body = github.post(KINDS, {"ids": ids}).json()
    kinds = [node and node["__typename"] for node in body["data"]["nodes"]]
    assert kinds == ["User", "Bot", "Organization", "Organization", None, None, "Repository"]
    assert [(error["type"], error["path"]) for error in body["errors"]] == [
        ("NOT_FOUND", ["nodes", 4]),
        ("NOT_FOUND", ["nodes", 5]),
    ]
    assert "[bot]" in body["data"]["nodes"][1]["login"]


REPOSITORY = """
query Find($owner: String!, $name: String!, $follow: Boolean!) {
  repository(owner: $owner, name: $name, followRenames: $follow) { id nameWithOwner owner { __typename login } }
}
"""


def test_a_renamed_repository_is_followed_and_a_vanished_one_is_not_found(
    github: "LocalGitHub", small: "Population"
) -> None:
    renamed = next(one for one in small.repositories if one.former_name)
    old = {"owner": renamed.owner.login, "name": renamed.former_name}
    found = github.data(REPOSITORY, {**old, "follow": True})["repository"]
    assert (found["id"], found["nameWithOwner"]) == (renamed.id, renamed.name_with_owner)
    vanished = small.vanished[0]
    lost = {"owner": vanished.owner.login, "name": vanished.name, "follow": True}
    for variables in ({**old, "follow": False}, lost):
        body = github.post(REPOSITORY, variables).json()
        assert body["data"] == {"repository": None}
        assert (body["errors"][0]["type"], body["errors"][0]["path"]) == ("NOT_FOUND", ["repository"])
    assert github.post(KINDS, {"ids": [vanished.id]}).json()["errors"][0]["type"] == "NOT_FOUND"


def test_organizations_own_repositories(github: "LocalGitHub", small: "Population") -> None:
    owned = next(one for one in small.repositories if isinstance(one.owner, Organization))
    variables = {"owner": owned.owner.login, "name": owned.name, "follow": True}
    owner = github.data(REPOSITORY, variables)["repository"]["owner"]
    assert owner == {"__typename": "Organization", "login": owned.owner.login}


def test_a_long_history_is_paged_and_dates_keep_their_offsets(github: "LocalGitHub", small: "Population") -> None:
    long = max(small.repositories, key=lambda one: one.commit_count)
    history = small.commits_of(long.index)
    variables: dict[str, Any] = {"id": long.id, "since": "2000-01-01T00:00:00Z", "after": None}
    oids: list[str] = []
    while True:
        page = github.data(HISTORY, variables)["node"]["defaultBranchRef"]["target"]["history"]
        for node, commit in zip(page["nodes"], history[len(oids) :], strict=False):
            written = datetime.fromisoformat(node["author"]["date"])
            zone = written.utcoffset()
            assert zone is not None
            assert (written.timestamp(), zone.total_seconds() / 60) == (commit.authored, commit.offset)
            assert node["committedDate"].endswith("Z")
            assert datetime.fromisoformat(node["committedDate"]).timestamp() == commit.committed
            assert node["authoredByCommitter"] == commit.by_committer
        oids += [node["oid"] for node in page["nodes"]]
        variables["after"] = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(set(oids)) == len(oids) == page["totalCount"] == len(history) > 250
    assert {commit.offset for commit in history} - {0}


def test_an_empty_repository_has_no_branch(github: "LocalGitHub", small: "Population") -> None:
    empty = next(one for one in small.repositories if one.commit_count == 0)
    answer = github.data(HISTORY, {"id": empty.id, "since": SINCE})
    assert answer["node"] == {"defaultBranchRef": None}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{ viewer { shoeSize } }", "shoeSize"),
        ("{ viewer {", "Syntax Error"),
        ("query A { viewer { id } } query B { viewer { id } }", "operation"),
    ],
)
def test_a_wrong_query_is_answered_with_errors_and_200(github: "LocalGitHub", query: str, words: str) -> None:
    answer = github.post(query)
    assert answer.status_code == 200
    assert words in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("body", ["{", "[]", "{}", '{"query": 7}', '{"query": "{ a }", "variables": [1]}'])
def test_what_is_no_call_is_a_400(github: "LocalGitHub", body: str) -> None:
    assert github.http.post("/graphql", content=body).status_code == 400


def test_a_page_asked_for_twice_is_seen(github: "LocalGitHub") -> None:
    variables = {"q": "language:go", "since": SINCE, "first": 5, "commits": 5}
    for search in ("language:go", "language:rust", "language:go"):
        github.data(DISCOVER, {**variables, "q": search})
    github.http.get("/users/nobody")
    report = github.get("/requests")
    assert report["operations"]["Discover"] == {"different": 2, "asked": 3, "answered": 3, "points": 3}
    assert (report["calls"], report["points"]) == ({"graphql": 3, "rest": 1}, {"graphql": 3, "rest": 1})
    (twice,) = report["asked_twice"]
    assert (twice["asked"], twice["answered"]) == (2, 2)
    assert "language:go" in twice["variables"]
    assert len(github.get("/requests/all")) == 3


def test_the_short_way_through_the_executor_answers_the_same(small: "Population") -> None:
    world = World(small)
    executor = Executor(world)
    discover = {"q": "archived:false", "since": SINCE, "first": 100, "commits": 50}
    ids = [person.id for person in (*small.people[:60], *small.bots)]
    ids += [organization.id for organization in small.organizations[:20]]
    wrong = {"q": "archived:false", "since": "yesterday"}
    calls = ((DISCOVER, discover), (ENRICH, {"ids": ids}), (KINDS, {"ids": ids}), (NESTED, discover), (NESTED, wrong))
    for query, variables in calls:
        limit = {"cost": 1, "nodeCount": 2, "limit": 3, "used": 4, "remaining": 5, "resetAt": "2026-11-20T13:00:00Z"}
        usual = execute_sync(
            executor.schema, parse(query), variable_values=variables, context_value=Answering(world, limit)
        )
        body = executor.run(executor.prepare(query), None, variables, limit)
        assert body["data"] == usual.data
        assert body.get("errors", []) == [error_body(error) for error in usual.errors or ()]
        assert bool(usual.errors) == (variables is wrong)
