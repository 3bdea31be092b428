"""otel-collector.yaml in the real collector: a span reaches Jaeger, a metric reaches the page Prometheus reads."""

import re
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import go_tools
import pytest
import yaml
from collector import CONFIGURATION, Collector, collector
from free_ports import free_ports
from jaeger import Jaeger, jaeger
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from promql import listed_metrics

pytestmark = pytest.mark.go_tools

Configuration = dict[str, Any]

OTHER_NAMES = {"otlp": "otlpreceiver", "batch": "batchprocessor", "memory_limiter": "memorylimiterprocessor"}
OTHER_NAMES |= {"span_metrics": "spanmetricsconnector", "otlp_http": "otlphttpexporter"}
OTHER_NAMES |= {"prometheus": "prometheusexporter", "health_check": "healthcheckextension"}
SMALLER = """
exporters:
  otlp_http/jaeger:
    sending_queue: {queue_size: 1, num_consumers: 1}
    retry_on_failure: {initial_interval: 1s, max_interval: 1s, max_elapsed_time: 1s}
processors:
  batch: {timeout: 10ms}
"""
LOST = {"otelcol_exporter_send_failed_spans", "otelcol_exporter_enqueue_failed_spans"}
RULES = CONFIGURATION.parent / "deploy" / "prometheus" / "rules.yml"
KINDS = ("receivers", "processors", "connectors", "exporters", "extensions")


@pytest.fixture(scope="module")
def shipped() -> Configuration:
    read: Configuration = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    return read


def send_span(exporter: SpanExporter, service: str, name: str, **attributes: str | int) -> str:
    """Send one span by the SDK; returns its trace id as Jaeger shows it."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span(name, attributes=attributes) as span:
        trace_id = f"{span.get_span_context().trace_id:032x}"
    provider.shutdown()
    return trace_id


def validated(file: Path) -> "subprocess.CompletedProcess[str]":
    """What the collector's own check says."""
    command = [str(go_tools.obtain(go_tools.COLLECTOR)), "validate", "--config", str(file)]
    return subprocess.run(command, env={}, capture_output=True, text=True, check=False)


def metrics_above_0(page: str) -> set[str]:
    """The names of the counters of a page that have counted something."""
    return set(re.findall(r"(?m)^(\w+)(?:\{.*\})? [1-9]", page))


def grpc_spans(collector: Collector) -> SpanExporter:
    return GrpcSpans(endpoint=collector.grpc_url, insecure=True)


def http_spans(collector: Collector) -> SpanExporter:
    return HttpSpans(endpoint=f"{collector.http_url}/v1/traces")


@pytest.mark.parametrize("exporter", [grpc_spans, http_spans])
def test_a_span_reaches_jaeger(
    running_jaeger: Jaeger, running_collector: Collector, exporter: Callable[[Collector], SpanExporter]
) -> None:
    service = f"probe-{exporter.__name__}"
    attributes: dict[str, str | int] = {"campaign.id": "c-1", "stage": "enrichment", "lead.number": 42}
    trace_id = send_span(exporter(running_collector), service, "github.graphql", **attributes)

    trace = running_jaeger.wait_for(lambda shown: shown.trace(trace_id))
    [span] = trace["spans"]
    assert span["operationName"] == "github.graphql"
    assert {tag["key"]: tag["value"] for tag in span["tags"]}.items() >= attributes.items()
    found = running_jaeger.traces(service, tags='{"lead.number": "42", "campaign.id": "c-1"}')
    assert [trace["traceID"] for trace in found] == [trace_id]
    assert running_jaeger.traces(service, tags='{"lead.number": "43"}') == []


def send_metrics(collector: Collector) -> None:
    """Send a counter and a histogram by the SDK."""
    reader = PeriodicExportingMetricReader(GrpcMetrics(endpoint=collector.grpc_url, insecure=True))
    resource = Resource.create({"service.name": "probe", "service.instance.id": "worker-7"})
    provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    meter = provider.get_meter("test")
    meter.create_counter("outrider_probes").add(3, {"outcome": "ok"})
    meter.create_histogram("outrider_probe_duration", unit="s").record(0.2, {"provider": "github"})
    provider.shutdown()


def test_a_metric_reaches_the_page_that_prometheus_reads(running_collector: Collector) -> None:
    send_metrics(running_collector)
    counted = running_collector.wait_for_metric("outrider_probes_total{")
    assert counted.endswith(" 3")
    assert 'outcome="ok"' in counted
    assert 'job="probe"' in counted
    assert 'instance="worker-7"' in counted
    running_collector.wait_for_metric(r"outrider_probe_duration_seconds_bucket\{")


def test_the_page_lists_what_the_collector_says_of_itself(running_collector: Collector) -> None:
    send_span(grpc_spans(running_collector), "probe-page", "github.graphql")
    send_metrics(running_collector)
    listed = {name for name in listed_metrics() if name.startswith(("otelcol_", "traces_"))}
    assert listed >= LOST
    running_collector.wait_for_metric("traces_span_metrics_calls_total{")
    page = running_collector.metrics() + running_collector.own_metrics()
    said = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"(?m)^(\w+)\{", page)}
    assert listed - LOST - said == set()


def test_spans_are_counted_by_stage_provider_and_outcome_only(running_collector: Collector) -> None:
    attributes: dict[str, str | int] = {"stage": "sending", "tool.provider": "smtp", "outcome": "ok"}
    many: dict[str, str | int] = {"campaign.id": "c-2", "lead.number": 77, "window": "1-100", "attempt": 3}
    send_span(grpc_spans(running_collector), "probe-metrics", "smtp.transaction", **attributes, **many)

    line = running_collector.wait_for_metric('traces_span_metrics_calls_total{.*service_name="probe-metrics"')
    labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
    assert {"stage": "sending", "tool_provider": "smtp", "outcome": "ok"}.items() <= labels.items()
    assert labels["span_name"] == "smtp.transaction"
    assert not {"campaign_id", "lead_number", "window", "attempt"} & labels.keys()
    running_collector.wait_for_metric('traces_span_metrics_duration_seconds_bucket{.*tool_provider="smtp"')


def test_what_is_lost_is_counted_under_the_names_of_the_alert(tmp_path: Path) -> None:
    [nobody] = free_ports(1)
    with collector(tmp_path, f"http://127.0.0.1:{nobody}", laid_over=SMALLER) as running:
        deadline = time.monotonic() + 15
        while not metrics_above_0(running.own_metrics()) >= LOST and time.monotonic() < deadline:
            send_span(http_spans(running), "probe-lost", "github.graphql")
            time.sleep(0.02)
        assert metrics_above_0(running.own_metrics()) >= LOST
    assert all(name in RULES.read_text(encoding="utf-8") for name in LOST)


def test_spans_wait_for_a_jaeger_that_comes_later(tmp_path: Path) -> None:
    [later] = free_ports(1)
    with collector(tmp_path, f"http://127.0.0.1:{later}") as running:
        trace_id = send_span(http_spans(running), "probe-later", "model.call")
        with jaeger(tmp_path, {"JAEGER_OTLP_PORT": str(later)}) as started:
            assert started.wait_for(lambda shown: shown.trace(trace_id), seconds=30)


def test_jaeger_sends_no_traces_of_its_own(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{listening.getsockname()[1]}"}
        with jaeger(tmp_path, variables) as running:
            running.get("/api/services")
        listening.setblocking(False)  # noqa: FBT003 the library's
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_the_shipped_file_is_valid_as_it_is() -> None:
    done = validated(CONFIGURATION)
    assert done.returncode == 0, done.stderr


def test_a_file_with_an_unknown_component_is_not_valid(tmp_path: Path, shipped: Configuration) -> None:
    wrong = tmp_path / "wrong.yaml"
    with_another = shipped | {"processors": shipped["processors"] | {"tail_sampling": {}}}
    wrong.write_text(yaml.safe_dump(with_another), encoding="utf-8")
    done = validated(wrong)
    assert done.returncode != 0
    assert "tail_sampling" in done.stderr


def test_without_a_variable_everything_is_on_loopback() -> None:
    for file in (CONFIGURATION, CONFIGURATION.parent / "deploy" / "jaeger.yaml"):
        text = file.read_text(encoding="utf-8")
        hosts = re.findall(r"(?:endpoint|host): (\S+)", text)
        assert hosts
        assert [host for host in hosts if not re.search(r"_(HOST:-|URL:-http://)127\.0\.0\.1", host)] == []


def test_nothing_that_grows_with_campaigns_or_people_is_a_dimension(shipped: Configuration) -> None:
    names = [dimension["name"] for dimension in shipped["connectors"]["span_metrics"]["dimensions"]]
    assert sorted(names) == ["outcome", "stage", "tool.provider"]


def test_the_memory_limiter_comes_first_in_every_pipeline(shipped: Configuration) -> None:
    assert {pipeline["processors"][0] for pipeline in shipped["service"]["pipelines"].values()} == {"memory_limiter"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_build_has_exactly_the_components_of_the_file(shipped: Configuration, kind: str) -> None:
    manifest = yaml.safe_load((go_tools.COLLECTOR_BUILD / "builder.yaml").read_text(encoding="utf-8"))
    built = {entry["gomod"].split()[0].rpartition("/")[2] for entry in manifest[kind]}
    assert built == {OTHER_NAMES[name.partition("/")[0]] for name in shipped[kind]}


def test_every_component_of_the_file_is_used(shipped: Configuration) -> None:
    service = shipped["service"]
    parts = [name for pipeline in service["pipelines"].values() for kind in pipeline.values() for name in kind]
    assert {*parts, *service["extensions"]} == {name for kind in KINDS for name in shipped[kind]}
