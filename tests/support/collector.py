"""The real OpenTelemetry Collector with the shipped otel-collector.yaml."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import go_tools
import httpx
from free_ports import free_ports
from telemetry_part import running

CONFIGURATION = Path(__file__).parents[2] / "otel-collector.yaml"
SEEN_SECONDS = 15.0


@dataclass(frozen=True)
class Collector:
    """A running collector: where it takes OTLP, what Prometheus reads from it, and what it says about itself."""

    grpc_url: str
    http_url: str
    prometheus_url: str
    self_url: str
    pid: int
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process of ours send its telemetry here."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.grpc_url, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}

    def metrics(self) -> str:
        """What Prometheus reads now, in its text format."""
        return _page(self.prometheus_url)

    def own_metrics(self) -> str:
        """What the collector counts about itself: accepted, refused, sent, failed."""
        return _page(self.self_url)

    def wait_for_metric(self, line: str, seconds: float = SEEN_SECONDS) -> str:
        """The first sample that matches the regular expression, as soon as there is one; raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := re.search(f"(?m)^{line}.*$", self.metrics()):
                return found.group()
            time.sleep(0.1)
        raise TimeoutError(f"no {line} after {seconds} s: {self.metrics()[-2000:]}")


@contextmanager
def collector(
    place: Path, jaeger_otlp_url: str, environment: Mapping[str, str] | None = None, *, laid_over: str = ""
) -> Iterator[Collector]:
    """A collector that ends with the block; its log is `place`/collector.log. `environment` is for the shipped file.

    Start Jaeger first, or the first spans wait until the exporter tries again. `laid_over` is YAML that changes or adds
    to the shipped file: its queues and times are too large for a test to see their end.
    """
    program = go_tools.obtain(go_tools.COLLECTOR)
    grpc, http, prometheus, own, health = free_ports(5)
    variables = {
        "COLLECTOR_GRPC_PORT": str(grpc),
        "COLLECTOR_HTTP_PORT": str(http),
        "COLLECTOR_PROMETHEUS_PORT": str(prometheus),
        "COLLECTOR_SELF_PORT": str(own),
        "COLLECTOR_HEALTH_PORT": str(health),
        "COLLECTOR_SPAN_METRICS_INTERVAL": "1s",
        "JAEGER_OTLP_URL": jaeger_otlp_url,
        **(environment or {}),
    }
    log = place / "collector.log"
    command = [str(program), "--config", str(CONFIGURATION)]
    if laid_over:
        (place / "laid_over.yaml").write_text(laid_over, encoding="utf-8")
        command += ["--config", str(place / "laid_over.yaml")]
    health_page = f"http://127.0.0.1:{health}/"
    with running(command, variables, health=health_page, log=log) as process:
        yield Collector(
            grpc_url=f"http://127.0.0.1:{variables['COLLECTOR_GRPC_PORT']}",
            http_url=f"http://127.0.0.1:{variables['COLLECTOR_HTTP_PORT']}",
            prometheus_url=f"http://127.0.0.1:{prometheus}/metrics",
            self_url=f"http://127.0.0.1:{own}/metrics",
            pid=process.pid,
            log=log,
        )


def _page(url: str) -> str:
    answer = httpx.get(url, timeout=20, trust_env=False)
    answer.raise_for_status()
    return answer.text
