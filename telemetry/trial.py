"""Whether somebody takes what this process would send: an empty delivery, by the exporters that it would use."""

import logging
from collections.abc import Callable
from enum import Enum, auto

from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.trace.export import SpanExportResult

from telemetry import export, measuring
from telemetry.switch import Target

Try = Callable[[Target], "Answer"]

_SECONDS = 2.0


class Answer(Enum):
    """What came of it."""

    TAKEN = auto()
    REFUSED = auto()
    """Somebody listens there, and does not take it."""
    SILENT = auto()
    """Nobody listens there."""
    IMPOSSIBLE = auto()
    """There is no exporter with these variables."""


def traces(target: Target) -> Answer:
    """Deliver no spans; blocks for some seconds at most."""

    def delivered() -> bool:
        exporter = export.exporter(target, _SECONDS)
        try:
            return exporter.export([]) is SpanExportResult.SUCCESS
        finally:
            exporter.shutdown()

    return _answer(target, delivered)


def metrics(target: Target) -> Answer:
    """Deliver no figures; blocks for some seconds at most."""

    def delivered() -> bool:
        exporter = measuring.exporter(target, _SECONDS)
        try:
            return exporter.export(MetricsData(resource_metrics=[])) is MetricExportResult.SUCCESS
        finally:
            exporter.shutdown()

    return _answer(target, delivered)


def _answer(target: Target, delivered: Callable[[], bool]) -> Answer:
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # the answer says it all
    if not export.listens(target.endpoint):
        return Answer.SILENT
    try:
        return Answer.TAKEN if delivered() else Answer.REFUSED
    except Exception:  # noqa: BLE001 as in `telemetry.setup`
        return Answer.IMPOSSIBLE
