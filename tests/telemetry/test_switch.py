"""Traces are switched on by OpenTelemetry's own variables and by nothing else, and cost nothing while they are off."""

import os
import subprocess
import sys

import pytest

from telemetry.switch import Refused, Target, interval_milliseconds, metrics, metrics_url, traces

OFF = """
import sys, threading
from telemetry.setup import set_up, shut_down
set_up("outrider-worker", measured=True)
import client.cli.entry, client.connection, worker.__main__
assert client.connection._interceptors() == []
assert client.connection.measured_runtime() is None
shut_down()
loaded = [name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))]
print(loaded, [thread.name for thread in threading.enumerate()])
"""


@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ({}, None),
        ({"OTEL_SERVICE_NAME": "mine", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, None),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:1"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, Target("http://127.0.0.1:1", "http/protobuf")),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://b/x"},
            Target("http://b/x", "http/protobuf"),
        ),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, Target("http://localhost:4318", "http/protobuf")),
        (
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            Target("http://localhost:4317", "grpc"),
        ),
        (
            {
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            },
            Target("http://localhost:4318", "http/protobuf"),
        ),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, None),
        ({"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, None),
        ({"OTEL_TRACES_EXPORTER": "jaeger"}, Refused("OTEL_TRACES_EXPORTER", "otlp, none")),
        (
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
            Refused("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf, grpc"),
        ),
        (
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
            Refused("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf, grpc"),
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            Target("127.0.0.1:4317", "grpc"),
        ),
    ],
)
def test_the_standard_variables_decide(environment: dict[str, str], asked: Target | Refused | None) -> None:
    assert traces(environment) == asked


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:banana", "http://127.0.0.1:70000", "http://", "http://[b", "ftp://127.0.0.1:4318"]
)
def test_an_address_that_is_none_is_named(endpoint: str, name: str, protocol: str) -> None:
    refused = traces({name: endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol})
    port = 4317 if protocol == "grpc" else 4318
    assert refused == Refused(name, f"an address such as http://localhost:{port}")


@pytest.mark.parametrize("endpoint", ["127.0.0.1:4318", "localhost:4318", "//localhost:4318"])
def test_over_http_an_address_says_so(endpoint: str) -> None:
    refused = Refused("OTEL_EXPORTER_OTLP_ENDPOINT", "an address such as http://localhost:4318")
    assert traces({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}) == refused
    assert metrics({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}) == refused


def test_metrics_have_variables_of_their_own() -> None:
    assert metrics({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1"}) is None
    assert metrics({"OTEL_METRICS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}) is None
    assert metrics({"OTEL_METRICS_EXPORTER": "prometheus"}) == Refused("OTEL_METRICS_EXPORTER", "otlp, none")
    assert metrics({"OTEL_METRICS_EXPORTER": "otlp"}) == Target("http://localhost:4318", "http/protobuf")


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://b:1/"}, "http://b:1/v1/metrics"),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://b:1/x"}, "http://b:1/x"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "b:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http://b:1"),
    ],
)
def test_the_engine_is_told_the_whole_address(environment: dict[str, str], url: str) -> None:
    asked = metrics(environment)
    assert isinstance(asked, Target)
    assert metrics_url(asked, environment) == url


@pytest.mark.parametrize(("given", "used"), [("500", 500.0), ("", 60_000.0), ("often", 60_000.0), ("-1", 60_000.0)])
def test_an_interval_that_is_none_ends_no_process(given: str, used: float) -> None:
    assert interval_milliseconds({"OTEL_METRIC_EXPORT_INTERVAL": given}) == used


def test_what_nobody_asked_for_is_not_even_loaded() -> None:
    ended = subprocess.run([sys.executable, "-c", OFF], capture_output=True, text=True, check=True, env={**os.environ})
    assert ended.stdout.splitlines()[-1] == "[] ['MainThread']"


def test_a_variable_that_cannot_be_obeyed_is_said_and_stops_nobody() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", OFF],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OTEL_TRACES_EXPORTER": "zipkin"},
    )
    assert "telemetry.off" in ended.stdout
    assert ended.stdout.splitlines()[-1] == "[] ['MainThread']"
