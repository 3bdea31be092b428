"""A process ends in bounded time, whatever the collector does, and what was seen until then is handed over."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping

import pytest
from local_world import free_port
from otlp_sink import otlp_sink

PROCESS = """
import sys, time
from client.exit import leave
from telemetry.logging import configure
from telemetry.names import Tool
from telemetry.setup import set_up
from telemetry.tool_calls import tool_call
configure("INFO")
set_up("outrider-cli", measured=True)
for _ in range(int(sys.argv[1])):
    with tool_call(Tool.LEDGER_CLAIM):
        pass
time.sleep(float(sys.argv[2]))
sys.stdout.write(f"leaving {time.time()}\\n")
leave(0)
"""
LONGEST_SECONDS = 3.0
NOTICEABLE_SECONDS = 0.7
"""Of the end of a Python process with a few threads, on a machine that is busy."""


def leave(environment: Mapping[str, str], calls: int = 10, seconds: float = 0.0) -> tuple[float, str]:
    """Make so many calls, go on for so many seconds, then end: how long the end took, and what was logged."""
    ended = subprocess.run(
        [sys.executable, "-c", PROCESS, str(calls), str(seconds)],
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
        env={**os.environ, **environment},
    )
    over = time.time()
    (left_at,) = [float(line.split()[1]) for line in ended.stdout.splitlines() if line.startswith("leaving ")]
    return over - left_at, ended.stdout + ended.stderr


def test_what_was_seen_is_handed_over_at_the_end() -> None:
    with otlp_sink() as sink:
        leave({"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
        assert sink.names() == ["ledger.claim"] * 10
        assert sink.services() == {"outrider-cli"}


def test_figures_are_handed_over_at_the_end_too() -> None:
    with otlp_sink() as sink:
        leave({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{sink.url}/v1/metrics"})
        (counted,) = sink.metrics()["outrider_tool_calls_total"].sum.data_points
        assert counted.as_int == 10
        assert sink.taken == []


def test_the_standard_variables_name_the_service() -> None:
    with otlp_sink() as sink:
        leave({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{sink.url}/v1/traces", "OTEL_SERVICE_NAME": "theirs"})
        assert sink.services() == {"theirs"}


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("seconds", [0.0, 1.5], ids=["at once", "after a first failure"])
def test_nobody_waits_where_nobody_listens(protocol: str, seconds: float) -> None:
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
    }
    took, log = leave(environment, seconds=seconds)
    assert took < NOTICEABLE_SECONDS
    assert "Traceback" not in log
    assert "opentelemetry" not in log, "one line of ours, not one for each attempt"


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_figures_that_nobody_takes_are_one_line(protocol: str) -> None:
    environment = {
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        "OTEL_METRIC_EXPORT_INTERVAL": "100",
    }
    took, log = leave(environment, seconds=4.0)
    assert took < NOTICEABLE_SECONDS
    assert [line for line in log.splitlines() if "leaving" not in line] == [
        line for line in log.splitlines() if "telemetry.metrics_lost" in line
    ]
    assert log.count("telemetry.metrics_lost") == 1


@pytest.mark.parametrize("status", [304, 307, 400, 413, 500])
def test_what_a_collector_refuses_or_sends_elsewhere_is_lost_and_said(status: int) -> None:
    with otlp_sink() as sink:
        sink.status = status
        took, log = leave({"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
        assert sink.names() == ["ledger.claim"] * 10, "nobody follows it elsewhere"
    assert took < NOTICEABLE_SECONDS
    assert log.count("telemetry.spans_lost") == log.count("telemetry.metrics_lost") == 1


def test_an_answer_without_an_end_is_not_read() -> None:
    with otlp_sink() as sink:
        sink.answers = 2_000
        took, log = leave({"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
        assert sink.names() == ["ledger.claim"] * 10
        assert sink.answered < 20_000_000, "no more than what was on its way"
    assert took < NOTICEABLE_SECONDS
    assert "_lost" not in log


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_collector_that_takes_connections_and_says_nothing_costs_three_seconds(protocol: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        }
        took, log = leave(environment, seconds=1.5)
    assert took < LONGEST_SECONDS
    assert "Traceback" not in log


@pytest.mark.parametrize(
    "wrong",
    [
        {"OTEL_EXPORTER_OTLP_COMPRESSION": "zip", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_EXPORTER_OTLP_TIMEOUT": "long", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many"},
    ],
)
def test_a_value_that_cannot_be_obeyed_is_said_and_ends_no_process(wrong: dict[str, str]) -> None:
    took, log = leave({"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}", **wrong})
    assert took < NOTICEABLE_SECONDS
    assert "Traceback" not in log
    assert '"telemetry.ignored"' in log


def test_an_address_that_is_none_ends_no_process() -> None:
    took, log = leave({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:collector"})
    assert took < NOTICEABLE_SECONDS
    assert "Traceback" not in log


def test_an_exit_without_traces_is_at_once() -> None:
    took, _ = leave({})
    assert took < NOTICEABLE_SECONDS
