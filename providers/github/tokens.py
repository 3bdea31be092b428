"""Tokens and their points: who is asked next, and when somebody can be asked again."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
from pydantic import SecretStr

from providers.github.answers import Budget

_POINTS_PER_HOUR = 5_000
"""What a token has until an answer says otherwise."""

_WHOLE = 100.0
"""Per cent of the points."""

_ONE_WINDOW = timedelta(seconds=60)
"""Two answers whose resets are closer than this speak of the same hour."""

_CLOCKS_APART = timedelta(seconds=5)
"""Clocks of two machines are this close, and seconds are rounded."""

LONGEST = timedelta(hours=1, minutes=5)
"""No limit of GitHub lasts longer; a wrong clock must not make it a day."""

LOOK_AGAIN = timedelta(minutes=15)
"""After how long a refused token is tried again: somebody may have authorised it."""


class Token(httpx.Auth):
    """One token. It shows itself to the one host it is for, and to nobody else: not in texts, not in errors."""

    def __init__(self, number: int, secret: SecretStr | None) -> None:
        """`number` is how people hear of it; without `secret` requests are anonymous."""
        self.number = number
        self._secret = secret
        self._budget: Budget | None = None
        self._in_flight = 0
        self._rests_until: datetime | None = None
        self.refused = False

    def __repr__(self) -> str:
        return f"<token {self.number}>"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """See httpx.Auth."""
        if self._secret is not None:
            request.headers["Authorization"] = f"Bearer {self._secret.get_secret_value()}"
        yield request

    def left(self, share: float, now: datetime) -> int:
        """Points that may still be spent this hour when `share` per cent of it are ours; 0 while it rests."""
        if self._rests_until is not None and now < self._rests_until:
            return 0
        budget = self._budget
        limit = budget.limit if budget else _POINTS_PER_HOUR
        remaining = budget.remaining if budget and now < budget.resets_at else limit
        return max(0, remaining - self._in_flight - (limit - max(1, int(limit * share / 100))))

    @property
    def told(self) -> bool:
        """Whether an answer has said how many it has."""
        return self._budget is not None

    def again_at(self, now: datetime) -> datetime:
        """When it can be asked again, for one with nothing left."""
        if self._rests_until is not None and now < self._rests_until:
            return self._rests_until
        return _bounded(self._budget.resets_at, now) if self._budget else now + _ONE_WINDOW

    def begin(self) -> None:
        """A request leaves."""
        self._in_flight += 1

    def end(self) -> None:
        """Its answer came, or never will."""
        self._in_flight -= 1

    def learn(self, budget: Budget, now: datetime) -> None:
        """What an answer said of its points. Answers overtake each other: of one hour, the least counts."""
        known = self._budget
        budget = replace(budget, resets_at=_to_come(budget.resets_at, now))
        later = timedelta(0) if known is None else budget.resets_at - known.resets_at
        if known is None or later > _ONE_WINDOW or (later >= -_ONE_WINDOW and budget.remaining < known.remaining):
            self._budget = budget

    def rest(self, until: datetime, now: datetime) -> None:
        """Ask nothing with it before `until`."""
        self._rests_until = _bounded(_to_come(until, now), now)

    def refuse(self, now: datetime) -> None:
        """GitHub does not take it."""
        self.refused = True
        self._rests_until = now + LOOK_AGAIN

    def accept(self) -> None:
        """GitHub took it."""
        self.refused = False


class Tokens:
    """All tokens of the process."""

    def __init__(self, secrets: Sequence[SecretStr]) -> None:
        """No secret = anonymous requests, which only a local GitHub answers."""
        self._tokens = [Token(number, secret) for number, secret in enumerate(secrets or [None], start=1)]
        self._secrets = list(secrets)

    def __len__(self) -> int:
        return len(self._tokens)

    def hidden_in(self, text: str) -> str:
        """`text` without any of them: what GitHub says may come to stand in an error."""
        texts = (secret.get_secret_value() for secret in self._secrets)
        for secret in sorted(texts, key=len, reverse=True):  # one may be the beginning of another
            text = text.replace(secret, "...")
        return text

    def best(self, share: float, now: datetime) -> Token | None:
        """The token with most points left, None when none has any."""
        best = max(self._tokens, key=lambda token: token.left(share, now))
        return best if best.left(share, now) else None

    def left(self, share: float, now: datetime) -> int:
        """Points of all of them that may still be spent this hour."""
        return sum(token.left(share, now) for token in self._tokens)

    def again_at(self, now: datetime) -> datetime:
        """When the first of them can be asked again; those that GitHub takes come before those it refuses."""
        taken = [token for token in self._tokens if not token.refused]
        return min(token.again_at(now) for token in taken or self._tokens)

    def remaining(self, now: datetime) -> int | None:
        """Points that all of them have left together; None before any answer."""
        told = [token for token in self._tokens if token.told]
        return sum(token.left(_WHOLE, now) for token in told) if told else None

    @property
    def all_refused(self) -> bool:
        """Whether GitHub takes none of them."""
        return all(token.refused for token in self._tokens)


def _to_come(reset: datetime, now: datetime) -> datetime:
    """When points come back; that they came back long ago is said by one of two clocks that is wrong."""
    return reset if reset > now - _CLOCKS_APART else now + _ONE_WINDOW


def _bounded(until: datetime, now: datetime) -> datetime:
    return min(max(until, now + timedelta(seconds=1)), now + LONGEST)


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)
