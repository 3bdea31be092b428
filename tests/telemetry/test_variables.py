"""OpenTelemetry's variables, mistyped: one clear line for each, no process ends for one, and no secret is said."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest
from local_world import free_port
from otlp_sink import otlp_sink

from telemetry.switch import GRPC, HTTP, Refused, metrics, traces
from telemetry.variables import tidy_up

PROCESS = """
import sys
from client.engine_metrics import measured_runtime
from client.exit import leave
from telemetry.logging import configure
from telemetry.names import Tool
from telemetry.setup import set_up
from telemetry.tool_calls import tool_call
configure("INFO")
set_up("outrider-tests", measured=True)
measured_runtime()
with tool_call(Tool.LEDGER_CLAIM):
    pass
leave(0)
"""
WRONG = {
    "OTEL_SDK_DISABLED": ("yes", "1"),
    "OTEL_EXPORTER_OTLP_TIMEOUT": ("10s", "-1", "0", "nan", "inf"),
    "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": ("soon",),
    "OTEL_EXPORTER_OTLP_COMPRESSION": ("zip",),
    "OTEL_EXPORTER_OTLP_CERTIFICATE": ("/nowhere/ca.pem", "."),
    "OTEL_EXPORTER_OTLP_HEADERS": ("sentinel", "a=sentinel;", 'a="sentinel"', "a=sentinel%0d%0ab: c", "kä=sentinel"),
    "OTEL_RESOURCE_ATTRIBUTES": ("nonsense", "a=b,c", "=x", "a=\x07"),
    "OTEL_SERVICE_NAME": ("a\x1b[2Jb", "\udcff"),
    "OTEL_TRACES_SAMPLER": ("sometimes",),
    "OTEL_TRACES_SAMPLER_ARG": ("half", "-1", "2", "nan"),
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": ("-1", "many", "1e3"),
    "OTEL_SPAN_EVENT_COUNT_LIMIT": ("-1",),
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": ("-1", "9" * 30),
    "OTEL_BSP_MAX_QUEUE_SIZE": ("-5", "9" * 30, "some"),
    "OTEL_METRIC_EXPORT_INTERVAL": ("often", "-1", "0.0001", "1e300", "nan"),
    "OTEL_METRIC_EXPORT_TIMEOUT": ("long",),
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": ("deltas",),
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": ("buckets",),
}
RIGHT = {
    "OTEL_SDK_DISABLED": "False",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "2.5",
    "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    "OTEL_EXPORTER_OTLP_CERTIFICATE": __file__,
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20a-b.c==,x-tenant=a b",
    "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=a b,deployment.environment=,k=%C3%A4=;",
    "OTEL_SERVICE_NAME": "Zoë's worker",
    "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
    "OTEL_TRACES_SAMPLER_ARG": "0.25",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "0",
    "OTEL_BSP_MAX_QUEUE_SIZE": "2048",
    "OTEL_METRIC_EXPORT_INTERVAL": "100",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "Cumulative",
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "explicit_bucket_histogram",
    "PATH": " anything ",
}


def run(environment: Mapping[str, str]) -> str:
    """All that a process says that is told so."""
    ended = subprocess.run(
        [sys.executable, "-c", PROCESS],
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
        env={**os.environ, **environment},
    )
    return ended.stdout + ended.stderr


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_what_is_no_value_is_left_out(name: str, value: str) -> None:
    environment = {**RIGHT, name: value}
    (found,) = tidy_up(environment)
    assert found.variable == name
    assert found.expected
    assert name not in environment


def test_what_is_one_stays() -> None:
    environment = {**RIGHT, "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": " ", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": " a=b\n"}
    assert tidy_up(environment) == []
    assert environment == {**RIGHT, "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "a=b"}


@contextmanager
def place(protocol: str) -> Iterator[tuple[dict[str, str], Callable[[], bool]]]:
    """What leads to a collector, and whether it got what the process did; over gRPC nobody listens."""
    with otlp_sink() as sink:
        url = sink.url if protocol == HTTP else f"http://127.0.0.1:{free_port()}"
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
        yield told, lambda: protocol != HTTP or sink.names() == ["ledger.claim"]


@pytest.mark.parametrize("protocol", [HTTP, GRPC])
@pytest.mark.parametrize("number", [0, 1])
def test_whatever_is_typed_is_one_line_each_and_ends_no_process(protocol: str, number: int) -> None:
    wrong = {name: values[number] for name, values in WRONG.items() if number < len(values)}
    with place(protocol) as (told, arrived):
        log = run({**told, **wrong})
        assert arrived()
    lines = [line for line in log.splitlines() if "_lost" not in line]
    assert sorted(re.findall(r"OTEL_\w+", "\n".join(lines))) == sorted(wrong)
    assert all("telemetry.ignored" in line for line in lines)
    assert len(lines) == len(wrong)
    assert "sentinel" not in log


@pytest.mark.parametrize("protocol", [HTTP, GRPC])
def test_what_is_set_to_nothing_is_not_set(protocol: str) -> None:
    with place(protocol) as (told, arrived):
        log = run({**dict.fromkeys(WRONG, ""), **told})
        assert arrived()
    assert [line for line in log.splitlines() if "_lost" not in line] == []


def test_a_variable_that_nobody_knows_here_switches_off_what_it_breaks_and_no_more() -> None:
    with otlp_sink() as sink:
        log = run(
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
                "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER": "nobody",
                "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "nobody",
            }
        )
        assert "Traceback" not in log
        assert "outrider_tool_calls_total" in sink.metrics()


@pytest.mark.parametrize(
    ("protocol", "endpoint"),
    [
        ("http/protobuf", "127.0.0.1:4318"),
        ("http/protobuf", "localhost"),
        ("http/protobuf", "htp://127.0.0.1:4318"),
        ("http/protobuf", "http://"),
        ("http/protobuf", "http://:4318"),
        ("http/protobuf", "http://127.0.0.1:99999"),
        ("http/protobuf", "http://127.0.0.1:port"),
        ("http/protobuf", "http://[::1"),
        ("http/protobuf", "http://a b"),
        ("http/protobuf", "http://a\x07b"),
        ("grpc", "http://me:sentinel@127.0.0.1:4317"),
        ("grpc", "tcp://127.0.0.1:4317"),
        ("grpc", "127.0.0.1:99999"),
    ],
)
def test_an_endpoint_that_is_no_address_is_said_and_switches_off(protocol: str, endpoint: str) -> None:
    told = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": protocol}
    asked = traces(told)
    assert isinstance(asked, Refused)
    assert asked.variable == "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    assert "sentinel" not in asked.expected
    assert metrics({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}) == Refused(
        "OTEL_EXPORTER_OTLP_ENDPOINT", asked.expected
    )


def test_one_mistake_is_one_line_for_all_that_it_switches_off() -> None:
    for wrong in ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http"}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "htp://me:sentinel@host"}):
        log = run({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", **wrong})
        (line,) = log.splitlines()
        assert "telemetry.off" in line
        assert next(iter(wrong)) in line
        assert "sentinel" not in line
