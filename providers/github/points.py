"""Whether GitHub can be reached, and how many points each token has left. Looking costs none of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

import httpx
from pydantic import BaseModel, SecretStr, ValidationError

from domain.errors import Unreachable
from providers.github.address import ApiAddress
from providers.github.tokens import Token

_SECONDS = 10.0
_UNAUTHORIZED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


@dataclass(frozen=True, slots=True)
class Points:
    """What one token may still ask. `number` is how people hear of it; `limit` is None where no limit is set."""

    number: int
    accepted: bool
    remaining: int = 0
    limit: int | None = None


class _Budget(BaseModel):
    limit: int
    remaining: int


class _Resources(BaseModel):
    graphql: _Budget


class _Limits(BaseModel):
    resources: _Resources


async def points_left(address: ApiAddress, secrets: Sequence[SecretStr]) -> list[Points]:
    """The points of every token for GraphQL; raises Unreachable when the API gives no answer that can be read."""
    tokens = [Token(number, secret) for number, secret in enumerate(secrets or [None], start=1)]
    async with httpx.AsyncClient(
        headers={"Accept": "application/vnd.github+json", "User-Agent": "outrider"},
        timeout=_SECONDS,
        follow_redirects=False,
        trust_env=not address.loopback,
    ) as client:
        return [await _ask(client, address, token) for token in tokens]


async def _ask(client: httpx.AsyncClient, address: ApiAddress, token: Token) -> Points:
    try:
        response = await client.get(address.rate_limit, auth=token)
    except httpx.HTTPError as error:  # its text and its request hold the token
        raise _unreachable(address, type(error).__name__) from None
    if response.status_code in _UNAUTHORIZED:
        return Points(token.number, accepted=False)
    if response.status_code == HTTPStatus.NOT_FOUND:  # an Enterprise server without limits
        return Points(token.number, accepted=True)
    try:
        budget = _Limits.model_validate_json(response.content).resources.graphql
    except ValidationError:
        raise _unreachable(address, f"it answers {response.status_code}") from None
    return Points(token.number, accepted=True, remaining=budget.remaining, limit=budget.limit)


def _unreachable(address: ApiAddress, why: str) -> Unreachable:
    return Unreachable(f"GitHub's API does not answer at {address.base} ({why})", hint="OUTRIDER_GITHUB_API_URL")
