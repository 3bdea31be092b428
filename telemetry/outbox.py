"""Spans on their way to the collector: a bounded queue whose losses are counted, and nothing unsafe in it."""

import re
import threading
from collections.abc import Sequence

from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status

from telemetry.logging import get_logger

BATCH = 512
EVERY_MILLISECONDS = 1_000.0

_TYPE = "exception.type"
_KIND = re.compile(r"([A-Za-z_]\w{0,63})(:|$)")
"""How a description begins that is made of an error: `ValueError: and what it says`."""

_log = get_logger(__name__)


class Outbox(SpanProcessor):
    """At most `limit` spans wait. What does not fit, or is not taken in time, is lost, and `lost` says how many."""

    def __init__(self, exporter: SpanExporter, limit: int) -> None:
        """`exporter` is called in a thread of its own."""
        self.lost = 0
        self._limit = limit
        self._waiting = 0
        self._losing = False
        self._lock = threading.Lock()
        self._batches = BatchSpanProcessor(
            _Told(exporter, self), limit, EVERY_MILLISECONDS, min(BATCH, limit), export_timeout_millis=None
        )

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span, or count it as lost: whoever ends one never waits."""
        if span.context is None or not span.context.trace_flags.sampled:
            return
        with self._lock:
            full = self._waiting >= self._limit
            if not full:
                self._waiting += 1
        if full:
            self._lose(1)
        else:
            self._batches.on_end(safe(span))

    def handed_over(self, count: int, *, taken: bool) -> None:
        """So many spans have left the queue; the collector has taken them or not."""
        with self._lock:
            self._waiting -= count
        if not taken:
            self._lose(count)
        elif self._losing:
            self._losing = False
            _log.info("telemetry.spans_taken_again", lost=self.lost)

    def shutdown(self) -> None:
        """Hand over what waits. This may take as long as the exporter does."""
        self._batches.shutdown()  # type: ignore[no-untyped-call]  # the SDK's

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Hand over what waits."""
        return self._batches.force_flush(timeout_millis)

    def _lose(self, count: int) -> None:
        with self._lock:
            self.lost += count
            first, self._losing = not self._losing, True
        if first:
            _log.warning("telemetry.spans_lost", lost=self.lost, hint="`outrider doctor` says why")


class _Told(SpanExporter):
    """An exporter that says what became of each batch."""

    def __init__(self, exporter: SpanExporter, outbox: Outbox) -> None:
        self._exporter = exporter
        self._outbox = outbox

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        taken = False
        try:
            result = self._exporter.export(spans)
            taken = result is SpanExportResult.SUCCESS
        finally:
            self._outbox.handed_over(len(spans), taken=taken)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def safe(span: ReadableSpan) -> ReadableSpan:
    """The span with errors by their type only: Temporal's spans quote messages, which may quote people."""
    if not span.events and (span.status.description or "_").isidentifier():
        return span
    types = [str(event.attributes[_TYPE]) for event in span.events if event.attributes and _TYPE in event.attributes]
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=[Event("exception", {_TYPE: kind}, span.end_time) for kind in types],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code, _told(span, types)),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _told(span: ReadableSpan, types: Sequence[str]) -> str | None:
    """The type of the error that a span ended with; the SDK's limits may have left its event out."""
    if span.status.is_ok:
        return None
    kind = _KIND.match(span.status.description or "")
    return types[-1] if types else kind[1] if kind else None
