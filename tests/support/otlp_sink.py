"""Something that listens where a collector would: it takes spans and metrics, late or never, as a test says."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ResourceMetrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans


class OtlpSink:
    """Takes OTLP over HTTP on a port of its own, each batch after `delay` seconds, and answers with `status`.

    With `answers` it says so many times 64 KiB more, and `answered` is how much of that was taken, in bytes.
    """

    def __init__(self) -> None:
        self.delay = 0.0
        self.status = 200
        self.answers = 0
        self.answered = 0
        self.taken: list[ResourceSpans] = []
        self.measured: list[ResourceMetrics] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(sink.delay)
                if self.path.endswith("/metrics"):
                    sink.measured += ExportMetricsServiceRequest.FromString(body).resource_metrics
                else:
                    sink.taken += ExportTraceServiceRequest.FromString(body).resource_spans
                self.send_response(sink.status)
                self.send_header("Location", f"{sink.url}/elsewhere")
                if not sink.answers:
                    self.send_header("Content-Length", "0")
                self.end_headers()
                with suppress(OSError):
                    for _ in range(sink.answers):
                        sink.answered += self.wfile.write(b"x" * 65_536)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def names(self) -> list[str]:
        """Of all spans that it was given."""
        return [span.name for one in self.taken for scope in one.scope_spans for span in scope.spans]

    def text(self) -> str:
        """All that it was given, as text."""
        return "\n".join(map(str, [*self.taken, *self.measured]))

    def metrics(self) -> dict[str, Metric]:
        """Each metric as it was exported last."""
        return {metric.name: metric for one in self.measured for scope in one.scope_metrics for metric in scope.metrics}

    def traces(self) -> dict[str, set[str]]:
        """The names of the spans of each service, as `service span`, by trace."""
        found: dict[str, set[str]] = {}
        for one in self.taken:
            service = _service(one)
            for span in (span for scope in one.scope_spans for span in scope.spans):
                found.setdefault(span.trace_id.hex(), set()).add(f"{service} {span.name}")
        return found

    def instances(self) -> set[str]:
        """Whose the metrics are, of all that were started."""
        return {_said(one.resource, "service.instance.id") for one in self.measured}

    def services(self) -> set[str]:
        """Whose they are."""
        return {_service(one) for one in self.taken}


def _service(spans: ResourceSpans) -> str:
    return _said(spans.resource, "service.name")


def _said(resource: Resource, name: str) -> str:
    return next(one.value.string_value for one in resource.attributes if one.key == name)


@contextmanager
def otlp_sink() -> Iterator[OtlpSink]:
    """Listens while the block runs."""
    sink = OtlpSink()
    thread = threading.Thread(target=sink.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        sink.server.shutdown()
        sink.server.server_close()
        thread.join()
