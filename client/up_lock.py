"""The lock of `outrider up`: while it runs for a home it holds `$OUTRIDER_HOME/up.lock`.

The kernel lets go of the lock however the process ends, so the lock says whether stack.json still holds.
"""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from domain.errors import InputError

_PATIENCE_SECONDS = 0.5
"""Whoever asks whether the lock is held has it for a moment."""


@contextmanager
def hold(home: Path) -> Iterator[None]:
    """Hold a home, which is made when it is not there; raises InputError when it is held or cannot be written to."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass  # the lock alone may be there already, in a directory that takes nothing new
        lock = _file(home).open("a+")
    except OSError as error:
        raise InputError(
            f"OUTRIDER_HOME {home} cannot be written to: {error.strerror}",
            hint="let this user write there, or set another OUTRIDER_HOME",
        ) from None
    with lock:
        _take(lock, home)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def held(home: Path) -> bool:
    """Whether an `outrider up` runs for this home now; raises OSError when that cannot be seen."""
    try:
        with _file(home).open() as lock:
            return _is_taken(lock, fcntl.LOCK_SH)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _file(home: Path) -> Path:
    return home / "up.lock"


def _take(lock: IO[str], home: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while _is_taken(lock, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            raise InputError(f"`outrider up` runs already for {home}", hint="outrider doctor, or another OUTRIDER_HOME")
        time.sleep(0.02)


def _is_taken(lock: IO[str], kind: int) -> bool:
    """Whether somebody else has the lock; if nobody, this process has it from now on."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks: then the process id in the file is all there is
        lock.seek(0)
        return _lives(lock.read())
    return False


def _lives(pid: str) -> bool:
    if not pid.isdecimal() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # it runs, for another user
    return True
