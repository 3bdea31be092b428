"""A PostgreSQL server of the suite's own: started by whoever runs the tests, on loopback, gone afterwards."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

START_SECONDS = 30.0
WATCH = """\
read -r _
kill -QUIT "$1"
left=100
while [ $left -gt 0 ] && kill -0 "$1"; do left=$((left - 1)); sleep 0.1; done
rm -rf "$2"
"""
"""A shell script that waits for the end of its input, then ends process $1 and removes directory $2."""
OWNERS = ("postgres", "nobody")
"""The server refuses to run as root: it then belongs to the first of these users that there is."""
ACCESS = """\
host all guarded 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
local all all trust
"""


class Server(NamedTuple):
    """A running server. Everybody on this machine may connect, but the role `guarded` needs a password."""

    port: int
    pid: int
    log: Path

    def url(self, database: str, user: str = "postgres") -> str:
        """As in OUTRIDER_DATABASE_URL."""
        return f"postgresql+asyncpg://{user}@127.0.0.1:{self.port}/{database}"


@contextmanager
def server(*, fsync: bool = False) -> Iterator[Server]:
    """A server that stops with the block; raises FileNotFoundError where PostgreSQL is not installed.

    A test that needs `fsync` would need a power cut and another machine; a benchmark needs it.
    """
    programs = _programs()
    place = Path(tempfile.mkdtemp(prefix="outrider-postgres-"))
    try:
        owner = _hand_over(place)
        _initialise(programs, place, owner)
        with _running(programs, place, owner, fsync=fsync) as started:
            yield started
    finally:
        shutil.rmtree(place)


def _programs() -> Path:
    """The directory of initdb and postgres."""
    links = [Path(found).resolve() for found in [shutil.which("initdb")] if found]
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    for initdb in [*links, *sorted(versions, key=lambda path: float(path.parts[4]), reverse=True)]:
        if (initdb.parent / "postgres").exists():
            return initdb.parent
    raise FileNotFoundError(
        "no PostgreSQL server programs: neither initdb in PATH nor /usr/lib/postgresql/*/bin; the storage tests need"
        " them (Debian and Ubuntu: apt-get install postgresql)"
    )


def _hand_over(place: Path) -> dict[str, Any]:
    """Arguments of subprocess that make the server somebody else's when we are root."""
    if os.geteuid() != 0:
        return {}
    known = {user.pw_name: user for user in pwd.getpwall()}
    owner = next(known[name] for name in OWNERS if name in known)
    os.chown(place, owner.pw_uid, owner.pw_gid)
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _initialise(programs: Path, place: Path, owner: dict[str, Any]) -> None:
    command = [str(programs / "initdb"), "-D", str(place / "data"), "-A", "trust", "-U", "postgres", "-E", "UTF8"]
    command += ["--no-locale", "--no-sync"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, **owner)
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed: {done.stderr}")
    (place / "data" / "pg_hba.conf").write_text(ACCESS)


@contextmanager
def _running(programs: Path, place: Path, owner: dict[str, Any], *, fsync: bool) -> Iterator[Server]:
    port, log = _free_port(), place / "log"
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(place),
        "fsync": "on" if fsync else "off",
        "max_connections": "200",
        "shared_buffers": "64MB",
        "deadlock_timeout": "200ms",
    }
    command = [str(programs / "postgres"), "-D", str(place / "data")]
    command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with log.open("wb") as written:
        process = subprocess.Popen(command, cwd=place, stdout=written, stderr=written, **owner)
    try:
        with _watched(process, place, owner):
            _wait_until_ready(process, port, log)
            yield Server(port, process.pid, log)
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nobody needs these data again
        process.wait(20)


@contextmanager
def _watched(process: "subprocess.Popen[bytes]", place: Path, owner: dict[str, Any]) -> Iterator[None]:
    """Whoever started the server may be killed: then their end of a pipe closes, and nothing stays behind."""
    command = ["/bin/sh", "-c", WATCH, "sh", str(process.pid), str(place)]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, **quiet, **owner) as watcher:
        try:
            yield
        finally:
            watcher.kill()


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0 and "ready to accept connections" in log.read_text():
                return
        time.sleep(0.02)
    raise TimeoutError(f"PostgreSQL is not ready after {START_SECONDS} s: {log.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
