"""What can be seen of a process is switched on at its entry, and handed over at its end."""

from collections.abc import Callable
from functools import partial

from telemetry import switch, tracing
from telemetry.logging import get_logger

_log = get_logger(__name__)
_leaving: list[Callable[[], None]] = []
"""What has to be done before the process ends, none of it longer than `telemetry.export.LEAVE_SECONDS`."""


def set_up(service: str) -> None:
    """Trace this process if the OTEL_* variables ask for it. Called once, by an entry point, after logging is set up.

    What they ask for and cannot be had is said in the log: no campaign stands still because nobody looks on.
    """
    asked = switch.traces()
    if asked is None:
        return
    if isinstance(asked, switch.Refused):
        _log.warning("telemetry.off", variable=asked.variable, known=asked.known)
        return
    from telemetry import export  # noqa: PLC0415 the SDK takes a third of a second: only those who asked wait for it

    try:
        started = export.start(asked, service)
    except ModuleNotFoundError:
        _log.warning("telemetry.off", variable="OTEL_EXPORTER_OTLP_PROTOCOL", hint="it needs the extra grpc")
        return
    tracing.trace_with(started.tracer())
    _leaving.append(partial(export.leave, started, asked))


def shut_down() -> None:
    """Hand over what waits, in bounded time. Called by the one exit of a process."""
    tracing.trace_with(None)
    while _leaving:
        _leaving.pop()()
