"""The `outrider` command. One file per family of commands; every way out of the process is `client.exit.leave`.

Exit codes: 0 done; 1 a campaign failed or a check did not hold; 2 what was given is wrong; 3 something outside cannot
be reached; 130 interrupted by Ctrl-C. With OUTRIDER_DEBUG=1 an unexpected error shows its traceback.
"""

import os
import sys
import traceback
from collections.abc import Sequence

import typer
from typer.exceptions import Abort, TyperException

from client.cli import campaigns, doctor, init, mailbox, plan, processes, results, run, suppress
from client.cli.screen import plain
from client.exit import leave
from domain.errors import InputError, OutriderError

_FAILED = 1
_INPUT = 2
_UNREACHABLE = 3
_INTERRUPTED = 130

app = typer.Typer(
    name="outrider",
    help="Outbound e-mail campaigns that lose nobody and write to nobody twice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for family in (init, plan, run, campaigns, results):
    family.register(app)
app.add_typer(suppress.app, name="suppress")
app.add_typer(mailbox.app, name="mailbox")
for family in (doctor, processes):
    family.register(app)


def main() -> None:
    """Run the command line of this process and end it."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal that is not UTF-8
    leave(_flushed(execute(sys.argv[1:])))


def execute(arguments: Sequence[str]) -> int:
    """Run one command; errors become one line on stderr. Returns the exit code."""
    try:
        code = typer.main.get_command(app).main(list(arguments), prog_name="outrider", standalone_mode=False)
    except OutriderError as error:
        return _refuse(error.line, error.hint, _INPUT if isinstance(error, InputError) else _UNREACHABLE)
    except TyperException as error:
        return _refuse(_usage_line(error), _usage_hint(error), _INPUT)
    except (Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except SystemExit:
        return 0  # what typer and rich make of a reader that has gone, as in `outrider list | head -1`
    except Exception as error:  # noqa: BLE001 the last place before a traceback
        return _unexpected(error)
    return code if isinstance(code, int) else 0


def _refuse(line: str, hint: str, code: int) -> int:
    for one in line.splitlines():
        sys.stderr.write(f"error: {plain(one)}\n")
    if hint:
        sys.stderr.write(f"hint: {plain(hint)}\n")
    return code


def _usage_line(error: TyperException) -> str:
    line = plain(error.format_message()).rstrip(".")
    return line[:1].lower() + line[1:]


def _usage_hint(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path} --help" if context else "outrider --help"


def _unexpected(error: Exception) -> int:
    """Messages of such errors can quote people's data: only their kind is shown."""
    if isinstance(error, BrokenPipeError):
        return 0
    if os.environ.get("OUTRIDER_DEBUG"):
        traceback.print_exception(error)
        return _FAILED
    if isinstance(error, OSError) and error.filename is not None:
        return _refuse(f"{error.filename}: {error.strerror}", "", _INPUT)
    return _refuse(f"unexpected {type(error).__name__}", "set OUTRIDER_DEBUG=1 to see where it comes from", _FAILED)


def _flushed(code: int) -> int:
    """The exit code after everything was written. A reader that has gone got what it wanted."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code
