"""`doctor` finds out whether traces and metrics arrive: the real collector, asked the right way and the wrong one."""

import socket

import pytest
from collector import Collector
from local_world import free_port

from telemetry import trial
from telemetry.switch import GRPC, HTTP, Target
from telemetry.trial import Answer

BOTH = pytest.mark.parametrize("tried", [trial.traces, trial.metrics], ids=["traces", "metrics"])


@pytest.mark.go_tools
@BOTH
def test_a_collector_takes_what_comes_by_the_protocol_of_the_port(
    running_collector: Collector, tried: trial.Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = {GRPC: running_collector.grpc_url, HTTP: running_collector.http_url}
    for protocol in (GRPC, HTTP):
        for spoken_there, url in ports.items():
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
            expected = Answer.TAKEN if protocol == spoken_there else Answer.REFUSED
            assert tried(Target(url, protocol)) is expected, f"{protocol} to the port of {spoken_there}"


@BOTH
@pytest.mark.parametrize("protocol", [GRPC, HTTP])
def test_nobody_listens(tried: trial.Try, protocol: str) -> None:
    assert tried(Target(f"http://127.0.0.1:{free_port()}", protocol)) is Answer.SILENT


@BOTH
@pytest.mark.parametrize("protocol", [GRPC, HTTP])
@pytest.mark.timeout(10)
def test_whoever_says_nothing_is_not_waited_for(
    tried: trial.Try, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        assert tried(Target(url, protocol)) is Answer.REFUSED


def test_a_variable_that_the_exporter_cannot_obey(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "squeezed")
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        url = f"http://127.0.0.1:{somebody.getsockname()[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        assert trial.traces(Target(url, GRPC)) is Answer.IMPOSSIBLE
