"""A part of the telemetry that tests start: its own process group, a log that is kept, an end that comes for sure."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

START_SECONDS = 30.0
STOP_SECONDS = 10.0


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], *, health: str, log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that answers 200 at `health`, until the block ends. What it says is appended to `log`."""
    with log.open("ab") as written:
        process = subprocess.Popen(
            command,
            # Nothing of whoever runs the tests but what every program needs.
            env={"PATH": os.environ["PATH"], "HOME": str(log.parent), **environment},
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
        )
    try:
        _wait_until_healthy(process, health, log)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)  # a test may have frozen it
            process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_healthy(process: "subprocess.Popen[bytes]", health: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with httpx.Client(trust_env=False, timeout=2.0) as http:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RuntimeError(f"{process.args!r} ended with {process.returncode}: {log.read_text()[-2000:]}")
            try:
                if http.get(health).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
    raise TimeoutError(f"{process.args!r} is not healthy after {START_SECONDS} s: {log.read_text()[-2000:]}")
