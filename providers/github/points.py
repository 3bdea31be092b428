"""Whether GitHub can be reached, and how many points each token has left. Looking costs none of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

import httpx
from pydantic import BaseModel, SecretStr, ValidationError

from domain.errors import Unreachable
from providers.github.address import ApiAddress
from providers.github.tokens import Token
from telemetry.names import Attribute, Outcome, Tool
from telemetry.tool_calls import tool_call
from telemetry.tracing import Value

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
    with tool_call(Tool.GITHUB_RATE_LIMIT, {Attribute.TOKEN_NUMBER: token.number}) as call:
        try:
            response = await client.get(address.rate_limit, auth=token)
        except httpx.HTTPError as error:  # its text and its request hold the token
            raise _unreachable(address, type(error).__name__) from None
        points = _read(response, token.number)
        call.ended(*_ended(response.status_code, points))
    if points is None:
        raise _unreachable(address, f"it answers {response.status_code}")
    return points


def _read(response: httpx.Response, number: int) -> Points | None:
    """None when the answer cannot be read."""
    if response.status_code in _UNAUTHORIZED:
        return Points(number, accepted=False)
    if response.status_code == HTTPStatus.NOT_FOUND:  # an Enterprise server without limits
        return Points(number, accepted=True)
    try:
        budget = _Limits.model_validate_json(response.content).resources.graphql
    except ValidationError:
        return None
    return Points(number, accepted=True, remaining=budget.remaining, limit=budget.limit)


def _ended(status: int, points: Points | None) -> tuple[Outcome, dict[Attribute, Value]]:
    """What a trace shows of it."""
    known: dict[Attribute, Value] = {Attribute.HTTP_STATUS: status}
    if points is None:
        return Outcome.FAILED, known
    if points.limit is not None:
        known[Attribute.POINTS_LEFT] = points.remaining
    return Outcome.OK if points.accepted else Outcome.REFUSED, known


def _unreachable(address: ApiAddress, why: str) -> Unreachable:
    return Unreachable(f"GitHub's API does not answer at {address.base} ({why})", hint="OUTRIDER_GITHUB_API_URL")
