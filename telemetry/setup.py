"""What can be seen of a process is switched on at its entry, and handed over at its end."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from telemetry import metrics, switch, tracing
from telemetry.logging import get_logger
from telemetry.switch import Target

LEAVE_SECONDS = 2.5
"""How long all that is handed over may take, so that with the rest a process ends within 3 s."""

_Result = TypeVar("_Result")

_log = get_logger(__name__)
_leaving: list[Callable[[], None]] = []
"""What has to be done before the process ends."""


def set_up(service: str, *, measured: bool = False) -> None:
    """Trace this process if the OTEL_* variables ask for it. Called once, by an entry point, after logging is set up.

    `measured` is for processes that last: each has time series of its own, which a command would leave behind. What
    they ask for and cannot be had is said in the log: no campaign stands still because nobody looks on.
    """
    dropped = _tried(partial(_trace, service)) or _none
    if measured:
        _tried(partial(_measure, service, dropped))


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


def _trace(service: str) -> Callable[[], int] | None:
    """Switch traces on if they are asked for; returns what says how many spans were lost so far."""
    asked = _asked(switch.traces())
    if asked is None:
        return None
    from telemetry import export  # noqa: PLC0415 the SDK takes a third of a second: only those who asked wait for it

    started = export.start(asked, service)
    tracing.trace_with(started.tracer())
    _leaving.append(partial(export.leave, started.close, asked))
    return lambda: started.outbox.lost


def _measure(service: str, spans_dropped: Callable[[], int]) -> None:
    asked = _asked(switch.metrics())
    if asked is None:
        return
    from telemetry import export, measuring  # noqa: PLC0415 as above

    started, engine = measuring.start(asked, service, spans_dropped), measuring.engine(asked, service)
    metrics.measure_with(started.instruments)
    metrics.name_engine(engine)
    _leaving.append(partial(export.leave, started.close, asked))


def _asked(asked: Target | switch.Refused | None) -> Target | None:
    if isinstance(asked, switch.Refused):
        _log.warning("telemetry.off", variable=asked.variable, known=asked.known)
        return None
    return asked


def _tried(switch_on: Callable[[], _Result]) -> _Result | None:
    """What this returns, None where it cannot be done: the log says why."""
    try:
        return switch_on()
    except ModuleNotFoundError:
        _log.warning("telemetry.off", variable="OTEL_EXPORTER_OTLP_PROTOCOL", hint="it needs the extra grpc")
    except Exception as error:  # noqa: BLE001 the SDK reads dozens of variables, and raises for a wrong value of many
        _log.warning("telemetry.off", reason=str(error))
    return None


def _none() -> int:
    return 0
