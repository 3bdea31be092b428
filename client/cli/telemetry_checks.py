"""Whether traces and metrics arrive, by the OTEL_* variables of this terminal: a worker may have others."""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple
from urllib.parse import urlsplit

from client.cli.check import Check, Verdict
from telemetry import switch
from telemetry.switch import GRPC, HTTP, Refused, Target

_OTHER = {GRPC: HTTP, HTTP: GRPC}
_USUAL_PORT = {GRPC: 4317, HTTP: 4318}


class _Finding(NamedTuple):
    """About one signal."""

    verdict: Verdict
    detail: str
    way_out: str = ""


async def telemetry_checks() -> AsyncIterator[Check]:
    """One line where the same holds for both, none for what nobody asked for. No campaign fails without a collector."""
    wanted = {"traces": switch.traces(), "metrics": switch.metrics()}
    asked = {signal: target for signal, target in wanted.items() if target is not None}
    found: dict[_Finding, list[str]] = {}
    for signal, finding in zip(asked, await asyncio.gather(*map(_finding, asked, asked.values())), strict=True):
        found.setdefault(finding, []).append(signal)
    for finding, signals in found.items():
        detail = f"{' and '.join(signals)} {finding.detail}"
        yield Check(name="OTLP", verdict=finding.verdict, detail=detail, way_out=finding.way_out)


async def _finding(signal: str, asked: Target | Refused) -> _Finding:
    if isinstance(asked, Refused):
        detail = f"are off: {asked.variable} has a value that it cannot have"
        return _Finding(Verdict.WARNING, detail, f"{asked.variable}: {asked.expected}")
    return await asyncio.to_thread(_tried, signal, asked)


def _tried(signal: str, target: Target) -> _Finding:
    from telemetry import trial  # noqa: PLC0415 the SDK takes a third of a second: only those who asked wait for it
    from telemetry.trial import Answer  # noqa: PLC0415 as above

    answer = (trial.traces if signal == "traces" else trial.metrics)(target)
    where = _shown(target.endpoint)
    if answer is Answer.TAKEN:
        return _Finding(Verdict.OK, f"are taken at {where} ({target.protocol})")
    if answer is Answer.SILENT:
        way_out = "start the collector, or correct OTEL_EXPORTER_OTLP_ENDPOINT"
        return _Finding(Verdict.WARNING, f"are lost: nobody listens at {where}", way_out)
    if answer is Answer.IMPOSSIBLE:
        way_out = 'look through the OTEL_* variables; for grpc also: pip install ".[grpc]"'
        return _Finding(Verdict.WARNING, "are off: a variable has a value that it cannot have", way_out)
    usual, other = _USUAL_PORT[target.protocol], _OTHER[target.protocol]
    way_out = f"{target.protocol} is usually at port {usual}; or OTEL_EXPORTER_OTLP_PROTOCOL={other}"
    return _Finding(Verdict.WARNING, f"are lost: {where} does not take them by {target.protocol}", way_out)


def _shown(endpoint: str) -> str:
    """The address without what may be a password in it."""
    parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.scheme else parts.netloc.rpartition("@")[2]
