"""A GitHub that answers what a test tells it to, over real HTTP on loopback."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from providers.github.address import ApiAddress
from providers.github.api import GitHubApi
from providers.github.source import GitHubSource
from providers.github.tokens import Tokens

SINCE = datetime(2026, 8, 1, tzinfo=UTC)
UNTIL = datetime(2026, 10, 30, tzinfo=UTC)


@dataclass
class Asked:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    query: str
    variables: dict[str, Any]


@dataclass
class Say:
    """An answer; a body that is no bytes is sent as JSON, `status` 0 = hang up without one."""

    body: object = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0


Json = dict[str, Any]
UNSAID: Json = {}
Script = Callable[[Asked], Say]


class ScriptedGitHub:
    """What was asked, and by how many at once."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.most_at_once = 0
        self.port = 0
        self._at_once = 0
        self._sources: list[GitHubSource] = []

    @property
    def url(self) -> str:
        """Its base address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def tokens(self) -> list[str]:
        """The tokens of all requests, in their order."""
        return [asked.headers.get("authorization", "").removeprefix("Bearer ") for asked in self.asked]

    def source(self, *tokens: str, patience: float = 5.0) -> GitHubSource:
        """A source that asks here."""
        address = ApiAddress.parse(self.url, "OUTRIDER_GITHUB_API_URL")
        source = GitHubSource(GitHubApi(address, Tokens([SecretStr(token) for token in tokens]), patience))
        self._sources.append(source)
        return source

    async def close(self) -> None:
        """Close the sources."""
        for source in self._sources:
            await source.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        while head := await _head(reader):
            request_line, *lines = head.split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)}
            content = json.loads(await reader.readexactly(int(headers.get("content-length", "0"))) or b"{}")
            operation = re.search(r"query (\w+)", content.get("query", ""))
            asked = Asked(
                request_line.split()[1], headers, operation[1] if operation else "", content.get("variables", {})
            )
            self.asked.append(asked)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            say = self.script(asked)
            await asyncio.sleep(say.after)
            self._at_once -= 1
            if say.status == 0:
                break
            body = say.body if isinstance(say.body, bytes) else json.dumps(say.body).encode()
            extra = "".join(f"{name}: {value}\r\n" for name, value in say.headers.items())
            writer.write(f"HTTP/1.1 {say.status} x\r\ncontent-length: {len(body)}\r\n{extra}\r\n".encode() + body)
        writer.close()


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode().strip()
    except (asyncio.IncompleteReadError, ConnectionError):
        return ""


@asynccontextmanager
async def scripted_github(script: Script) -> AsyncIterator[ScriptedGitHub]:
    """Listen on any free port."""
    github = ScriptedGitHub(script)
    server = await asyncio.start_server(github.serve, "127.0.0.1", 0)
    github.port = server.sockets[0].getsockname()[1]
    try:
        yield github
    finally:
        await github.close()
        server.close()


def in_turn(*says: Say) -> Script:
    """One answer after the other, the last one for ever."""
    left = list(says)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def limits(remaining: int, resets_in: float = 1800.0, limit: int = 5000) -> dict[str, str]:
    """The headers that say what a token has left."""
    reset = datetime.now(UTC) + timedelta(seconds=resets_in)
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": str(int(reset.timestamp()) + 1),
        "x-ratelimit-resource": "graphql",
    }


def commit(user: str | None, written: str = "2026-10-01T12:00:00+02:00", at: str = "2026-10-01T10:00:00Z") -> Json:
    """A commit by the person with this login."""
    account = {"id": f"U_{user}", "login": user} if user else None
    return {"committedDate": at, "author": {"date": written, "user": account}}


def history(commits: Sequence[Json | None], total: int | None = None, cursor: str | None = None) -> Json:
    """A page of commits; with a cursor it goes on."""
    return {
        "totalCount": len(commits) if total is None else total,
        "pageInfo": {"hasNextPage": cursor is not None, "endCursor": cursor},
        "nodes": list(commits),
    }


def repository(number: int, commits: Sequence[Json | None] | Json, **changes: object) -> Json:
    """A repository; `commits` is a list or a `history`."""
    page = history(commits) if not isinstance(commits, dict) else commits
    return {
        "id": f"R_{number}",
        "nameWithOwner": f"example/r{number}",
        "url": f"https://github.example.com/example/r{number}",
        "description": "A thing",
        "stargazerCount": 10,
        "forkCount": 1,
        "isArchived": False,
        "isFork": False,
        "isPrivate": False,
        "pushedAt": "2026-10-02T00:00:00Z",
        "primaryLanguage": {"name": "Python"},
        "owner": {"__typename": "User", "id": "U_owner"},
        "repositoryTopics": {"nodes": [{"topic": {"name": "pytest"}}]},
        "defaultBranchRef": {"target": {"history": page}},
    } | changes


def search(  # noqa: PLR0913 what a test can say of a page
    repositories: Sequence[Json],
    *,
    count: int | None = None,
    cursor: str | None = None,
    errors: Sequence[Json] = (),
    price: Json | None = UNSAID,
    headers: dict[str, str] | None = None,
) -> Say:
    """A page of a search; with a cursor it goes on. Behind every result its own cursor is `after <id>`."""
    edges = [{"cursor": f"after {node['id']}", "node": node} for node in repositories]
    found = {
        "repositoryCount": len(edges) if count is None else count,
        "pageInfo": {"hasNextPage": cursor is not None, "endCursor": cursor},
        "edges": edges,
    }
    data = {"search": found, "rateLimit": cost() if price is UNSAID else price}
    return Say({"data": data} | ({"errors": list(errors)} if errors else {}), headers=headers or {})


def cost(points: int = 1, remaining: int = 4900) -> Json:
    """What a query says of its price."""
    reset = datetime.now(UTC) + timedelta(minutes=30)
    return {"cost": points, "limit": 5000, "remaining": remaining, "resetAt": reset.isoformat()}
