"""The real Jaeger, with its traces in memory and the file that docker-compose.yml gives it."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import go_tools
import httpx
from free_ports import free_ports
from telemetry_part import running

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "jaeger.yaml"
SEEN_SECONDS = 15.0

Trace = dict[str, Any]


@dataclass(frozen=True)
class Jaeger:
    """A running Jaeger: `url` is its HTTP API, `otlp_url` where the collector sends spans."""

    url: str
    otlp_url: str
    pid: int
    log: Path

    def get(self, path: str, **parameters: str | int) -> Any:  # noqa: ANN401 JSON
        """The `data` of an answer of the API; `path` begins with `/api/`."""
        answer = httpx.get(f"{self.url}{path}", params=parameters, timeout=20, trust_env=False)
        answer.raise_for_status()
        return answer.json()["data"]

    def traces(self, service: str, *, limit: int = 100, **search: str) -> list[Trace]:
        """Traces in which a span of the service matches: `operation`, `tags` (a JSON object), `minDuration`."""
        found: list[Trace] = self.get("/api/traces", service=service, limit=limit, **search)
        return found

    def trace(self, trace_id: str) -> Trace:
        """One trace by its id, 32 hex digits."""
        trace: Trace = self.get(f"/api/traces/{trace_id}")[0]
        return trace

    def wait_for(self, wanted: Callable[["Jaeger"], Any], seconds: float = SEEN_SECONDS) -> Any:  # noqa: ANN401 as `wanted`
        """What `wanted` returns as soon as it is true; raises TimeoutError. A trace that is not there yet is a 404."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if found := wanted(self):
                    return found
            except httpx.HTTPStatusError as error:
                if error.response.status_code != httpx.codes.NOT_FOUND:
                    raise
            time.sleep(0.1)
        raise TimeoutError(f"Jaeger does not show it after {seconds} s")


@contextmanager
def jaeger(place: Path, environment: Mapping[str, str] | None = None) -> Iterator[Jaeger]:
    """A Jaeger that ends with the block; its log is `place`/jaeger.log. `environment` is for the shipped file."""
    program = go_tools.obtain(go_tools.JAEGER)
    query, query_grpc, otlp, health = free_ports(4)
    ports = {
        "JAEGER_QUERY_PORT": str(query),
        "JAEGER_QUERY_GRPC_PORT": str(query_grpc),
        "JAEGER_OTLP_PORT": str(otlp),
        "JAEGER_HEALTH_PORT": str(health),
    }
    log = place / "jaeger.log"
    command = [str(program), "--config", str(CONFIGURATION)]
    health_page = f"http://127.0.0.1:{health}/status"
    with running(command, {**ports, **(environment or {})}, health=health_page, log=log) as process:
        yield Jaeger(f"http://127.0.0.1:{query}", f"http://127.0.0.1:{otlp}", process.pid, log)
