"""Telemetry of this process and of those that it starts: off, taken by a real collector, or taken by nobody."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import go_tools
from collector import collector
from free_ports import free_ports
from jaeger import jaeger
from otlp_sink import otlp_sink

from client.exit import CLI
from telemetry.setup import set_up, shut_down

METRICS_EVERY_SECONDS = 5
"""More often than by default: each measurement has several exports in it."""

_AS_SHIPPED = {"COLLECTOR_SPAN_METRICS_INTERVAL": "15s"}
_ACCEPTED = re.compile(r"(?m)^otelcol_receiver_accepted_spans(?:_total)?\{[^}]*\} (\S+)$")


class Way(StrEnum):
    """Whether a campaign is traced and measured."""

    OFF = "off"
    ON = "on"
    AWAY = "collector away"


@dataclass(frozen=True)
class Taker:
    """Who takes spans and metrics: the variables that lead there, and processes by name."""

    environment: Mapping[str, str]
    spans: Callable[[], int]
    """How many it was given so far."""
    pids: Mapping[str, int] = field(default_factory=dict)


@contextmanager
def taker(place: Path, *, full: bool) -> Iterator[Taker]:
    """The collector with the shipped file, and Jaeger behind it, until the block ends; `place` gets their logs.

    A small run does not build them: where they are not there yet, something in this process takes everything.
    """
    if full or all(tool.cached.exists() for tool in (go_tools.COLLECTOR, go_tools.JAEGER)):
        with jaeger(place) as shown, collector(place, shown.otlp_url, _AS_SHIPPED) as taking:
            pids = {"collector": taking.pid, "Jaeger": shown.pid}
            yield Taker(taking.environment, lambda: _accepted(taking.own_metrics()), pids)
    else:
        with otlp_sink() as sink:
            yield Taker({"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}, lambda: len(sink.names()))


def variables(way: Way, taking: Taker) -> dict[str, str]:
    """What switches telemetry on, or not."""
    if way is Way.OFF:
        return {}
    asked = {**taking.environment, "OTEL_METRIC_EXPORT_INTERVAL": f"{METRICS_EVERY_SECONDS * 1_000}"}
    if way is Way.AWAY:
        asked["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{free_ports(1)[0]}"
    return asked


@contextmanager
def told(environment: Mapping[str, str]) -> Iterator[None]:
    """This process is a command that was started with these variables, until the block ends; its children get them."""
    os.environ.update(environment)
    set_up(CLI)
    try:
        yield
    finally:
        shut_down()
        for name in environment:
            del os.environ[name]


def _accepted(page: str) -> int:
    return round(sum(map(float, _ACCEPTED.findall(page))))
