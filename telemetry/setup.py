"""What can be seen of a process is switched on at its entry, and handed over at its end."""

import os
import threading
import time
from collections.abc import Callable
from functools import partial

from telemetry import metrics, switch, tracing, variables
from telemetry.logging import get_logger
from telemetry.switch import Target

LEAVE_SECONDS = 2.5
"""How long all that is handed over may take, so that with the rest a process ends within 3 s."""

_log = get_logger(__name__)
_leaving: list[Callable[[], None]] = []
"""What has to be done before the process ends."""


def set_up(service: str, *, measured: bool = False) -> None:
    """Trace this process if the OTEL_* variables ask for it. Called once, by an entry point, after logging is set up.

    `measured` is for processes that last: each has time series of its own, which a command would leave behind. What
    they ask for and cannot be had is said in the log: no campaign stands still because nobody looks on.
    """
    asked = (switch.traces(), switch.metrics() if measured else None)
    if asked == (None, None):
        return
    for refused in dict.fromkeys(one for one in asked if isinstance(one, switch.Refused)):
        _log.warning("telemetry.off", variable=refused.variable, expected=refused.expected)
    for wrong in variables.tidy_up(os.environ):
        _log.warning("telemetry.ignored", variable=wrong.variable, expected=wrong.expected)
    traced, counted = (one if isinstance(one, Target) else None for one in asked)
    dropped = _trace(traced, service) if traced else _none
    if counted:
        _measure(counted, service, dropped)


def shut_down() -> None:
    """Hand over what waits, in bounded time. Called by the one exit of a process."""
    tracing.trace_with(None)
    metrics.measure_with(None)
    leaving = [threading.Thread(target=leave, name="telemetry-leaves", daemon=True) for leave in _leaving]
    _leaving.clear()
    deadline = time.monotonic() + LEAVE_SECONDS
    for thread in leaving:
        thread.start()
    for thread in leaving:
        thread.join(max(0.0, deadline - time.monotonic()))


def _trace(target: Target, service: str) -> Callable[[], int]:
    """Switch traces on; returns how many spans were lost so far."""
    try:
        from telemetry import export  # noqa: PLC0415 the SDK takes a third of a second: only those who asked wait for it

        started = export.start(target, service)
    except Exception as error:  # noqa: BLE001 there are more variables than are looked at here
        _say_off("traces", error)
        return _none
    tracing.trace_with(started.tracer())
    _leaving.append(partial(export.leave, started.close, target))
    return lambda: started.outbox.lost


def _measure(target: Target, service: str, spans_dropped: Callable[[], int]) -> None:
    try:
        from telemetry import export, measuring  # noqa: PLC0415 as above

        started = measuring.start(target, service, spans_dropped)
        engine = measuring.engine(target, service)
    except Exception as error:  # noqa: BLE001 as above
        _say_off("metrics", error)
        return
    metrics.measure_with(started.instruments)
    metrics.name_engine(engine)
    _leaving.append(partial(export.leave, started.close, target))


def _say_off(signal: str, error: Exception) -> None:
    """In one line; the error's text may quote a header or a password."""
    if isinstance(error, ModuleNotFoundError):
        _log.warning("telemetry.off", variable="OTEL_EXPORTER_OTLP_PROTOCOL", hint="it needs the extra grpc")
    else:
        _log.warning("telemetry.off", signal=signal, error_type=type(error).__name__, hint="look at OTEL_*")


def _none() -> int:
    return 0
