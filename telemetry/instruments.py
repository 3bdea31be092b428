"""Our metrics as OpenTelemetry's instruments. Loaded only where the OTEL_* variables ask for metrics."""

import functools
import os
import resource
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from telemetry import metrics
from telemetry.metric_names import FORMS, Kind, Label, Metric

DURATIONS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Buckets in seconds, the same as those that the collector makes of spans."""

_COUNTED = (Metric.MAILS, Metric.TOOL_CALLS, Metric.TOKENS)
"""Kept as plain numbers until somebody exports them: an instrument's own addition costs several times as much."""

_STATM = Path("/proc/self/statm")

Observed = Callable[[], Iterable[Observation]]


class Instruments:
    """Everything in `telemetry.metric_names` that is ours to count; the rest is asked at each export."""

    def __init__(self, meter: Meter, spans_dropped: Callable[[], int]) -> None:
        """`spans_dropped` says how many spans this process has lost so far."""
        self._lock = threading.Lock()
        self._counts: dict[Metric, Counter[tuple[str, ...]]] = {metric: Counter() for metric in _COUNTED}
        observed: dict[Metric, Observed] = {
            Metric.MESSAGES: _messages,
            Metric.IN_DOUBT: _in_doubt,
            Metric.UNEXPLAINED: _unexplained,
            Metric.RATE_LIMIT: _rate_limits,
            Metric.MEMORY: lambda: [Observation(_memory())],
            Metric.CPU: lambda: [Observation(time.process_time())],
            Metric.LAG: lambda: [Observation(metrics.take_lag())],
            Metric.SPANS_DROPPED: lambda: [Observation(spans_dropped())],
        }
        for metric in _COUNTED:
            observed[metric] = functools.partial(self._read, metric)
        for metric, ask in observed.items():
            _observe(meter, metric, ask)
        took = FORMS[Metric.TOOL_CALL_DURATION]
        self._took = meter.create_histogram(
            Metric.TOOL_CALL_DURATION, took.unit, took.meaning, explicit_bucket_boundaries_advisory=DURATIONS
        )

    def add(self, metric: Metric, count: int, *labels: str) -> None:
        """Count; `labels` in the order of the metric's form."""
        with self._lock:
            self._counts[metric][labels] += count

    def called(self, provider: str, outcome: str, seconds: float) -> None:
        """Count a tool call, and how long it took."""
        self.add(Metric.TOOL_CALLS, 1, provider, outcome)
        self._took.record(seconds, {Label.PROVIDER.value: provider, Label.OUTCOME.value: outcome})

    def _read(self, metric: Metric) -> Iterable[Observation]:
        with self._lock:
            counts = list(self._counts[metric].items())
        return [Observation(count, dict(zip(FORMS[metric].labels, values, strict=True))) for values, count in counts]


def _observe(meter: Meter, metric: Metric, ask: Observed) -> None:
    def callback(_options: CallbackOptions) -> Iterable[Observation]:
        return ask()

    form = FORMS[metric]
    make = meter.create_observable_counter if form.kind is Kind.COUNTER else meter.create_observable_gauge
    make(metric, [callback], form.unit, form.meaning)


def _messages() -> Iterable[Observation]:
    known = metrics.ledger()
    return [Observation(count, {Label.STATE: state}) for state, count in known.messages.items()] if known else []


def _in_doubt() -> Iterable[Observation]:
    known = metrics.ledger()
    return [Observation(known.in_doubt)] if known else []


def _unexplained() -> Iterable[Observation]:
    known = metrics.ledger()
    return [Observation(known.unexplained)] if known else []


def _rate_limits() -> Iterable[Observation]:
    return [Observation(left, {Label.PROVIDER: provider}) for provider, left in metrics.rate_limits().items()]


def _memory() -> int:
    """Resident bytes now; where the system does not say, the most there were so far."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
