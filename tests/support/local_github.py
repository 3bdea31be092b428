"""The local GitHub as a process of its own, as its callers see it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx

TOKEN = "token-of-a-test"

DISCOVER = """
query Discover($q: String!, $since: GitTimestamp!, $first: Int!, $commits: Int!, $after: String) {
  rateLimit { cost nodeCount limit used remaining resetAt }
  search(type: REPOSITORY, query: $q, first: $first, after: $after) {
    repositoryCount
    pageInfo { hasNextPage endCursor }
    nodes { ... on Repository {
      id nameWithOwner url description stargazerCount forkCount isArchived isFork pushedAt createdAt
      primaryLanguage { name }
      owner { __typename login }
      repositoryTopics(first: 10) { nodes { topic { name } } }
      defaultBranchRef { name target { ... on Commit { ...Recent } } }
    } }
  }
}
fragment Recent on Commit {
  history(first: $commits, since: $since) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes { oid committedDate authoredByCommitter author { date email name user { id databaseId login } } }
  }
}
"""

HISTORY = """
query History($id: ID!, $since: GitTimestamp!, $after: String) {
  node(id: $id) { ... on Repository { defaultBranchRef { target { ... on Commit {
    history(first: 100, since: $since, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes { oid committedDate authoredByCommitter author { date email name user { id databaseId login } } }
    }
  } } } } }
}
"""

ENRICH = """
query Enrich($ids: [ID!]!) {
  rateLimit { cost nodeCount limit used remaining resetAt }
  nodes(ids: $ids) { ... on User {
    id databaseId login name email bio company location websiteUrl twitterUsername pronouns isHireable
    createdAt updatedAt
    followers { totalCount }
    organizations(first: 5) { nodes { login name websiteUrl } }
    socialAccounts(first: 4) { nodes { provider url } }
    topRepositories: repositories(
      first: 5, privacy: PUBLIC, isFork: false, ownerAffiliations: [OWNER]
      orderBy: {field: STARGAZERS, direction: DESC}
    ) { nodes { nameWithOwner description stargazerCount primaryLanguage { name } pushedAt } }
    contributionsCollection { totalCommitContributions totalPullRequestReviewContributions }
  } }
}
"""


class LocalGitHub:
    """The process; every call is made with one token unless another is given."""

    def __init__(self, *options: str) -> None:
        """Start it and wait for its line."""
        self.process = subprocess.Popen(
            [sys.executable, "-W", "always", "-m", "sandbox.github", "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{json.loads(self.process.stdout.readline())['port']}"
        self.http = httpx.Client(base_url=self.url, headers={"authorization": f"bearer {TOKEN}"}, timeout=30)

    def post(self, query: str, variables: dict[str, Any] | None = None, token: str = TOKEN) -> httpx.Response:
        """Send one GraphQL call."""
        headers = {"authorization": f"bearer {token}"}
        return self.http.post("/graphql", json={"query": query, "variables": variables or {}}, headers=headers)

    def data(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send one GraphQL call and return its data; errors are a failure."""
        body = self.post(query, variables).raise_for_status().json()
        assert "errors" not in body, body["errors"]
        answer: dict[str, Any] = body["data"]
        return answer

    def repositories(self, search: str, since: str, first: int = 25) -> Iterator[dict[str, Any]]:
        """Page through a search, and through every history that is longer than a page."""
        after = None
        while True:
            variables = {"q": search, "since": since, "first": first, "commits": 50, "after": after}
            found = self.data(DISCOVER, variables)["search"]
            for repository in found["nodes"]:
                self._complete(repository, since)
                yield repository
            after = found["pageInfo"]["endCursor"]
            if not found["pageInfo"]["hasNextPage"]:
                return

    def _complete(self, repository: dict[str, Any], since: str) -> None:
        branch = repository["defaultBranchRef"]
        history = branch["target"]["history"] if branch else {"pageInfo": {"hasNextPage": False}}
        while history["pageInfo"]["hasNextPage"]:
            variables = {"id": repository["id"], "since": since, "after": history["pageInfo"]["endCursor"]}
            more = self.data(HISTORY, variables)["node"]["defaultBranchRef"]["target"]["history"]
            history["nodes"] += more["nodes"]
            history["pageInfo"] = more["pageInfo"]

    def faults(self, *rules: dict[str, Any]) -> None:
        """Put these rules in force instead of the ones before."""
        self.http.post("/faults", json=rules).raise_for_status()

    def get(self, path: str, **query: str | int) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON of a control route."""
        return self.http.get(path, params=query).raise_for_status().json()

    def fresh(self) -> None:
        """Forget faults and what was asked."""
        self.http.delete("/faults").raise_for_status()
        self.http.delete("/requests").raise_for_status()

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """End the process and return its exit code and what was still on stdout and stderr."""
        self.http.close()
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err
