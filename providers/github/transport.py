"""One request to GitHub: what goes wrong on the way is an answer too, as the library's exceptions hold the token."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import httpx

from providers.github.address import ApiAddress
from providers.github.answers import Answer, Outcome, classify, request_id
from providers.github.tokens import Token

ANSWER_SECONDS = 20.0
"""GitHub itself gives up after ten."""

CONNECT_SECONDS = 5.0

MOST_BYTES = 64 * 1024 * 1024
"""Of one answer, unpacked; the largest page of commits has two million."""

_IDLE_SECONDS = 30.0
_LINE_LIMIT = 200

SILENT = Answer(Outcome.TOO_BIG, "no answer in time")
"""Where not even a refusal came: the request was too big, or nobody is there."""


class Transport:
    """Connections to GitHub, opened when they are needed."""

    def __init__(self, address: ApiAddress, connections: int, hide: Callable[[str], str]) -> None:
        """At most `connections` are open; `hide` takes the tokens out of a text."""
        self._address = address
        self._hide = hide
        self._connections = connections
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def post(
        self, url: httpx.URL, token: Token, query: str, variables: Mapping[str, object]
    ) -> tuple[Answer, bytes]:
        """What the answer to a query file means, and its data. Raises nothing but being cancelled."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS + ANSWER_SECONDS):
                asked = {"query": text_of(query), "variables": variables}
                async with self._connected().stream("POST", url, json=asked, auth=token) as response:
                    content = await _read(response)
        except (httpx.ReadTimeout, httpx.WriteTimeout, TimeoutError):
            return SILENT, b""
        except httpx.HTTPError as error:
            return Answer(Outcome.BROKEN, type(error).__name__), b""
        if content is None:
            return Answer(Outcome.TOO_BIG, "its answer is too long"), b""
        status, headers = response.status_code, response.headers
        answer = replace(classify(status, headers, content), status=status, request_id=request_id(headers))
        if answer.outcome in (Outcome.OK, Outcome.PARTIAL):
            return answer, content
        hidden = self._hide(answer.line)[:_LINE_LIMIT]  # in this order: a part of a token is no token to be found
        return replace(answer, line=hidden, errors=()), b""

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                headers={
                    "Accept": "application/vnd.github+json",
                    "User-Agent": "outrider",
                    "X-Github-Next-Global-ID": "1",  # else a person's id is spelled in two ways
                },
                timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
                limits=httpx.Limits(max_connections=self._connections, keepalive_expiry=_IDLE_SECONDS),
                follow_redirects=False,  # the library would turn a POST into a GET
                trust_env=not self._address.loopback,  # a proxy sees nothing of what stays on this machine
            )
        return self._client


async def _read(response: httpx.Response) -> bytes | None:
    """The body, None when it is longer than any answer: a few packed bytes can be gigabytes."""
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MOST_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


@cache
def text_of(query: str) -> str:
    """The query file of that name."""
    return (Path(__file__).parent / f"{query}.graphql").read_text(encoding="utf-8")
