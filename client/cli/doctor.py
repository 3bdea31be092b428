"""`doctor`: whether everything is there that campaigns need."""

import asyncio
import textwrap
from collections.abc import Iterator
from functools import partial

import typer
from rich.text import Text

from client.cli.called import as_called
from client.cli.check import Check, Verdict
from client.cli.checks import checks
from client.cli.options import AsJson
from client.cli.screen import columns, console, print_document, say, styled
from client.settings import Settings, load_settings

_WIDEST = 100
_GAPS = 4
"""Columns of a line, and those between its three cells."""
_NARROWEST = 40
"""Of what is checked and found: below this a terminal breaks the lines itself."""

_wrap = partial(textwrap.wrap, break_long_words=False, break_on_hyphens=False)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(as_json: AsJson = False) -> None:
    """Check what campaigns need.

    Exit code 1 when something is missing. Nothing is changed and no mail is sent.
    """
    found = asyncio.run(_all(load_settings()))
    healthy = all(check.verdict is not Verdict.FAILED for check in found)
    if as_json:
        print_document({"ok": healthy, "checks": found})
    else:
        longest = max(len(check.name) for check in found)
        room = max(_NARROWEST, _width() - len(Verdict.WARNING) - longest - _GAPS)
        for line in columns([row for check in found for row in _rows(check, room)]):
            say(line)
    raise typer.Exit(0 if healthy else 1)


def _width() -> int:
    """Columns of a line: a page where nobody looks on."""
    terminal = console()
    return min(_WIDEST, terminal.width) if terminal.is_terminal else _WIDEST


def _rows(check: Check, room: int) -> Iterator[tuple[str | Text, ...]]:
    """The check, and below it the way out, on lines of at most so many columns."""
    way_out = _wrap(as_called(f"-> {check.way_out}"), room, subsequent_indent="   ") if check.way_out else []
    first, *others = [*(_wrap(check.detail, room) or [""]), *way_out]
    yield styled(check.verdict), check.name, first
    yield from (("", "", line) for line in others)


async def _all(settings: Settings) -> list[Check]:
    return [check async for check in checks(settings)]
