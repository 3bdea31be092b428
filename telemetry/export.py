"""OpenTelemetry's SDK and its exporters: loaded only where the OTEL_* variables ask for them."""

import logging
import os
import socket
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies

from opentelemetry.context import Context
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, Tracer, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from telemetry import process
from telemetry.outbox import BATCH, Outbox
from telemetry.switch import GRPC, Target

if TYPE_CHECKING:
    import requests

DISTRIBUTION = "outrider"
_QUEUE = 8_192
"""Spans that may wait: some 15 MB, and what a busy worker makes in minutes."""
_REACH_SECONDS = 0.5
_ANSWER_BYTES = 65_536
"""What is longer, or does not say how long it is, is not read: it may have no end."""
_POLLED = "QueryWorkflow:"


class Tracing:
    """The spans of this process, from the tracer to the collector."""

    def __init__(self, exporter: SpanExporter, service: str) -> None:
        """`service` is who is seen, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise."""
        self.outbox = Outbox(exporter, _queue_size())
        self._provider = TracerProvider(resource=resource(service), shutdown_on_exit=False)
        self._provider.sampler = _WithoutPolling(self._provider.sampler)
        self._provider.add_span_processor(self.outbox)

    def tracer(self) -> Tracer:
        """What spans are made with."""
        return self._provider.get_tracer(DISTRIBUTION)

    def close(self) -> None:
        """Hand over what waits; the process is about to end."""
        self._provider.shutdown()


def start(target: Target, service: str) -> Tracing:
    """Trace this process to where the variables say."""
    # Its lines come again and again while nobody answers; the outbox says the same in one, with a number.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    return Tracing(exporter(target), service)


def leave(close: Callable[[], None], target: Target) -> None:
    """Hand over what waits; at once when nobody listens there."""
    if listens(target.endpoint):
        close()


def resource(service: str) -> Resource:
    """Who is seen: the standard variables win."""
    try:
        release = version(DISTRIBUTION)
    except PackageNotFoundError:
        release = "unknown"
    ours = {
        "service.name": service,
        "service.version": release,
        "service.instance.id": process.NAME,
    }
    return Resource.create({**ours, **OTELResourceDetector().detect().attributes})


def exporter(target: Target, timeout: float | None = None) -> SpanExporter:
    """Both read endpoint, headers, certificates and compression from the variables; `timeout` in seconds, if None."""
    if target.protocol == GRPC:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (  # noqa: PLC0415 one of two is loaded
            OTLPSpanExporter as GrpcSpanExporter,
        )

        return GrpcSpanExporter(timeout=timeout)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 as above

    return OTLPSpanExporter(timeout=timeout, session=session())


def session() -> "requests.Session":
    """What speaks HTTP to the collector.

    The exporters take a redirect for a yes, and what was sent would be gone. And they read an answer to its end, though
    they want nothing of it but its status.
    """
    import requests  # noqa: PLC0415 as above

    def look_at(response: requests.Response, **_: object) -> None:
        if 300 <= response.status_code < 400:  # noqa: PLR2004 all of HTTP's redirects
            raise requests.HTTPError(response=response)
        length = response.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _ANSWER_BYTES:
            response.raw.close()

    made = requests.Session()
    made.hooks["response"].append(look_at)
    return made


def _queue_size() -> int:
    try:
        return max(BATCH, int(os.environ["OTEL_BSP_MAX_QUEUE_SIZE"]))
    except (KeyError, ValueError):
        return _QUEUE


def listens(endpoint: str) -> bool:
    """Whether a connection can be made. Behind a proxy that says nothing, so there it is taken for granted."""
    try:
        parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
        if not getproxies() and parts.hostname:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            socket.create_connection((parts.hostname, port), _REACH_SECONDS).close()
    except (OSError, ValueError):  # ValueError: it is no address at all
        return False
    return True


class _WithoutPolling(Sampler):
    """Leaves out the questions that screens ask twice a second: a campaign that is watched would drown in them."""

    def __init__(self, sampler: Sampler) -> None:
        """`sampler` decides about everything else."""
        self._sampler = sampler

    def should_sample(  # noqa: PLR0913, PLR0917 the SDK's signature
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: "tuple[Link, ...] | list[Link] | None" = None,  # type: ignore[override]
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """See Sampler."""
        if name.startswith(_POLLED):
            state = get_current_span(parent_context).get_span_context().trace_state
            return SamplingResult(Decision.DROP, None, state)
        return self._sampler.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """See Sampler."""
        return f"WithoutPolling{{{self._sampler.get_description()}}}"
