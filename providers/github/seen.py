"""What a trace shows of a request to GitHub: codes and counts, never a line of what it said."""

from datetime import datetime

from providers.github.answers import Answer, Outcome
from providers.github.tokens import utc_now
from telemetry.names import Attribute
from telemetry.names import Outcome as Ended
from telemetry.tracing import Value

_ENDED = {
    Outcome.OK: Ended.OK,
    Outcome.PARTIAL: Ended.OK,
    Outcome.GONE: Ended.OK,
    Outcome.PRIMARY: Ended.RETRY,
    Outcome.SECONDARY: Ended.RETRY,
    Outcome.TOO_BIG: Ended.RETRY,
    Outcome.MOVED: Ended.RETRY,
    Outcome.TOKEN_REFUSED: Ended.REFUSED,
    Outcome.INVALID: Ended.REFUSED,
    Outcome.BROKEN: Ended.FAILED,
}


def ended(answer: Answer, points: int | None) -> tuple[Ended, dict[Attribute, Value]]:
    """How the request ended and what is known of it; `points` = what it cost, None = its answer cannot be read."""
    unreadable = points is None and answer.outcome is Outcome.OK
    known: dict[Attribute, Value | None] = {
        Attribute.GITHUB_ANSWER: answer.outcome.value,
        Attribute.HTTP_STATUS: answer.status or None,
        Attribute.REQUEST_ID: answer.request_id or None,
        Attribute.POINTS: points,
        Attribute.POINTS_LEFT: answer.budget.remaining if answer.budget else None,
        Attribute.RETRY_AFTER: _seconds(answer.retry_after),
    }
    values = {name: value for name, value in known.items() if value is not None}
    return Ended.FAILED if unreadable else _ENDED[answer.outcome], values


def _seconds(retry_after: float | datetime | None) -> float | None:
    if isinstance(retry_after, datetime):
        return max(0.0, round((retry_after - utc_now()).total_seconds(), 3))
    return retry_after
