"""Finds or obtains the `temporal` command line tool, which carries the embedded development server.

The order: `temporal` on PATH, our cache, the Temporal SDK's own download, a build from source with Go. What is
obtained goes into the user's cache under a temporary name first, so that a half-made tool is never found.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from temporalio.testing import WorkflowEnvironment

from domain.errors import Unreachable

VERSION = "1.5.1"
"""The newest release that builds from the Go module proxy; its server is 1.29.1."""

_MODULE = "github.com/temporalio/cli"
_ANSWER_SECONDS = 30
_DOWNLOAD_SECONDS = 60
_BUILD_SECONDS = 15 * 60


class TemporalCliMissing(Unreachable):
    """No way led to a `temporal` that answers; the line says why for each of them."""


class _WayClosed(Exception):
    """One of the ways to obtain the tool led nowhere; the message is its reason."""


def find() -> Path | None:
    """The `temporal` on PATH, else the cached one; one that does not answer `--version` does not count."""
    on_path = shutil.which("temporal")
    candidates = [Path(on_path)] if on_path else []
    return next((path for path in (*candidates, _cached()) if version_of(path)), None)


def obtain(say: Callable[[str], None]) -> Path:
    """The tool that `find` finds, otherwise a fresh one in the cache. Blocks, for minutes where Go has to build.

    `say` gets a line before and after everything that takes time. Several processes may call this at once: one
    works, the others wait for its result. Raises TemporalCliMissing.
    """
    if found := find():
        return found
    target = _cached()
    target.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(target.with_name("temporal.lock"), say):
        return find() or _make(target, say)


def version_of(path: Path) -> str:
    """What the tool answers to `--version`, "" when it does not answer."""
    try:
        answer = subprocess.run(  # noqa: S603 the path is our own or from the person's PATH
            [path, "--version"], capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


def main() -> int:
    """`python -m client.temporal_cli`: obtains the tool and prints one line about it. Returns the exit code."""
    try:
        path = obtain(partial(print, flush=True))
    except TemporalCliMissing as error:
        sys.stderr.write(f"{error.line}\nhint: {error.hint}\n")
        return 3
    sys.stdout.write(f"Temporal CLI: {path} ({version_of(path)})\n")
    return 0


def _cached() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "outrider", "bin", f"temporal-{VERSION}")


@contextlib.contextmanager
def _one_at_a_time(lock: Path, say: Callable[[str], None]) -> Iterator[None]:
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another process is obtaining the Temporal CLI; waiting for it.")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _make(target: Path, say: Callable[[str], None]) -> Path:
    """Tries the download, then the build, in a scratch directory beside the target. The caller holds the lock."""
    for left_by_a_kill in target.parent.glob("making-*"):
        shutil.rmtree(left_by_a_kill)
    reasons = []
    for way in (_download, _build):
        with tempfile.TemporaryDirectory(prefix="making-", dir=target.parent) as scratch:
            try:
                way(Path(scratch), say).replace(target)
            except _WayClosed as closed:
                reasons.append(str(closed))
                continue
            return target
    raise TemporalCliMissing(
        "No Temporal CLI: none on PATH; " + "; ".join(reasons) + ".",
        hint="put `temporal` 1.5 or newer on PATH, or Go 1.25 or newer, and run the command again",
    )


def _download(scratch: Path, say: Callable[[str], None]) -> Path:
    """Lets the Temporal SDK fetch the tool.

    In a process of its own: that bounds the time, keeps the output tidy and is safe inside a running event loop.
    """
    say(f"Downloading the Temporal CLI {VERSION}, once.")
    code = "import sys; from client.temporal_cli import _download_with_sdk; _download_with_sdk(sys.argv[1])"
    reason = "it left no tool that answers"
    try:
        _run([sys.executable, "-c", code, str(scratch)], seconds=_DOWNLOAD_SECONDS)
    except _WayClosed as failed:
        reason = str(failed).rpartition("executable: ")[2]
    for path in scratch.iterdir():
        if version_of(path):
            return path
    say(f"No download: {reason}.")
    raise _WayClosed(f"the download failed ({reason})")


def _download_with_sdk(directory: str) -> NoReturn:
    """The whole of the download's process. It ends by `os._exit`, as the SDK can crash at interpreter exit."""

    async def start_and_stop() -> None:
        async with await WorkflowEnvironment.start_local(
            download_dest_dir=directory, dev_server_download_version=f"v{VERSION}"
        ):
            pass

    try:
        asyncio.run(start_and_stop())
    except RuntimeError as refused:
        sys.stderr.write(str(refused))
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _build(scratch: Path, say: Callable[[str], None]) -> Path:
    go = shutil.which("go")
    if not go:
        raise _WayClosed("no Go on PATH to build it with")
    say(f"Building the Temporal CLI {VERSION} with Go, once: 2 to 5 minutes, 3 GB of disk meanwhile, 213 MB after.")
    started = time.monotonic()
    flags = f"-s -w -X {_MODULE}/temporalcli.Version={VERSION}"
    environment = {
        "GOBIN": str(scratch),
        "GOCACHE": str(scratch / "build"),
        "GOFLAGS": "-modcacherw",  # otherwise the scratch directory could not be deleted
        "GOMODCACHE": str(scratch / "modules"),
        "GOTOOLCHAIN": "local",  # no second download of Go itself
    }
    command = [go, "install", "-trimpath", f"-ldflags={flags}", f"{_MODULE}/cmd/temporal@v{VERSION}"]
    try:
        _run(command, seconds=_BUILD_SECONDS, environment=environment)
    except _WayClosed as failed:
        raise _WayClosed(f"the build failed ({failed})") from None
    tool = scratch / "temporal"
    if not version_of(tool):
        raise _WayClosed("the tool that was built does not answer")
    say(f"Built in {time.monotonic() - started:.0f} s, {tool.stat().st_size / 1e6:.0f} MB.")
    return tool


def _run(command: Sequence[str], *, seconds: int, environment: Mapping[str, str] | None = None) -> None:
    """Runs a command with everything it starts; raises _WayClosed with its last line, or when time is up."""
    with subprocess.Popen(  # noqa: S603 the commands of this file
        command,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise _WayClosed(f"not done after {seconds} s") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        last_line = (output.strip().splitlines() or [f"exit status {process.returncode}"])[-1]
        raise _WayClosed(last_line[:200])


if __name__ == "__main__":
    sys.exit(main())
