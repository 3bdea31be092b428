"""The queue of spans: bounded, its losses counted, nobody who makes spans waits for it, and nothing unsafe in it."""

import re
import threading
import time
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode
from structlog.testing import capture_logs

from telemetry.outbox import Outbox

LIMIT = 1_000


class Gate(SpanExporter):
    """Takes nothing before it is opened, and refuses it while `refuses`."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.refuses = False
        self.taken = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.opened.wait(20)
        if self.refuses:
            return SpanExportResult.FAILURE
        self.taken += len(spans)
        return SpanExportResult.SUCCESS


def make(provider: TracerProvider, count: int) -> None:
    tracer = provider.get_tracer("test")
    for _ in range(count):
        tracer.start_span("one").end()


def test_what_does_not_fit_is_counted_and_said_once() -> None:
    gate, provider = Gate(), TracerProvider(shutdown_on_exit=False)
    outbox = Outbox(gate, LIMIT)
    provider.add_span_processor(outbox)
    with capture_logs() as lines:
        began = time.perf_counter()
        make(provider, LIMIT + 500)
        assert time.perf_counter() - began < 5, "whoever makes spans does not wait for the collector"
        assert outbox.lost == 500
        gate.opened.set()
        provider.shutdown()
    assert gate.taken == LIMIT
    assert [line["event"] for line in lines] == ["telemetry.spans_lost", "telemetry.spans_taken_again"]
    assert lines[-1]["lost"] == 500


def test_what_the_collector_refuses_is_lost_and_counted() -> None:
    gate, provider = Gate(), TracerProvider(shutdown_on_exit=False)
    gate.refuses = True
    gate.opened.set()
    outbox = Outbox(gate, LIMIT)
    provider.add_span_processor(outbox)
    make(provider, 30)
    provider.force_flush()
    assert outbox.lost == 30
    gate.refuses = False
    make(provider, 10)
    provider.shutdown()
    assert (gate.taken, outbox.lost) == (10, 30)


@pytest.mark.parametrize("text", ["kim@example.com", "token ghp_sentinel"])
def test_an_error_is_told_by_its_type_only(text: str) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    outbox = Outbox(exporter, LIMIT)
    provider.add_span_processor(outbox)
    with pytest.raises(ValueError, match=re.escape(text)), provider.get_tracer("test").start_as_current_span("it"):
        raise ValueError(text)
    outbox.force_flush()
    provider.shutdown()
    (span,) = exporter.get_finished_spans()
    assert text not in span.to_json()
    assert span.status.description == "ValueError"
    assert [dict(event.attributes or {}) for event in span.events] == [{"exception.type": "ValueError"}]


@pytest.mark.parametrize(("description", "told"), [("ValueError: kim@example.com", "ValueError"), ("kim wrote", None)])
def test_an_error_whose_event_was_left_out_is_told_by_its_type_only(description: str, told: str | None) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False, span_limits=SpanLimits(max_events=0))
    provider.add_span_processor(Outbox(exporter, LIMIT))
    with provider.get_tracer("test").start_as_current_span("it") as span:
        span.record_exception(ValueError("kim"))
        span.set_status(Status(StatusCode.ERROR, description))
    provider.force_flush()
    provider.shutdown()
    (seen,) = exporter.get_finished_spans()
    assert "kim" not in seen.to_json()
    assert seen.status.description == told
