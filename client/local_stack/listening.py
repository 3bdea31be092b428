"""Whether it is our own part that listens on a port, and not the part of another stack that was quicker."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_LISTEN = "0A"  # TCP_LISTEN in linux/net/tcp_states.h


def listens(group: int, port: int) -> bool:
    """Whether a process of this group listens on the port, over IPv4. Blocks for a moment."""
    if (_PROC / "net/tcp").exists():
        return any(_sockets(pid) & _listening(port) for pid in _members(group))
    return asks_lsof(group, port)


def asks_lsof(group: int, port: int) -> bool:
    """The same where there is no /proc, as on macOS."""
    question = ["lsof", "-nP", "-a", "-g", str(group), f"-i4TCP:{port}", "-sTCP:LISTEN", "-t"]
    return bool(subprocess.run(question, capture_output=True, check=False).stdout)  # noqa: S603 only numbers vary


def _listening(port: int) -> set[str]:
    """The sockets that listen on the port, as the links in /proc/PID/fd name them."""
    rows = [line.split() for line in (_PROC / "net/tcp").read_text().splitlines()[1:]]
    return {f"socket:[{row[9]}]" for row in rows if row[3] == _LISTEN and row[1].endswith(f":{port:04X}")}


def _members(group: int) -> list[int]:
    pids = (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal())
    return [pid for pid in pids if _group_of(pid) == group]


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except OSError:  # it has gone meanwhile
        return None


def _sockets(pid: int) -> set[str]:
    """What the process has open, sockets among it."""
    links = set()
    with suppress(OSError):  # it, or a file of it, has gone meanwhile: the next look sees the rest
        for descriptor in (_PROC / str(pid) / "fd").iterdir():
            links.add(str(descriptor.readlink()))
    return links
