"""The metrics of this process on their way to the collector. Loaded only where the OTEL_* variables ask for them."""

import logging
from collections.abc import Callable

from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader, PeriodicExportingMetricReader
from opentelemetry.util.re import parse_env_headers

from telemetry import switch
from telemetry.export import DISTRIBUTION, resource
from telemetry.instruments import Instruments
from telemetry.metrics import Engine
from telemetry.switch import GRPC, HTTP, Target


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
    return Measuring(
        PeriodicExportingMetricReader(_exporter(target), switch.interval_milliseconds()), service, spans_dropped
    )


def engine(target: Target, service: str) -> Engine:
    """What an engine needs that exports figures of its own: it does not read the variables."""
    return Engine(
        url=switch.metrics_url(target),
        http=target.protocol == HTTP,
        headers=parse_env_headers(switch.metrics_headers(), liberal=True),
        every_seconds=switch.interval_milliseconds() / 1000,
        about={name: str(value) for name, value in resource(service).attributes.items() if name.startswith("service.")},
    )


def _exporter(target: Target) -> MetricExporter:
    """See `telemetry.export`."""
    if target.protocol == GRPC:
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (  # noqa: PLC0415 one of two is loaded
            OTLPMetricExporter as GrpcMetricExporter,
        )

        return GrpcMetricExporter()
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415 as above

    return OTLPMetricExporter()
