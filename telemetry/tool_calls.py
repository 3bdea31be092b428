"""One span per tool call, and a count of it: everything that leaves this process goes through `tool_call`."""

import asyncio
import time
from collections import Counter
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from telemetry import metrics
from telemetry.names import Attribute, Outcome, Tool
from telemetry.tracing import Value, Values, about, failed, plain, tracer

_FINE = (Outcome.OK, Outcome.RETRY)
"""Outcomes that are no error: to be told to come back later is how the outside works."""

_COUNTS = {
    Outcome.OK: Attribute.MAILS_OK,
    Outcome.REFUSED: Attribute.MAILS_REFUSED,
    Outcome.RETRY: Attribute.MAILS_RETRY,
    Outcome.FAILED: Attribute.MAILS_FAILED,
    Outcome.UNKNOWN: Attribute.MAILS_UNKNOWN,
}


def tool_call(tool: Tool, values: Values | None = None) -> "ToolCall":
    """A span around one call. It is `ok` unless the block says otherwise by `ended`, or raises.

    `values` may hold ids, counts and codes only: nothing about a person, no secret, no text of somebody else.
    """
    return ToolCall(tool, values)


class ToolCall:
    """A call in hand, used as a context manager."""

    __slots__ = ("_began", "_counts", "_current", "_outcome", "_span", "_tool", "_values")

    def __init__(self, tool: Tool, values: Values | None) -> None:
        self._tool = tool
        self._values = values
        self._span: Span | None = None
        self._current: AbstractContextManager[Span] | None = None
        self._counts: Counter[Outcome] | None = None
        self._outcome = Outcome.OK
        self._began = 0.0

    def ended(self, outcome: Outcome, values: Values | None = None) -> None:
        """What became of it, and what is known of it by now."""
        self._outcome = outcome
        if self._span is not None:
            _close(self._span, outcome, values)

    def count(self, outcome: Outcome, values: Values, began_at: int) -> None:
        """One mail of a session, begun at `began_at` (ns since the epoch): a span only if it was not simply accepted.

        A span for each mail would cost half as much as the mail. The metrics count every one.
        """
        _count(Tool.SMTP_TRANSACTION, outcome, (time.time_ns() - began_at) / 1e9)
        if self._span is None:
            return
        self._counts = self._counts if self._counts is not None else Counter()
        self._counts[outcome] += 1
        if outcome is not Outcome.OK:
            _record(Tool.SMTP_TRANSACTION, outcome, began_at, values)

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        by = tracer()
        if by is not None:
            self._current = by.start_as_current_span(
                self._tool,
                kind=SpanKind.CLIENT,
                attributes=_attributes(self._tool, self._values),
                record_exception=False,
                set_status_on_exception=False,
            )
            self._span = self._current.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._outcome = Outcome.UNKNOWN if isinstance(error, asyncio.CancelledError) else Outcome.FAILED
        if self._tool is not Tool.SMTP_SESSION:  # its mails are counted one by one
            _count(self._tool, self._outcome, time.perf_counter() - self._began)
        if self._span is None or self._current is None:
            return
        if self._counts is not None:
            for outcome, count in self._counts.items():
                self._span.set_attribute(_COUNTS[outcome], count)
            self._span.set_attribute(Attribute.MAILS, self._counts.total())
        if error is not None:
            self._span.set_attribute(Attribute.OUTCOME, self._outcome)
            failed(self._span, error)
        self._current.__exit__(kind, error, trace)


def record(tool: Tool, outcome: Outcome, began_at: int, values: Values) -> None:
    """A call that is over: began at `began_at` (ns since the epoch), ended now."""
    _count(tool, outcome, (time.time_ns() - began_at) / 1e9)
    _record(tool, outcome, began_at, values)


def _record(tool: Tool, outcome: Outcome, began_at: int, values: Values) -> None:
    by = tracer()
    if by is not None:
        span = by.start_span(tool, kind=SpanKind.CLIENT, attributes=_attributes(tool, values), start_time=began_at)
        _close(span, outcome, None)
        span.end()


def _count(tool: Tool, outcome: Outcome, seconds: float) -> None:
    if metrics.measuring():
        metrics.called(tool.partition(".")[0], outcome.value, max(0.0, seconds))


def _close(span: Span, outcome: Outcome, values: Values | None) -> None:
    span.set_attribute(Attribute.OUTCOME, outcome)
    for name, value in (values or {}).items():
        span.set_attribute(name, value)
    if outcome not in _FINE:
        span.set_status(Status(StatusCode.ERROR, outcome))


def _attributes(tool: Tool, values: Values | None) -> dict[str, Value]:
    provider, _, operation = tool.partition(".")
    own = {Attribute.PROVIDER: provider, Attribute.OPERATION: operation, Attribute.OUTCOME: Outcome.OK}
    return plain({**about(), **own, **(values or {})})
