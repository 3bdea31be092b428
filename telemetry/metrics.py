"""Metrics, as far as the code that is measured sees them.

Nothing of OpenTelemetry is imported here: where nobody measures (`telemetry.setup` decides), all of it is a comparison
with None.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from telemetry.metric_names import Direction, Metric

if TYPE_CHECKING:
    from telemetry.instruments import Instruments

Remaining = Callable[[], int | None]
"""How much of a rate limit is left now, None = not known yet."""


class LedgerFigures(NamedTuple):
    """The whole ledger at one moment."""

    messages: Mapping[str, int]
    """By state."""
    in_doubt: int
    unexplained: int


class Engine(NamedTuple):
    """Where what carries the work in this process exports the figures that it keeps itself."""

    url: str
    http: bool
    """OTLP over HTTP, else over gRPC."""
    headers: Mapping[str, str]
    every_seconds: float
    about: Mapping[str, str]
    """Who is seen."""


class _Process:
    """What this process measures with, and what is asked when figures are exported."""

    instruments: "Instruments | None" = None
    engine: Engine | None = None
    ledger: LedgerFigures | None = None
    lag = 0.0


_process = _Process()
_rate_limits: dict[str, Remaining] = {}


def measure_with(instruments: "Instruments | None") -> None:
    """Measure with these from now on, None = not at all."""
    _process.instruments = instruments


def measuring() -> bool:
    """Whether anything is measured in this process."""
    return _process.instruments is not None


def name_engine(engine: Engine | None) -> None:
    """See `engine`."""
    _process.engine = engine


def engine() -> Engine | None:
    """How the engine is to export its figures, None = not at all."""
    return _process.engine


def called(provider: str, outcome: str, seconds: float) -> None:
    """A call to something outside is over."""
    if (by := _process.instruments) is not None:
        by.called(provider, outcome, seconds)


def transmitted(outcome: str) -> None:
    """A mail left, or did not: `outcome` is the state that its message is in now."""
    if (by := _process.instruments) is not None:
        by.add(Metric.MAILS, 1, outcome)


def tokens(model: str, direction: Direction, count: int) -> None:
    """A model read or wrote so many tokens. `model` is its name in the settings, of which there are few."""
    if (by := _process.instruments) is not None:
        by.add(Metric.TOKENS, count, model, direction)


def watch_rate_limit(provider: str, remaining: Remaining) -> None:
    """Have this asked whenever figures are exported; it must not wait. The last of a provider counts."""
    _rate_limits[provider] = remaining


def rate_limits() -> dict[str, int]:
    """What is left now, by provider."""
    left = {provider: remaining() for provider, remaining in _rate_limits.items()}
    return {provider: count for provider, count in left.items() if count is not None}


def count_ledger(figures: LedgerFigures | None) -> None:
    """What the ledger held when it was last asked; None = not known."""
    _process.ledger = figures


def ledger() -> LedgerFigures | None:
    """See `count_ledger`."""
    return _process.ledger


def lagged(seconds: float) -> None:
    """The event loop woke up so late."""
    _process.lag = max(_process.lag, seconds)


def take_lag() -> float:
    """The longest since this was last asked, in seconds."""
    longest, _process.lag = _process.lag, 0.0
    return longest
