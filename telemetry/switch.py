"""Whether this process is traced, by OpenTelemetry's own variables. Costs nothing and loads nothing."""

import os
from collections.abc import Mapping
from typing import NamedTuple

GRPC = "grpc"
HTTP = "http/protobuf"
_DEFAULT = {GRPC: "http://localhost:4317", HTTP: "http://localhost:4318"}


class Target(NamedTuple):
    """Where a signal goes."""

    endpoint: str
    protocol: str


class Refused(NamedTuple):
    """A variable that asks for what Outrider cannot do."""

    variable: str
    known: str


def traces(environment: Mapping[str, str] = os.environ) -> Target | Refused | None:
    """Where traces go; None = nobody asked for them."""
    return _asked(environment, "TRACES")


def _asked(environment: Mapping[str, str], signal: str) -> Target | Refused | None:
    """What is asked of one signal: its own variables go before those of all signals."""

    def of(name: str) -> str:
        return environment.get(name, "").strip()

    own = f"OTEL_EXPORTER_OTLP_{signal}"
    exporter = of(f"OTEL_{signal}_EXPORTER")
    endpoint = of(f"{own}_ENDPOINT") or of("OTEL_EXPORTER_OTLP_ENDPOINT")
    if of("OTEL_SDK_DISABLED").lower() == "true" or exporter == "none" or not (exporter or endpoint):
        return None
    if exporter not in ("", "otlp"):
        return Refused(f"OTEL_{signal}_EXPORTER", "otlp, none")
    protocol = of(f"{own}_PROTOCOL") or of("OTEL_EXPORTER_OTLP_PROTOCOL") or HTTP
    if protocol not in _DEFAULT:
        return Refused("OTEL_EXPORTER_OTLP_PROTOCOL", f"{HTTP}, {GRPC}")
    return Target(endpoint or _DEFAULT[protocol], protocol)
