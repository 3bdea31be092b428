"""Around every command: what it loads, how its errors read, and the one way out, `client.exit.leave`.

Exit codes: 0 done; 1 a campaign failed, was cancelled or refused, or a check did not hold; 2 what was given is wrong;
3 something outside cannot be reached; 130 interrupted by Ctrl-C. With OUTRIDER_DEBUG=1 an unexpected error shows its
traceback.
"""

import errno
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import typer
from typer.exceptions import Abort, TyperException

from client.cli.called import as_called
from client.cli.screen import forget_stdout, plain
from client.exit import CLI, leave
from client.settings import load_settings
from domain.errors import InputError, OutriderError
from telemetry.logging import configure
from telemetry.setup import set_up

_FAILED = 1
_INPUT = 2
_UNREACHABLE = 3
_INTERRUPTED = 130
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_FAMILIES = {
    "init": ("init",),
    "plan": ("plan",),
    "run": ("run",),
    "campaigns": ("list", "show"),
    "monitor": ("monitor",),
    "trail": ("errors", "events"),
    "control": ("pause", "resume", "cancel"),
    "settling": ("retry", "resolve"),
    "review": ("drafts", "review", "approve", "reject", "edit"),
    "results": ("report", "export"),
    "suppress": ("suppress",),
    "mailbox": ("mailbox",),
    "doctor": ("doctor",),
    "processes": ("up", "worker", "web", "migrate"),
}
"""The files beside this one and their commands. Only the one that is asked for is loaded: it saves up to 2 s."""


def main() -> None:
    """Run the command line of this process and end it."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115 whoever started this has closed it
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115 as above
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal that is not UTF-8
    _set_up_logs()
    set_up(CLI)
    leave(_flushed(execute(sys.argv[1:])))


def _set_up_logs() -> None:
    """Lines of a command are for the person at the keyboard: few, and not where its output goes."""
    level, secrets = "WARNING", set[str]()
    with suppress(OutriderError):  # what is wrong with the settings is said where they are needed
        settings = load_settings()
        level = settings.log_level if "log_level" in settings.model_fields_set else level
        secrets = settings.secrets()
    configure(level, secrets, sys.stderr)


def execute(arguments: Sequence[str]) -> int:
    """Run one command; errors become one line on stderr. Returns the exit code."""
    given = list(arguments) or ["--help"]
    try:
        code = typer.main.get_command(_app(given)).main(given, prog_name="outrider", standalone_mode=False)
    except OutriderError as error:
        return _refuse(error.line, error.hint, _INPUT if isinstance(error, InputError) else _UNREACHABLE)
    except TyperException as error:
        return _refuse(_usage_line(error), _usage_hint(error), _INPUT)
    except (Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except SystemExit as end:
        return _code_of(end)
    except Exception as error:  # noqa: BLE001 the last place before a traceback
        return _unexpected(error)
    return code if isinstance(code, int) else 0


def _app(arguments: Sequence[str]) -> typer.Typer:
    """The command line, with all commands unless the first argument is one of them."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

    @app.callback()
    def outrider() -> None:
        """Outbound e-mail campaigns that lose nobody and write to nobody twice."""

    wanted = [family for family, commands in _FAMILIES.items() if arguments and arguments[0] in commands]
    for family in wanted or _FAMILIES:
        importlib.import_module(f"client.cli.{family}").register(app)
    return app


def _refuse(line: str, hint: str, code: int) -> int:
    for one in line.splitlines():
        sys.stderr.write(f"error: {as_called(plain(one))}\n")
    if hint:
        sys.stderr.write(f"hint: {as_called(plain(hint))}\n")
    return code


def _usage_line(error: TyperException) -> str:
    line = plain(error.format_message()).rstrip(".").replace("Value error, ", "")
    return line[:1].lower() + line[1:]


def _usage_hint(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path} --help" if context else "outrider --help"


def _code_of(end: SystemExit) -> int:
    """The code that was meant; a reader that has gone, as in `outrider export … | head -1`, got what it wanted."""
    if isinstance(end.__context__, BrokenPipeError):
        return 0
    return end.code if isinstance(end.code, int) else int(end.code is not None)


def _unexpected(error: Exception) -> int:
    """Messages of such errors can quote people's data: only their kind is shown."""
    from temporalio.service import RPCError  # noqa: PLC0415 half a second that commands without Temporal need not wait

    debugging = bool(os.environ.get("OUTRIDER_DEBUG"))
    if debugging:
        traceback.print_exception(error)
    if isinstance(error, RPCError):
        refusal = error.status.name.lower().replace("_", " ")
        return _refuse(f"Temporal refuses or does not answer: {refusal}", "outrider doctor", _UNREACHABLE)
    if isinstance(error, OSError) and (error.filename is not None or error.errno in _NO_ROOM):
        return _refuse(_file_line(error), "", _FAILED if error.errno in _NO_ROOM else _INPUT)
    if debugging:
        return _FAILED
    return _refuse(f"unexpected {type(error).__name__}", "set OUTRIDER_DEBUG=1 to see where it comes from", _FAILED)


def _file_line(error: OSError) -> str:
    """What is wrong with a file; one without a name is where the command's output goes."""
    return f"{error.filename or 'stdout'}: {(error.strerror or '').lower()}"


def _flushed(code: int) -> int:
    """The exit code after everything was written. A reader that has gone got what it wanted."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        forget_stdout()
    except OSError as error:
        forget_stdout()
        return code or _refuse(_file_line(error), "", _FAILED)
    return code
