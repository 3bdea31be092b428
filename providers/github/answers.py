"""What an answer of GitHub means: a pure function of status, headers and body, which neither decides nor waits.

The signals are GitHub's own, see its pages on rate limits, on query limits and on best practices.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

_MILLISECONDS = 10**11
"""Epoch times from here on are no seconds."""
_REQUEST_ID = re.compile(r"[0-9A-Fa-f:]{1,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_SECONDARY = ("secondary rate limit", "abuse detection")
_PRIMARY = ("api rate limit exceeded", "api rate limit already exceeded")
_TOO_BIG = (
    "resource limit",
    "respond to your request in time",
    "timeout",
    "timed out",
    "something went wrong while executing your query",
)
_TOO_BIG_TYPES = {"RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED"}
_TOKEN_TYPES = {"INSUFFICIENT_SCOPES"}
_THEIR_TYPES = {"INTERNAL", "SERVICE_UNAVAILABLE"}
_UNSEEN_TYPES = {"NOT_FOUND", "FORBIDDEN"}

_REDIRECTS = {301, 302, 307, 308}
_PERMANENT = {301, 308}


class Outcome(Enum):
    """What can be done with an answer."""

    OK = "ok"
    """Data; `errors` may name parts that are not there."""
    PARTIAL = "partial"
    """Data, and parts that were left out because the request was too big."""
    PRIMARY = "primary"
    """This token's points are used up."""
    SECONDARY = "secondary"
    """Asked too much in a short time, whatever the points say."""
    TOKEN_REFUSED = "token_refused"  # noqa: S105 no token but what became of it
    TOO_BIG = "too_big"
    """Nothing came in time, a smaller request may get an answer."""
    MOVED = "moved"
    GONE = "gone"
    """It was there: renamed beyond following, blocked for legal reasons, empty."""
    INVALID = "invalid"
    """GitHub does not understand the request; it never will."""
    BROKEN = "broken"
    """GitHub's own trouble, or no answer of GitHub at all."""


class GraphError(BaseModel):
    """One entry of an answer's `errors`."""

    model_config = ConfigDict(frozen=True)

    type: str = ""
    message: str = ""
    path: tuple[str | int, ...] = ()

    @property
    def unseen(self) -> bool:
        """Whether it says for good that a part is not there for us."""
        return self.type in _UNSEEN_TYPES


@dataclass(frozen=True, slots=True)
class Budget:
    """Points of a token in the current hour."""

    limit: int
    remaining: int
    resets_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer means. `line` is what GitHub said, one line of any length; it may quote what it was sent."""

    outcome: Outcome
    line: str = ""
    errors: tuple[GraphError, ...] = ()
    budget: Budget | None = None
    retry_after: float | datetime | None = None
    """Seconds, or an instant: both forms are in use."""
    location: str = ""
    permanent: bool = False
    """It moved for good."""
    status: int = 0
    """Of HTTP; 0 = nothing was answered."""
    request_id: str = ""
    """What GitHub calls the request, "" where it says nothing that can be its name for it."""


_BY_STATUS = {
    401: Outcome.TOKEN_REFUSED,
    408: Outcome.TOO_BIG,
    409: Outcome.GONE,
    410: Outcome.GONE,
    451: Outcome.GONE,
    502: Outcome.TOO_BIG,
    504: Outcome.TOO_BIG,
}


class _Body(BaseModel):
    data: Any = None
    errors: list[GraphError] | None = None
    message: str = ""


def classify(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """What the answer means; header names in lower case, unless the mapping ignores case."""
    budget = _budget(headers)
    if status == HTTPStatus.OK and b'"data"' in body and b'"errors"' not in body:  # the usual case reads nothing twice
        return Answer(Outcome.OK, budget=budget)
    said = _read(body)
    line = _line(said)
    if status == HTTPStatus.OK:
        outcome = Outcome.BROKEN if said is None else _of_graph(said, budget)
        errors = tuple(said.errors or ()) if said else ()
        return Answer(outcome, line, errors, budget, _retry_after(headers))
    return Answer(
        _of_status(status, headers, said, budget),
        line or f"HTTP {status}",
        budget=budget,
        retry_after=_retry_after(headers),
        location=headers.get("location", "") if status in _REDIRECTS else "",
        permanent=status in _PERMANENT,
    )


def request_id(headers: Mapping[str, str]) -> str:
    """GitHub's name for a request, which its support asks for."""
    name = headers.get("x-github-request-id", "")
    return name if _REQUEST_ID.fullmatch(name) else ""


def _of_status(status: int, headers: Mapping[str, str], said: _Body | None, budget: Budget | None) -> Outcome:
    if status in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS):
        return _of_refusal(status, headers, _text(said), budget)
    if status in _REDIRECTS:
        return Outcome.MOVED if headers.get("location") else Outcome.BROKEN
    if (outcome := _BY_STATUS.get(status)) is not None:
        return outcome
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Outcome.INVALID
    return Outcome.TOO_BIG if _any(_TOO_BIG, _text(said)) else Outcome.BROKEN


def _of_refusal(status: int, headers: Mapping[str, str], text: str, budget: Budget | None) -> Outcome:
    if headers.get("x-ratelimit-remaining") == "0" or (budget is not None and budget.remaining == 0):
        return Outcome.PRIMARY
    if _any(_SECONDARY, text) or headers.get("retry-after"):
        return Outcome.SECONDARY
    if _any(_PRIMARY, text):
        return Outcome.PRIMARY
    return Outcome.SECONDARY if status == HTTPStatus.TOO_MANY_REQUESTS else Outcome.TOKEN_REFUSED


def _of_graph(said: _Body, budget: Budget | None) -> Outcome:
    errors, text = said.errors or [], _text(said)
    types = {error.type for error in errors}
    used_up = budget is not None and budget.remaining == 0
    if "RATE_LIMITED" in types or (not said.data and (used_up or _any(_PRIMARY, text))):
        return Outcome.PRIMARY  # but an answer with data that took the last point is an answer
    if _any(_SECONDARY, text):
        return Outcome.SECONDARY
    if types & _TOKEN_TYPES:
        return Outcome.TOKEN_REFUSED
    if types & _TOO_BIG_TYPES or _any(_TOO_BIG, text):
        return Outcome.PARTIAL if said.data else Outcome.TOO_BIG
    if said.data:
        return Outcome.OK if all(error.unseen for error in errors) else Outcome.PARTIAL
    return Outcome.BROKEN if types & _THEIR_TYPES or not errors else Outcome.INVALID


def _read(body: bytes) -> _Body | None:
    try:
        return _Body.model_validate_json(body)
    except ValidationError:
        return None


def _text(said: _Body | None) -> str:
    if said is None:
        return ""
    return " ".join([said.message, *(error.message for error in said.errors or ())]).strip().lower()


def _line(said: _Body | None) -> str:
    if said is None:
        return ""
    messages = [said.message, *(error.message for error in said.errors or ())]
    first = next((message for message in messages if message.strip()), "")
    return _CONTROL.sub(" ", first).strip()


def _any(signals: tuple[str, ...], text: str) -> bool:
    return any(signal in text for signal in signals)


def _budget(headers: Mapping[str, str]) -> Budget | None:
    try:
        reset = int(headers["x-ratelimit-reset"])
        return Budget(
            limit=int(headers["x-ratelimit-limit"]),
            remaining=int(headers["x-ratelimit-remaining"]),
            resets_at=datetime.fromtimestamp(reset / 1000 if reset > _MILLISECONDS else reset, UTC),
        )
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def _retry_after(headers: Mapping[str, str]) -> float | datetime | None:
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", text):
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
