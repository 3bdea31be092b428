"""One Jaeger and one collector with the shipped files for all tests of this directory."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from collector import Collector, collector
from jaeger import Jaeger, jaeger
from own_world import world

__all__ = ["world"]


@pytest.fixture(scope="session")
def telemetry_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the logs of both are kept."""
    return tmp_path_factory.mktemp("telemetry")


@pytest.fixture(scope="session")
def running_jaeger(telemetry_place: Path) -> Iterator[Jaeger]:
    with jaeger(telemetry_place) as running:
        yield running


@pytest.fixture(scope="session")
def running_collector(telemetry_place: Path, running_jaeger: Jaeger) -> Iterator[Collector]:
    with collector(telemetry_place, running_jaeger.otlp_url) as running:
        yield running
