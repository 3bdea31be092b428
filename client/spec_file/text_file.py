"""Files that people write, read as UTF-8 text: what is no such file is refused with one clear reason."""

import hashlib
import os
import stat
from pathlib import Path
from typing import NamedTuple

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class TextFile(NamedTuple):
    """A file's text, without a byte order mark, and the SHA-256 of its bytes."""

    text: str
    sha256: str


class Unreadable(Exception):
    """A file that is no text of a bearable size. `line` is where, from 1, if it is anywhere."""

    def __init__(self, reason: str, line: int | None = None, *, missing: bool = False) -> None:
        """`missing`: there is no such file."""
        super().__init__(reason)
        self.line = line
        self.missing = missing


def read_text_file(path: Path, max_bytes: int) -> TextFile:
    """The text in `path`; raises Unreadable."""
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):  # opening a pipe would wait for a writer, for ever
            raise Unreadable("this is no regular file; save it as one")
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise Unreadable("there is no such file", missing=True) from None
    except IsADirectoryError:
        raise Unreadable("this is a directory; name the file in it") from None
    except OSError as error:
        raise Unreadable(f"cannot be read: {os.strerror(error.errno or 0)}") from None
    except ValueError:
        raise Unreadable("this cannot be the name of a file") from None
    if len(content) > max_bytes:
        raise Unreadable(f"is larger than {max_bytes // 1_000_000} MB; make it smaller")
    if content.startswith(_UTF_16):
        raise Unreadable("is UTF-16; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable("a character here is not UTF-8, perhaps Latin-1; save the file as UTF-8", line) from None
    if (position := text.find("\0")) >= 0:
        line = text.count("\n", 0, position) + 1
        raise Unreadable("a NUL byte, so this is no text; save it as UTF-8 text", line)
    return TextFile(text, hashlib.sha256(content).hexdigest())
