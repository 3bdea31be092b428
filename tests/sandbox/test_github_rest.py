"""The same people by REST: what a client without GraphQL sees, and what it pays."""

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sandbox.github.search_query import find

if TYPE_CHECKING:
    from local_github import LocalGitHub

    from sandbox.github.population import Population
    from sandbox.github.repositories import Repository


def follow(github: "LocalGitHub", path: str, **query: str | int) -> list[Any]:
    """All items of a list, by its Link headers."""
    items: list[Any] = []
    answer = github.http.get(path, params=query).raise_for_status()
    while True:
        body = answer.json()
        items += body["items"] if isinstance(body, dict) else body
        if "next" not in answer.links:
            return items
        answer = github.http.get(answer.links["next"]["url"]).raise_for_status()


def active(population: "Population") -> "Repository":
    """A repository with a long history."""
    return max(population.repositories, key=lambda one: one.commit_count)


def test_a_search_is_paged_by_link_headers(github: "LocalGitHub", small: "Population") -> None:
    wanted = [one.name_with_owner for one in find(small, "archived:false")]
    answer = github.http.get("/search/repositories", params={"q": "archived:false"})
    assert len(answer.json()["items"]) == 30
    assert answer.json()["total_count"] == len(wanted)
    assert answer.headers["x-ratelimit-resource"] == "search"
    assert set(answer.links) == {"next", "last"}
    found = follow(github, "/search/repositories", q="archived:false", per_page=100)
    assert [one["full_name"] for one in found] == wanted
    assert len(github.http.get("/search/repositories", params={"q": "", "per_page": 500}).json()["items"]) == 100
    one = found[0]
    assert {"id", "node_id", "owner", "stargazers_count", "topics", "language", "pushed_at"} <= one.keys()


def test_commits_since_a_moment_are_those_of_the_history(github: "LocalGitHub", small: "Population") -> None:
    repository = active(small)
    history = small.commits_of(repository.index)
    since = datetime.fromtimestamp(history[149].committed, UTC).isoformat()
    found = follow(github, f"/repos/{repository.name_with_owner}/commits", since=since, per_page=100)
    assert len(found) == 150
    assert all(one["commit"]["author"]["date"].endswith("Z") for one in found)
    nobody = [one for one in found if one["author"] is None]
    kinds = Counter(commit.author_kind for commit in history[:150])
    assert len(nobody) == kinds["app"] + kinds["unknown"] > 0
    assert sum(one["author"] is not None and one["author"]["type"] == "Bot" for one in found) == kinds["bot"]


def test_contributors_are_counted(github: "LocalGitHub", small: "Population") -> None:
    repository = active(small)
    found = follow(github, f"/repos/{repository.name_with_owner}/contributors", per_page=100)
    commits = [one for one in small.commits_of(repository.index) if one.author_kind == "person"]
    gone = {person.index for person in small.people if person.kind == "vanished"}
    expected = Counter(small.people[one.author].login for one in commits if one.author not in gone)
    assert {one["login"]: one["contributions"] for one in found if one["type"] != "Bot"} == expected
    counts = [one["contributions"] for one in found]
    assert counts == sorted(counts, reverse=True)


def test_an_empty_repository_has_its_own_answers(github: "LocalGitHub", small: "Population") -> None:
    empty = next(one for one in small.repositories if one.commit_count == 0)
    answer = github.http.get(f"/repos/{empty.name_with_owner}/contributors")
    assert (answer.status_code, answer.content) == (204, b"")
    assert github.http.get(f"/repos/{empty.name_with_owner}/commits").status_code == 409


def test_a_profile_has_null_where_graphql_has_an_empty_text(github: "LocalGitHub", small: "Population") -> None:
    hidden = next(one for one in small.people if one.address == "hidden" and one.kind == "user")
    public = next(one for one in small.people if one.address == "public" and one.kind == "user")
    gone = next(one for one in small.people if one.kind == "vanished")
    assert github.get(f"/users/{hidden.login}")["email"] is None
    profile = github.get(f"/users/{public.login}")
    assert (profile["email"], profile["node_id"], profile["type"]) == (public.email, public.id, "User")
    assert github.http.get(f"/users/{gone.login}").status_code == 404
    assert github.get(f"/users/{small.organizations[0].login}")["type"] == "Organization"
    assert github.get(f"/users/{small.bots[0].login}")["type"] == "Bot"


def test_a_former_name_leads_to_the_number(github: "LocalGitHub", small: "Population") -> None:
    renamed = next(one for one in small.repositories if one.former_name and one.commit_count)
    old = f"/repos/{renamed.owner.login}/{renamed.former_name}"
    answer = github.http.get(f"{old}/commits", params={"per_page": 1})
    assert answer.status_code == 301
    assert answer.headers["location"].endswith(f"/repositories/{renamed.database_id}/commits?per_page=1")
    assert len(github.http.get(answer.headers["location"]).json()) == 1
    found = github.http.get(old, follow_redirects=True).json()
    assert (found["full_name"], found["node_id"]) == (renamed.name_with_owner, renamed.id)
    vanished = small.vanished[0]
    assert github.http.get(f"/repos/{vanished.name_with_owner}").status_code == 404
    assert github.http.get("/repositories/1").status_code == 404


def test_every_request_counts_but_the_question_for_the_limit(github: "LocalGitHub") -> None:
    headers = {"authorization": "token rest-only"}
    for number in (1, 2, 3):
        answer = github.http.get("/users/nobody", headers=headers)
        assert (answer.headers["x-ratelimit-used"], answer.headers["x-ratelimit-resource"]) == (str(number), "core")
    resources = github.http.get("/rate_limit", headers=headers).json()["resources"]
    assert (resources["core"]["used"], resources["search"]["limit"], resources["graphql"]["used"]) == (3, 30, 0)


def test_without_a_token_there_are_sixty_requests(github: "LocalGitHub") -> None:
    answer = github.http.get("/users/nobody", headers={"authorization": ""})
    assert answer.headers["x-ratelimit-limit"] == "60"
    searched = github.http.get("/search/repositories", params={"q": "x"}, headers={"authorization": ""})
    assert searched.headers["x-ratelimit-limit"] == "10"
