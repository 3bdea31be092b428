"""The name that this command was called by: hints repeat it, so that they can be typed as they stand."""

import re
import shlex
import shutil
import sys
from pathlib import Path

from rich.text import Text

_USUAL = "outrider"
_COMMAND = re.compile(rf"(?<![\w./-]){_USUAL}(?= (?:--)?[a-z])")
"""A command of ours in a line: the name, and after it a subcommand or an option."""


def called() -> str:
    """`outrider` where the PATH leads to this command, else the way to it that was typed."""
    path = Path(sys.argv[0])
    if path.name != _USUAL:  # python -m, or a script of somebody else's
        return _USUAL
    found = shutil.which(_USUAL)
    return _USUAL if found and Path(found).resolve() == path.resolve() else shlex.quote(sys.argv[0])


def as_called(line: str) -> str:
    """The line with every command of ours by the name it was called by."""
    return _COMMAND.sub(lambda _: called(), line)


def styled_as_called(line: Text) -> Text:
    """The same for a line with styles, which stay."""
    for found in reversed([*_COMMAND.finditer(line.plain)]):
        line = line[: found.start()].append(called()).append_text(line[found.end() :])
    return line
