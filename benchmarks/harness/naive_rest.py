"""The usual way to the same people, as scripts have it: GitHub's REST API, one call after another for each thing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx
from harness.local_github import LANGUAGE, TOPIC

_DAYS = 90
_PER_PAGE = 100
_AT_ONCE = 8
_SHOWN = 1_000
_SECONDS = 60.0


class NaiveRest:
    """Search, then contributors and commits of each repository, then the account of each person."""

    def __init__(self, url: str) -> None:
        """`url` is the local GitHub's."""
        self._http = httpx.AsyncClient(base_url=url, headers={"authorization": "Bearer naive"}, timeout=_SECONDS)
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._since = datetime.now(UTC) - timedelta(days=_DAYS)
        self.calls: Counter[str] = Counter()
        """By kind."""
        self.read = 0
        """People whose account was read."""

    async def find(self) -> None:
        """Read everybody with commits in the last 90 days."""
        async with self._http:
            wanted = f"language:{LANGUAGE} topic:{TOPIC} archived:false fork:false pushed:>={self._since:%Y-%m-%d}"
            found = [one["full_name"] async for page in self._search(wanted) for one in page["items"]]
            people = set().union(*await asyncio.gather(*map(self._active, found)))
            self.read = sum(await asyncio.gather(*map(self._profile, people)))

    async def _search(self, query: str) -> AsyncIterator[Any]:
        async for page in self._pages("search", "/search/repositories", q=query):
            if page["total_count"] > _SHOWN:
                raise RuntimeError("the search shows only its first 1,000 results: take a smaller population")
            yield page

    async def _active(self, repository: str) -> set[str]:
        """Logins of people with commits in the window."""
        path, since = f"/repos/{repository}", f"{self._since:%Y-%m-%dT%H:%M:%SZ}"
        contributors = [one async for page in self._pages("contributors", f"{path}/contributors") for one in page]
        commits = [one async for page in self._pages("commits", f"{path}/commits", since=since) for one in page]
        humans = {one["login"] for one in contributors if one["type"] == "User"}
        return humans & _logins(commits)

    async def _profile(self, login: str) -> bool:
        return await self._get("users", f"/users/{login}", {}) is not None

    async def _pages(self, kind: str, path: str, **query: str) -> AsyncIterator[Any]:
        page = 1
        while True:
            answer = await self._get(kind, path, {**query, "per_page": _PER_PAGE, "page": page})
            if answer is None:
                return
            yield answer.json()
            if "next" not in answer.links:
                return
            page += 1

    async def _get(self, kind: str, path: str, query: dict[str, str | int]) -> httpx.Response | None:
        """None for what is not there."""
        async with self._room:
            self.calls[kind] += 1
            answer = await self._http.get(path, params=query, follow_redirects=True)
        if answer.status_code in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            return None
        return answer.raise_for_status()


def _logins(commits: Iterable[dict[str, Any]]) -> set[str]:
    return {commit["author"]["login"] for commit in commits if commit["author"]}
