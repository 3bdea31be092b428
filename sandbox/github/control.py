"""What GitHub does not have: faults on demand, what was asked, and the truth."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.github.faults import RULES, Faults
from sandbox.github.journal import Journal
from sandbox.github.population import Population
from sandbox.github.truth import DEFAULT_DAYS, Wanted, truth

_NUMBER = re.compile(r"\d{1,9}")
_PARAMETERS = ("language", "topic", "stars_min", "stars_max", "active_within_days", "as_of")


class BadParameterError(ValueError):
    """A parameter has no usable value; the message names it."""


class Control:
    """The routes for tests: `/faults`, `/requests`, `/truth`, `/healthz`."""

    def __init__(self, population: Population, faults: Faults, journal: Journal) -> None:
        """Speak for these parts."""
        self._population = population
        self._faults = faults
        self._journal = journal

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        return [
            Route("/faults", self.faults, methods=["GET"]),
            Route("/faults", self.replace_faults, methods=["POST", "PUT"]),
            Route("/faults", self.forget_faults, methods=["DELETE"]),
            Route("/requests", self.requests, methods=["GET"]),
            Route("/requests", self.forget_requests, methods=["DELETE"]),
            Route("/requests/all", self.all_requests, methods=["GET"]),
            Route("/truth", self.truth, methods=["GET"]),
            Route("/healthz", self.health, methods=["GET"]),
        ]

    async def faults(self, _request: Request) -> Response:
        """Return the rules in force with their counters."""
        return JSONResponse(self._faults.report())

    async def replace_faults(self, request: Request) -> Response:
        """Put the rules of the body in force instead of the ones before; 422 with one line per mistake."""
        try:
            rules = RULES.validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"errors": [_line(dict(mistake)) for mistake in error.errors()]}, status_code=422)
        self._faults.replace(rules)
        return JSONResponse(self._faults.report())

    async def forget_faults(self, _request: Request) -> Response:
        """Drop all rules."""
        self._faults.replace([])
        return Response(status_code=204)

    async def requests(self, _request: Request) -> Response:
        """Return what was asked since the last DELETE: sums, and what was asked or answered more than once."""
        return JSONResponse(self._journal.report())

    async def all_requests(self, _request: Request) -> Response:
        """Return every different call with how often it was asked and answered."""
        return JSONResponse(self._journal.rows())

    async def forget_requests(self, _request: Request) -> Response:
        """Forget what was asked; budgets stay as they are."""
        self._journal.clear()
        return Response(status_code=204)

    async def truth(self, request: Request) -> Response:
        """Return who should be found; 422 if a parameter is unknown or has no usable value."""
        try:
            wanted = wanted_of(request.query_params)
        except BadParameterError as error:
            return JSONResponse({"errors": [str(error)]}, status_code=422)
        return JSONResponse(truth(self._population, wanted))

    async def health(self, _request: Request) -> Response:
        """Answer while the process is alive."""
        return JSONResponse({"status": "ok", "as_of": self._population.as_of.isoformat()})


def wanted_of(query: Mapping[str, str]) -> Wanted:
    """Read the parameters of the truth table. Raises BadParameterError."""
    unknown = sorted(set(query) - set(_PARAMETERS))
    if unknown:
        raise BadParameterError(f"{unknown[0]}: not known; use {', '.join(_PARAMETERS)}")
    return Wanted(
        language=query.get("language") or None,
        topic=query.get("topic") or None,
        stars_min=_whole(query, "stars_min") or 0,
        stars_max=_whole(query, "stars_max"),
        active_within_days=_whole(query, "active_within_days") or DEFAULT_DAYS,
        as_of=_moment(query, "as_of"),
    )


def _whole(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name, "")
    if text and not _NUMBER.fullmatch(text):
        raise BadParameterError(f"{name}: {text!r} is not a whole number; use 0 or more")
    return int(text) if text else None


def _moment(query: Mapping[str, str], name: str) -> datetime | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadParameterError(f"{name}: {text!r} is not an ISO 8601 date-time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _line(mistake: dict[str, object]) -> str:
    """Return a mistake as `rule 2: seconds: missing; …`, counting rules from 1."""
    location = mistake["loc"]
    place = list(location) if isinstance(location, tuple) else []
    names = [f"rule {step + 1}" if isinstance(step, int) else str(step) for step in place]
    return ": ".join([*names, str(mistake["msg"]).removeprefix("Value error, ")])
