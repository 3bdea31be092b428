"""Temporal's own metrics of a worker: pollers, slots, queue and execution times, by OTLP to where ours go."""

from datetime import timedelta

from temporalio.runtime import LoggingConfig, OpenTelemetryConfig, Runtime, TelemetryConfig, TelemetryFilter

from telemetry import metrics
from telemetry.logging import get_logger

_SILENT = ",temporalio_common::telemetry=off,opentelemetry=off"
"""It would write a line of its own form at every export that fails; `telemetry.measuring` says it once."""

_log = get_logger(__name__)


class _Process:
    """The one runtime of this process: each has threads and an exporter of its own."""

    runtime: Runtime | None = None


def measured_runtime() -> Runtime | None:
    """What the client runs on where metrics are asked for, None = Temporal's own default, which exports nothing."""
    engine = metrics.engine()
    if engine is None or _Process.runtime is not None:
        return _Process.runtime
    exported = OpenTelemetryConfig(
        url=engine.url,
        headers=engine.headers,
        metric_periodicity=timedelta(seconds=engine.every_seconds),
        durations_as_seconds=True,
        http=engine.http,
    )
    logged = LoggingConfig(filter=TelemetryFilter(core_level="WARN", other_level="ERROR").formatted() + _SILENT)
    try:
        _Process.runtime = Runtime(
            telemetry=TelemetryConfig(
                logging=logged, metrics=exported, global_tags=engine.about, attach_service_name=False
            )
        )
    except Exception as error:  # noqa: BLE001 no campaign stands still because nobody looks on
        metrics.name_engine(None)  # the next connection asks no more
        _log.warning(
            "telemetry.off", signal="Temporal's metrics", error_type=type(error).__name__, hint="look at OTEL_*"
        )
    return _Process.runtime
