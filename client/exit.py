"""The one way out of a process, and what every long-running process of ours does around its work."""

import asyncio
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from client.settings import Settings, load_settings
from domain.errors import InputError, OutriderError
from telemetry.logging import configure
from telemetry.setup import set_up, shut_down

CLI = "outrider-cli"
"""The service that commands and scripts are seen as."""


def run_entry_point(
    work: Callable[[Settings], Coroutine[Any, Any, None]], service: str = CLI, *, measured: bool = False
) -> NoReturn:
    """Read the settings, set up logs and traces, do the work and leave. `service` is who is seen in traces.

    `measured` as in `telemetry.setup.set_up`.

    Exit codes as everywhere: 2 = what was given is wrong, 3 = something outside does not answer, 130 = Ctrl-C.
    """
    code = 0
    try:
        settings = load_settings()
        configure(settings.log_level, settings.secrets())
        set_up(service, measured=measured)
        asyncio.run(work(settings))
    except OutriderError as error:
        hint = f"\nhint: {error.hint}" if error.hint else ""
        sys.stderr.write(f"error: {error.line}{hint}\n")
        code = 2 if isinstance(error, InputError) else 3
    except KeyboardInterrupt:
        code = 130
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 its text may quote a person, so only its kind and its place are said
        sys.stderr.write(
            f"error: unexpected {type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}"
        )
        code = 1
    leave(code)


def stop_requested() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set, instead of ending the process. Called once, inside the event loop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def leave(code: int) -> NoReturn:
    """Hand over spans, flush what was written and end at once.

    Temporal's native threads can crash the interpreter while it shuts down, after all work is done: about one exit in
    ten ends with status 134 or 139 otherwise (github.com/temporalio/sdk-python/issues/300).
    """
    shut_down()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # whoever read the output has gone
            code = code or 1
    logging.shutdown()
    os._exit(code)
