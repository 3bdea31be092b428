"""Keys of a terminal as they are pressed: without Enter, without echo, and without anybody waiting for them."""

import asyncio
import codecs
import os
import re
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ENTER = "\n"
ESCAPE = "\x1b"
BACKSPACE = "\x7f"
GONE = ""
"""Put in place of a key when the terminal has gone."""

_SEQUENCE = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|O.)")
"""What arrows and function keys send: none of it is meant for us."""
_SAME = {"\r": ENTER, "\b": BACKSPACE}
_AT_ONCE = 1024


class Keyboard:
    """The keys that were pressed and not yet asked for."""

    def __init__(self) -> None:
        """Nothing is read before `open` is entered."""
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")

    async def pressed(self) -> str:
        """The next key, one character; `GONE` when there is no terminal any more."""
        return await self._keys.get()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Read the terminal on stdin; however it ends, the terminal is as it was. Without one nothing is ever pressed.

        Ctrl-Z would leave the shell with a terminal that does not echo: it does nothing while this is open.
        """
        if not sys.stdin.isatty():
            yield
            return
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
        loop = asyncio.get_running_loop()
        try:
            termios.tcsetattr(terminal, termios.TCSANOW, _by_key(termios.tcgetattr(terminal)))
            loop.add_reader(terminal, self._read, terminal)
            yield
        finally:
            loop.remove_reader(terminal)
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)

    def _read(self, terminal: int) -> None:
        try:
            read = os.read(terminal, _AT_ONCE)
        except OSError:  # a terminal whose window was closed answers so
            read = b""
        if not read:
            asyncio.get_running_loop().remove_reader(terminal)
            self._keys.put_nowait(GONE)
        for key in _SEQUENCE.sub("", self._decoder.decode(read)):
            self._keys.put_nowait(_SAME.get(key, key))


def _by_key(mode: list[Any]) -> list[Any]:
    """A terminal's mode, changed so that each key is read at once and none is echoed."""
    flags, characters = mode[3] & ~(termios.ECHO | termios.ICANON), list(mode[6])
    characters[termios.VMIN], characters[termios.VTIME], characters[termios.VSUSP] = 1, 0, b"\0"
    return [*mode[:3], flags, *mode[4:6], characters]
