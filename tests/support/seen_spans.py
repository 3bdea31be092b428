"""The spans of this process: what would go to a collector, kept in memory and drawn as trees."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from telemetry import tracing
from telemetry.export import Tracing


class SeenSpans:
    """Spans that have ended."""

    def __init__(self, exporter: InMemorySpanExporter, traced: Tracing) -> None:
        self._exporter = exporter
        self._traced = traced

    def all(self) -> Sequence[ReadableSpan]:
        """In the order of their starts."""
        self._traced.outbox.force_flush()
        return sorted(self._exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    def named(self, name: str) -> list[ReadableSpan]:
        """Those of this name."""
        return [span for span in self.all() if span.name == name]

    def texts(self) -> str:
        """Everything that spans say, in the form in which nothing can hide."""
        return "\n".join(span.to_json() for span in self.all())

    def trees(self) -> dict[int, list[str]]:
        """Each trace as lines, children indented under their parents, siblings by their names."""
        traces: dict[int, list[ReadableSpan]] = {}
        for span in self.all():
            traces.setdefault(of(span).trace_id, []).append(span)
        return {trace_id: _drawn(spans) for trace_id, spans in traces.items()}


@contextmanager
def seen_spans() -> Iterator[SeenSpans]:
    """Trace this process while the block runs."""
    exporter = InMemorySpanExporter()
    traced = Tracing(exporter, "outrider-tests")
    tracing.trace_with(traced.tracer())
    try:
        yield SeenSpans(exporter, traced)
    finally:
        tracing.trace_with(None)
        traced.close()


def of(span: ReadableSpan) -> Any:  # noqa: ANN401 the SDK's type is Optional, of a span that has ended it never is
    """Where a span is."""
    return span.context


def said(span: ReadableSpan) -> dict[str, Any]:
    """Its attributes."""
    return dict(span.attributes or {})


def _drawn(spans: Sequence[ReadableSpan]) -> list[str]:
    ids = {of(span).span_id for span in spans}
    lines: list[str] = []

    def draw(parent: int | None, depth: int) -> None:
        children = [
            span
            for span in spans
            if (span.parent.span_id if span.parent and span.parent.span_id in ids else None) == parent
        ]
        for span in sorted(children, key=lambda one: one.name):
            lines.append("  " * depth + span.name)
            draw(of(span).span_id, depth + 1)

    draw(None, 0)
    return lines
