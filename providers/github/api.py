"""One question to GitHub, asked until there is an answer that can be used: tokens, limits, short waits, redirects."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Generic, TypeVar

import httpx
from msgspec import DecodeError
from msgspec.json import Decoder

from domain.errors import InputError, SourceWait
from providers.github import seen
from providers.github.address import ApiAddress
from providers.github.answers import Answer, Budget, GraphError, Outcome
from providers.github.pausing import Patience, pause, slot
from providers.github.resting import LIMITED, REFUSED, Resting, not_shown
from providers.github.tokens import LONGEST, LOOK_AGAIN, Token, Tokens, utc_now
from providers.github.transport import SILENT, Transport
from providers.github.values import Cost, Instant, Shape, check_instant
from telemetry.logging import get_logger
from telemetry.metrics import watch_rate_limit
from telemetry.names import Attribute, Tool
from telemetry.tool_calls import tool_call
from telemetry.tracing import Values

IN_FLIGHT = 4
"""Requests of this process at the same time, those of all campaigns and windows together."""

PATIENCE_SECONDS = 10.0
"""Waits up to this happen here, longer ones are the caller's."""

_AFTER_TOO_BIG_SECONDS = 0.2
_JITTER_SECONDS = 5.0
_REDIRECTS = 3

_log = get_logger(__name__)


class RateLimit(Shape):
    """What a query cost and what it left."""

    cost: Cost
    limit: int
    remaining: int
    reset_at: Instant

    def __post_init__(self) -> None:
        """Raise ValueError for a time outside the calendar."""
        check_instant(self.reset_at)


class Data(Shape):
    """The `data` of an answer; every query asks for `rateLimit`."""

    rate_limit: RateLimit | None = None


D = TypeVar("D", bound=Data)


class _Envelope(Shape, Generic[D]):
    data: D | None = None


@dataclass(frozen=True, slots=True)
class Reply(Generic[D]):
    """An answer that can be used: `outcome` is OK, PARTIAL (both with data), TOO_BIG or GONE (both without)."""

    outcome: Outcome
    data: D | None
    errors: tuple[GraphError, ...]
    read_at: datetime

    @property
    def points(self) -> int:
        """What it cost."""
        return self.data.rate_limit.cost if self.data and self.data.rate_limit else 0


class GitHubApi:
    """GitHub's GraphQL endpoint, with what the process knows of its limits."""

    def __init__(self, address: ApiAddress, tokens: Tokens, patience: float = PATIENCE_SECONDS) -> None:
        """Nothing is contacted before the first question. A question waits at most `patience` seconds in all."""
        self._address = address
        self._url = address.graphql
        self._tokens = tokens
        self._patience = patience
        self._resting = Resting()
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._transport = Transport(address, IN_FLIGHT, tokens.hidden_in)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def ask(
        self,
        query: str,
        variables: Mapping[str, object],
        shape: type[D],
        share: float,
        stop: asyncio.Event | None = None,
    ) -> Reply[D]:
        """The answer to a query file, as `shape`; `share` is the percentage of each token's hour that may be spent.

        Raises SourceWait when the wait would be longer than the patience, InputError when GitHub cannot understand it,
        and SourceStopped once `stop` is set, unless the answer is on its way.
        """
        stop = stop or asyncio.Event()
        question = _Question(query, variables, share, self._url, Patience(self._patience, stop))
        while True:
            await self._may_ask(question.patience)
            async with slot(self._slots, stop):
                if self._resting.until(utc_now()) is not None:  # since it took its place in the queue
                    continue
                token = self._tokens.best(share, utc_now())
                answer = None if token is None else await self._exchange(token, question, shape)
            if isinstance(answer, Reply):
                if answer.outcome is Outcome.TOO_BIG:
                    await pause(_AFTER_TOO_BIG_SECONDS, stop)
                return answer
            if token is None or answer is None:
                await self._wait_for_points(share, question.patience)
            else:
                await self._obey(answer, token, question)

    def left(self, share: float) -> int:
        """How many points may be spent now."""
        return self._tokens.left(share, utc_now())

    def unreachable(self, why: str) -> SourceWait:
        """The wait for a GitHub that does not answer, for everybody in this process."""
        return self._resting.unreachable(why, utc_now())

    def not_shown(self, why: str) -> SourceWait:
        """The wait of whoever asks for something that GitHub cannot show in time; others are not held up."""
        return not_shown(why, utc_now())

    def _remaining(self) -> int | None:
        return self._tokens.remaining(utc_now())

    async def _obey(self, answer: Answer, token: Token, question: "_Question") -> None:
        """Do what an answer without data asks for before the question is asked again; raises what `ask` raises."""
        now = utc_now()
        match answer.outcome:
            case Outcome.PRIMARY:
                token.rest(answer.budget.resets_at if answer.budget else now + timedelta(minutes=1), now)
                _log.info("github.token_used_up", token=token.number)
            case Outcome.SECONDARY:
                self._resting.too_fast(_at(answer.retry_after, now), now)
            case Outcome.TOKEN_REFUSED:
                token.refuse(now)
                _log.warning("github.token_refused", token=token.number)
            case Outcome.MOVED:
                self._move(answer, question)
            case Outcome.INVALID:
                raise InputError(
                    f"GitHub does not understand the request: {answer.line}",
                    hint="look at the search with `outrider plan`, and at OUTRIDER_GITHUB_API_URL",
                )
            case _:
                if not await question.patience.pause():
                    raise self.unreachable(answer.line or "its answer cannot be read")

    async def _may_ask(self, patience: Patience) -> None:
        """Wait for the end of what holds for everybody; raises SourceWait when that is too long."""
        while (until := self._resting.until(utc_now())) is not None:
            if not await patience.until(until):
                raise self._resting.wait()

    async def _wait_for_points(self, share: float, patience: Patience) -> None:
        now = utc_now()
        if self._tokens.best(share, now) is not None:
            return
        if self._tokens.all_refused:
            raise SourceWait(
                "GitHub does not take OUTRIDER_GITHUB_TOKEN" if len(self._tokens) == 1 else "GitHub takes no token",
                self._tokens.again_at(now),
                REFUSED,
                hint="put a token into OUTRIDER_GITHUB_TOKEN that is not expired, may read:user and user:email, and is "
                "authorised where single sign-on asks for it; then restart the workers",
            )
        until = self._tokens.again_at(now)
        if not await patience.until(until):
            jitter = timedelta(seconds=random.uniform(0, _JITTER_SECONDS))  # noqa: S311 no secret
            raise SourceWait(f"the points of GitHub are used up ({share:g} % of the hour)", until + jitter, LIMITED)

    async def _exchange(self, token: Token, question: "_Question", shape: type[D]) -> Reply[D] | Answer:
        """One request: a reply that can be used, or the answer that came instead of it."""
        left_at = utc_now()
        about: Values = {Attribute.QUERY: question.query, Attribute.TOKEN_NUMBER: token.number}
        with tool_call(Tool.GITHUB_GRAPHQL, about) as call:
            token.begin()
            try:
                answer, body = await self._transport.post(question.url, token, question.query, question.variables)
            finally:
                token.end()
            if answer.budget is not None:
                token.learn(answer.budget, utc_now())
                # Not before: the event loop that sends has an object like this one, which asks nothing.
                watch_rate_limit("github", self._remaining)
            useful = answer.outcome in (Outcome.OK, Outcome.PARTIAL)
            reply = _read(answer, body, shape, token) if useful else None
            call.ended(*seen.ended(answer, reply.points if reply is not None else None))
        if answer is not SILENT:
            self._resting.heard()
        elif self._resting.silent(left_at, utc_now()):
            raise self.unreachable(answer.line)
        _log.debug(
            "github.graphql",
            query=question.query,
            outcome=answer.outcome.value,
            token=token.number,
            left=answer.budget.remaining if answer.budget else None,
            milliseconds=round((utc_now() - left_at).total_seconds() * 1000),
        )
        if answer.outcome in (Outcome.TOO_BIG, Outcome.GONE):
            return Reply(answer.outcome, None, (), utc_now())
        if not useful:
            return answer
        token.accept()
        if reply is not None:
            self._resting.answered(left_at)
            return reply
        if answer.outcome is Outcome.PARTIAL:  # what is left of it has no shape any more
            return Reply(Outcome.TOO_BIG, None, (), utc_now())
        return Answer(Outcome.BROKEN, "its answer cannot be read")

    def _move(self, answer: Answer, question: "_Question") -> None:
        """Ask at the new place; never at another host, which must not get the token."""
        question.moves += 1
        place = _joined(question.url, answer.location)
        if place is None or question.moves > _REDIRECTS or not self._address.same_origin(place):
            raise SourceWait(
                "GitHub's address sends us somewhere else",
                utc_now() + LOOK_AGAIN,
                REFUSED,
                hint="set OUTRIDER_GITHUB_API_URL to where its API is",
            )
        question.url = place
        if answer.permanent:
            self._url = place


@dataclass(slots=True)
class _Question:
    query: str
    variables: Mapping[str, object]
    share: float
    url: httpx.URL
    patience: Patience
    moves: int = 0


def _read(answer: Answer, body: bytes, shape: type[D], token: Token) -> Reply[D] | None:
    """None when the answer has not the shape that was asked for."""
    try:
        data = _decoder(shape).decode(body).data
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if data is None and not answer.errors:
        return None
    if data is not None and (told := data.rate_limit) is not None:
        token.learn(Budget(told.limit, told.remaining, told.reset_at), utc_now())
    return Reply(answer.outcome, data, answer.errors, utc_now())


def _joined(url: httpx.URL, location: str) -> httpx.URL | None:
    """None instead of an exception for what is no address."""
    with suppress(httpx.InvalidURL, ValueError):
        return url.join(location)
    return None


@cache
def _decoder(shape: type[D]) -> Decoder[_Envelope[D]]:
    return Decoder(_Envelope[shape])  # type: ignore[valid-type]  # made once per shape, from the shape itself


def _at(retry_after: float | datetime | None, now: datetime) -> datetime | None:
    """When to ask again, a little later than it was said; None where that is not said, or over by our clock."""
    if retry_after is None:
        return None
    at = retry_after if isinstance(retry_after, datetime) else now + timedelta(seconds=retry_after)
    if at < now:
        return None
    return min(at, now + LONGEST) + timedelta(seconds=random.uniform(0.1, 1.0))  # noqa: S311 no secret
