"""The shipped deploy/jaeger.yaml: Jaeger shows what others do, and not itself."""

import socket
from pathlib import Path

import pytest
from jaeger import jaeger

pytestmark = pytest.mark.go_tools


def test_jaeger_sends_no_traces_of_itself(tmp_path: Path) -> None:
    """It would send them to port 4317 of its machine, where the collector listens, and search its own searches."""
    with socket.create_server(("127.0.0.1", 0)) as collector:
        address = f"http://127.0.0.1:{collector.getsockname()[1]}"
        with jaeger(tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": address}) as running:
            assert running.get("/api/services") is None
        collector.settimeout(0.5)
        with pytest.raises(TimeoutError):
            collector.accept()
