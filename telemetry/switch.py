"""Whether this process is traced and measured, by OpenTelemetry's own variables. Costs nothing and loads nothing."""

import os
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

GRPC = "grpc"
HTTP = "http/protobuf"
_INTERVAL_MILLISECONDS = 60_000.0
_SCHEMES = ("http", "https")
_DEFAULT = {GRPC: "http://localhost:4317", HTTP: "http://localhost:4318"}


class Target(NamedTuple):
    """Where a signal goes."""

    endpoint: str
    protocol: str


class Refused(NamedTuple):
    """A variable that asks for what Outrider cannot do, and what it may say."""

    variable: str
    expected: str


def traces(environment: Mapping[str, str] = os.environ) -> Target | Refused | None:
    """Where traces go; None = nobody asked for them."""
    return _asked(environment, "TRACES")


def metrics(environment: Mapping[str, str] = os.environ) -> Target | Refused | None:
    """Where metrics go; None = nobody asked for them."""
    return _asked(environment, "METRICS")


def metrics_url(target: Target, environment: Mapping[str, str] = os.environ) -> str:
    """The whole address, for an exporter that does not read the variables itself."""
    url = target.endpoint if "//" in target.endpoint else f"http://{target.endpoint}"
    if target.protocol == GRPC or environment.get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "").strip():
        return url
    return f"{url.rstrip('/')}/v1/metrics"


def metrics_headers(environment: Mapping[str, str] = os.environ) -> str:
    """What goes with each export, as the variable spells it."""
    return environment.get("OTEL_EXPORTER_OTLP_METRICS_HEADERS") or environment.get("OTEL_EXPORTER_OTLP_HEADERS") or ""


def interval_milliseconds(environment: Mapping[str, str] = os.environ) -> float:
    """Between two exports of metrics. What is no such number counts as left out: the SDK would end the process."""
    try:
        asked = float(environment.get("OTEL_METRIC_EXPORT_INTERVAL", ""))
    except ValueError:
        return _INTERVAL_MILLISECONDS
    return asked if 0 < asked < float("inf") else _INTERVAL_MILLISECONDS


def _asked(environment: Mapping[str, str], signal: str) -> Target | Refused | None:
    """What is asked of one signal: its own variables go before those of all signals."""

    def of(name: str) -> str:
        return environment.get(name, "").strip()

    def either(name: str) -> tuple[str, str]:
        own, of_all = f"OTEL_EXPORTER_OTLP_{signal}_{name}", f"OTEL_EXPORTER_OTLP_{name}"
        return (of(own), own) if of(own) else (of(of_all), of_all)

    exporter = of(f"OTEL_{signal}_EXPORTER")
    endpoint, endpoint_variable = either("ENDPOINT")
    if of("OTEL_SDK_DISABLED").lower() == "true" or exporter == "none" or not (exporter or endpoint):
        return None
    if exporter not in ("", "otlp"):
        return Refused(f"OTEL_{signal}_EXPORTER", "otlp, none")
    protocol, protocol_variable = either("PROTOCOL")
    if (protocol or HTTP) not in _DEFAULT:
        return Refused(protocol_variable, f"{HTTP}, {GRPC}")
    target = Target(endpoint or _DEFAULT[protocol or HTTP], protocol or HTTP)
    if not _is_address(target):
        return Refused(endpoint_variable, f"an address such as {_DEFAULT[target.protocol]}")
    return target


def _is_address(target: Target) -> bool:
    """Whether an exporter can make something of it. gRPC's may go without a scheme, but knows no passwords."""
    grpc = target.protocol == GRPC
    try:
        parts = urlsplit(target.endpoint if "//" in target.endpoint or not grpc else f"http://{target.endpoint}")
        plain = parts.port != 0 and target.endpoint.isprintable() and " " not in target.endpoint
    except ValueError:
        return False
    return plain and parts.scheme in _SCHEMES and bool(parts.hostname) and not (grpc and "@" in parts.netloc)
