"""What every call passes on its way in and out: who asks, secondary limits, faults, latency, headers."""

import asyncio
import secrets
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from sandbox.github import answers
from sandbox.github.answers import Answer
from sandbox.github.dropping import end_connection
from sandbox.github.faults import Faults, Side, Trouble
from sandbox.github.journal import Journal
from sandbox.github.limits import Budget, Limits


@dataclass(slots=True)
class Gate:
    """Shared by GraphQL and REST; `latency` in seconds is added to every answer."""

    limits: Limits
    faults: Faults
    journal: Journal
    latency: float = 0.0

    async def suffer(self, trouble: Trouble) -> None:
        """Wait as long as latency and delays say."""
        seconds = self.latency + trouble.delay
        if seconds > 0:
            await asyncio.sleep(seconds)

    def turned_away(self, token: str, side: Side) -> Answer | None:
        """Return the refusal of the secondary limits, if they refuse; counts the call for them."""
        self.journal.most_in_flight = max(self.journal.most_in_flight, self.limits.in_flight)
        wait = self.limits.secondary_wait(token, side)
        return answers.secondary(wait) if wait else None

    async def response(self, request: Request, answer: Answer, budget: Budget, trouble: Trouble) -> Response:
        """Return the HTTP answer, cut short or not at all if the trouble says so."""
        if trouble.is_a("drop"):
            await end_connection(request)
            return Response(status_code=500)
        self.journal.statuses[answer.status] += 1
        octets = answer.octets()
        if trouble.is_a("malformed"):
            octets = octets[: len(octets) // 2]
        headers = {
            **budget.headers(),
            "x-github-request-id": secrets.token_hex(8).upper(),
            **answer.headers,
        }
        return Response(octets, answer.status, headers, "application/json; charset=utf-8" if octets else None)


def token_of(request: Request) -> str:
    """Return the token of the Authorization header, empty if there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in {"bearer", "token"} else ""
