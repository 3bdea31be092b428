"""The primary limits per token and resource, and the secondary ones."""

import math
import time
from collections import deque
from dataclasses import dataclass

MAX_CONCURRENT = 100
SECONDARY_SECONDS = 60
_HOUR = 3_600
_PER_MINUTE = {"graphql": 2_000, "rest": 900}
_SEARCHES_PER_MINUTE = 30
_ANONYMOUS = {"core": 60, "search": 10, "graphql": 0}

ANONYMOUS = "anonymous"
"""The token of those who have none."""


@dataclass(slots=True)
class Budget:
    """What one token may still use of one resource; `reset` in epoch seconds."""

    limit: int
    used: int
    reset: int
    resource: str

    @property
    def remaining(self) -> int:
        """Points or requests left, never below zero."""
        return max(0, self.limit - self.used)

    def headers(self) -> dict[str, str]:
        """Return the x-ratelimit headers."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-used": str(self.used),
            "x-ratelimit-reset": str(self.reset),
            "x-ratelimit-resource": self.resource,
        }


class Limits:
    """All budgets; a token's window begins with its first call and lasts an hour, for searches by REST a minute."""

    def __init__(self, per_hour: int = 5_000, window_seconds: int = _HOUR, *, secondary: bool = True) -> None:
        """Allow so many points and requests in a window; without `secondary` only these count."""
        self._per_hour = per_hour
        self._window = window_seconds
        self._secondary = secondary
        self._budgets: dict[tuple[str, str], Budget] = {}
        self._minutes: dict[tuple[str, str], deque[float]] = {}
        self.in_flight = 0

    def budget(self, token: str, resource: str) -> Budget:
        """Return the budget as it is now; a window that is over begins anew."""
        now = time.time()
        budget = self._budgets.get((token, resource))
        if budget is None or budget.reset <= now:
            search = resource == "search"
            seconds = _HOUR // 60 if search else self._window
            limit = _SEARCHES_PER_MINUTE if search else self._per_hour
            allowed = _ANONYMOUS[resource] if token == ANONYMOUS else limit
            budget = Budget(allowed, 0, math.ceil(now + seconds), resource)
            self._budgets[token, resource] = budget
        return budget

    def take(self, token: str, resource: str, points: int) -> bool:
        """Charge points; when there are not so many left, False, and nothing is left."""
        budget = self.budget(token, resource)
        if points > budget.remaining:
            budget.used = budget.limit
            return False
        budget.used += points
        return True

    def secondary_wait(self, token: str, kind: str) -> int:
        """Count one call of `graphql` or `rest` and return after how many seconds to come again, 0 for welcome."""
        if not self._secondary:
            return 0
        if self.in_flight > MAX_CONCURRENT:
            return SECONDARY_SECONDS
        now = time.monotonic()
        calls = self._minutes.setdefault((token, kind), deque())
        while calls and calls[0] <= now - SECONDARY_SECONDS:
            calls.popleft()
        if len(calls) >= _PER_MINUTE[kind]:
            return math.ceil(calls[0] + SECONDARY_SECONDS - now)
        calls.append(now)
        return 0

    def everything(self, token: str) -> dict[str, Budget]:
        """Return the budgets of a token by resource, without charging."""
        return {resource: self.budget(token, resource) for resource in ("core", "search", "graphql")}
