"""What commands print: lines and aligned columns for people, one JSON document for scripts.

Names and texts of people come from files that strangers filled in: `plain` and `paragraph` make them harmless for a
terminal, and nothing here reads markup.
"""

import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Event

from pydantic import BaseModel
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from client.cli.called import as_called, styled_as_called

LABEL_WIDTH = 12
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that move the cursor, change colours, reorder text or cannot be seen."""

_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")

_PART_ENDS = (re.compile(r" {3,}| [+·] "), re.compile(", "))
"""Where the parts of a line end, of sums, lists and what stands side by side; where none of them helps, at a comma."""

_STYLES = {
    "completed": "green",
    "ok": "green",
    "sent": "green",
    "running": "cyan",
    "waiting": "yellow",
    "paused": "yellow",
    "warning": "yellow",
    "in_doubt": "yellow",
    "deferred": "yellow",
    "approved": "green",
    "rejected": "red",
    "failed": "red",
    "cancelled": "red",
}


_AWAITED = {
    "source_limited": "GitHub, its limit is used up",
    "source_unreachable": "GitHub, which does not answer",
    "source_refused": "GitHub, which refuses us",
}


class _Console(Console):
    """A console whose reader may leave early, as in `outrider doctor | head -3`; the command ends as it would have."""

    def on_broken_pipe(self) -> None:
        forget_stdout()


_forgotten = Event()


def console() -> Console:
    """Where screens go. Neither markup nor emoji codes nor guesses at numbers: text is printed as it is."""
    return _Console(markup=False, emoji=False, highlight=False, soft_wrap=True)


def say(line: str | Text = "") -> None:
    """Print one line on stdout, as long as it is, with commands of ours by the name they were called by."""
    console().print(as_called(line) if isinstance(line, str) else styled_as_called(line), soft_wrap=True)


def quote(text: str) -> None:
    """Print the lines of a text that somebody gets or wrote, word for word, in the column of values."""
    for line in paragraph(text).split("\n"):
        console().print(f"{'':<{LABEL_WIDTH}}{line}".rstrip(), soft_wrap=True)


def write(text: str) -> None:
    """Put a text on stdout as it is."""
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        forget_stdout()


def stdout_is_forgotten() -> bool:
    """Whether nobody reads stdout any more: what only shows something can end."""
    return _forgotten.is_set()


def forget_stdout() -> None:
    """From now on stdout goes nowhere: whoever read it has gone, or it is full."""
    _forgotten.set()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def note(line: str) -> None:
    """Print one line on stderr: for people, where stdout belongs to a document."""
    sys.stderr.write(f"{as_called(plain(line))}\n")
    sys.stderr.flush()


def print_document(document: object) -> None:
    """Print the one JSON document of `--json`."""
    write(f"{json.dumps(as_json(document), ensure_ascii=False, indent=2)}\n")


def as_json(value: object) -> object:
    """A value as the types that JSON has; models as their JSON form."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def plain(text: str) -> str:
    """Text on one line without characters that a terminal would obey."""
    return "".join("" if unicodedata.category(one) in _UNSAFE else one for one in " ".join(text.split()))


def paragraph(text: str) -> str:
    """As `plain`, but lines stay lines and their spaces stay."""
    return "\n".join(
        "".join(" " if one == "\t" else "" if unicodedata.category(one) in _UNSAFE else one for one in line)
        for line in text.split("\n")
    )


def masked(address: str) -> str:
    """An address for a screen that others may see: k***@example.com."""
    local, _, domain = plain(address).rpartition("@")
    return f"{local[:1]}***@{domain}"


def discreet(text: str) -> str:
    """What somebody wrote, as `plain`, with every address in it masked."""
    return _ADDRESS.sub(lambda found: masked(found.group()), plain(text))


def cut(text: str, longest: int) -> str:
    """A text of at most so many columns; what is missing shows as an ellipsis."""
    line = Text(text)
    line.truncate(longest, overflow="ellipsis")
    return line.plain


def styled(word: str) -> Text:
    """A status or state in its colour."""
    return Text(word.replace("_", " "), style=_STYLES.get(word, ""))


def labelled(label: str, value: str | Text) -> None:
    """Print a value beside its label; further lines of the value are indented to the same column."""
    text = value if isinstance(value, Text) else Text(value)
    for number, line in enumerate(text.split("\n", allow_blank=True)):
        say_parts(line, Text(f"{label if number == 0 else '':<{LABEL_WIDTH}}", style="bold"))


def say_parts(line: Text, label: Text | None = None) -> None:
    """Print a line, on a terminal that is too narrow for it on several: broken between its parts, never inside one.

    So a command or an address stays in one piece, to be copied. What goes to a file or a pipe stays one line.
    """
    first = label or Text()
    terminal = console()
    room = terminal.width - cell_len(first.plain) if terminal.is_terminal else None
    for number, piece in enumerate(_pieces(styled_as_called(line), room)):
        whole = Text.assemble(first if number == 0 else " " * cell_len(first.plain), piece)
        whole.rstrip()
        say(whole)


def _pieces(line: Text, room: int | None) -> Iterator[Text]:
    """The line in as few pieces as have room, each with as many of its parts as fit."""
    while room is not None and cell_len(line.plain) > room:
        ends = [[found.end() for found in kind.finditer(line.plain)] for kind in _PART_ENDS]
        fitting = [[end for end in some if cell_len(line.plain[:end].rstrip()) <= room] for some in ends]
        end = next((some[-1] for some in fitting if some), min(map(min, filter(None, ends)), default=0))
        if not 0 < end < len(line.plain):
            break
        yield line[:end]
        line = line[end:]
    yield line


def columns(rows: Sequence[Sequence[str | Text]], *, right: Sequence[int] = (), indent: str = "") -> Iterator[Text]:
    """Rows with their cells aligned; those whose place is in `right` end at the same column, others begin there."""
    cells = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    widths = [max(cell_len(cell.plain) for cell in column) for column in zip(*cells, strict=True)]
    for row in cells:
        line = Text(indent)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - cell_len(cell.plain))
            line.append_text(Text(space).append_text(cell) if place in right else cell.copy().append(space))
            line.append("  ")
        line.rstrip()
        yield line


def words(name: str) -> str:
    """A name of ours as words, as reports write it: `skipped:no_permission_basis` is `skipped, no permission basis`."""
    return ", ".join(filter(None, name.replace("_", " ").split(":")))


def awaited(reason: str) -> str:
    """What is waited for, in words."""
    return _AWAITED.get(reason) or words(reason)


def added_up(total: int, parts: Mapping[str, int]) -> str:
    """A sum that people can check: `200 = 190 contacted + 10 skipped, suppressed`, with a mark when it is none."""
    shown = " + ".join(f"{count:,} {words(name)}" for name, count in parts.items() if count)
    wrong = "" if sum(parts.values()) == total else "   ✗ DOES NOT ADD UP"
    return f"{total:,}{f' = {shown}' if shown else ''}{wrong}"


def moment(at: datetime | None) -> str:
    """A time in UTC to the minute, "-" where there is none."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else "-"


def deadline(at: datetime, now: datetime) -> str:
    """When a wait ends: to the second while it is near."""
    return f"{at.astimezone(UTC):%H:%M:%S} UTC" if at - now < timedelta(hours=1) else moment(at)


def clock(at: datetime, now: datetime) -> str:
    """A time on a screen that says which day it is: the minute of today, else the day too."""
    return f"{at.astimezone(UTC):%H:%M}" if at.astimezone(UTC).date() == now.astimezone(UTC).date() else moment(at)


def span(length: timedelta) -> str:
    """A length of time: 5.2 s, 14 min 05 s, 3 h 10 min, 2 d 04 h."""
    seconds = length.total_seconds()
    if seconds < 60:  # noqa: PLR2004 a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours:02} h"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
