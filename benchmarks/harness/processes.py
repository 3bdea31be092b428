"""What a process uses, as the kernel counts it; Linux only, elsewhere nothing is known."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_MEGABYTES = os.sysconf("SC_PAGE_SIZE") / 1_000_000
_UTIME, _STIME, _CHILDREN_UTIME, _CHILDREN_STIME = 11, 12, 13, 14
"""Fields of /proc/PID/stat behind the command's closing parenthesis."""

_LOOK_EVERY_SECONDS = 0.2


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of its children, those that have ended too."""
    fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    own = sum(int(fields[place]) for place in (_UTIME, _STIME, _CHILDREN_UTIME, _CHILDREN_STIME))
    return own / _TICKS + sum(cpu_seconds(child) for child in _children(pid))


def memory_megabytes(pid: int) -> float:
    """What of its memory is resident."""
    return int((_PROC / str(pid) / "statm").read_text(encoding="utf-8").split()[1]) * _PAGE_MEGABYTES


@contextmanager
def watched(pids: Sequence[int]) -> Iterator[list[float]]:
    """The memory of these processes together, in megabytes, looked at every 0.2 s until the block ends."""
    seen: list[float] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_EVERY_SECONDS):
            seen.append(sum(map(memory_megabytes, pids)))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def _children(pid: int) -> list[int]:
    tasks = (_PROC / str(pid) / "task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text(encoding="utf-8").split()]
