"""The metrics of this process on their way to the collector. Loaded only where the OTEL_* variables ask for them."""

import logging
from collections.abc import Callable

from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.util.re import parse_env_headers

from telemetry import switch
from telemetry.export import DISTRIBUTION, resource, session
from telemetry.instruments import Instruments
from telemetry.logging import get_logger
from telemetry.metrics import Engine
from telemetry.switch import GRPC, HTTP, Target

_log = get_logger(__name__)


class Measuring:
    """The meter of this process, and what reads it."""

    def __init__(self, reader: MetricReader, service: str, spans_dropped: Callable[[], int]) -> None:
        """`service` as in `telemetry.export.resource`."""
        # An exemplar would cost each measurement a look at its span, and nothing here shows any.
        self._provider = MeterProvider([reader], resource(service), AlwaysOffExemplarFilter(), shutdown_on_exit=False)
        self.instruments = Instruments(self._provider.get_meter(DISTRIBUTION), spans_dropped)

    def close(self) -> None:
        """Hand over the last figures; the process is about to end."""
        self._provider.shutdown()


def start(target: Target, service: str, spans_dropped: Callable[[], int]) -> Measuring:
    """Measure this process, and say so every OTEL_METRIC_EXPORT_INTERVAL milliseconds to where the variables say."""
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # as for spans: it would repeat itself
    reader = PeriodicExportingMetricReader(_Told(exporter(target)), switch.interval_milliseconds())
    return Measuring(reader, service, spans_dropped)


def engine(target: Target, service: str) -> Engine:
    """What an engine needs that exports figures of its own: it does not read the variables."""
    told = resource(service).attributes.items()
    return Engine(
        url=switch.metrics_url(target),
        http=target.protocol == HTTP,
        headers=parse_env_headers(switch.metrics_headers(), liberal=True),
        every_seconds=switch.interval_milliseconds() / 1000,
        about={name: str(value) for name, value in told if not name.startswith("telemetry.")},
    )


def exporter(target: Target, timeout: float | None = None) -> MetricExporter:
    """See `telemetry.export`."""
    if target.protocol == GRPC:
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (  # noqa: PLC0415 one of two is loaded
            OTLPMetricExporter as GrpcMetricExporter,
        )

        return GrpcMetricExporter(timeout=timeout)
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415 as above

    return OTLPMetricExporter(timeout=timeout, session=session())


class _Told(MetricExporter):
    """An exporter that says, once, that nobody takes the figures, and that somebody does again."""

    def __init__(self, exporter: MetricExporter) -> None:
        super().__init__(exporter._preferred_temporality, exporter._preferred_aggregation)  # noqa: SLF001 the reader asks the outer one for them
        self._exporter = exporter
        self._losing = False

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> MetricExportResult:
        taken = False
        try:
            result = self._exporter.export(metrics_data, timeout_millis, **kwargs)
            taken = result is MetricExportResult.SUCCESS
        finally:
            self._tell(taken=taken)
        return result

    def _tell(self, *, taken: bool) -> None:
        if taken and self._losing:
            _log.info("telemetry.metrics_taken_again")
        elif not taken and not self._losing:
            _log.warning("telemetry.metrics_lost", hint="`outrider doctor` says why")
        self._losing = not taken

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        self._exporter.shutdown(timeout_millis, **kwargs)
