"""Where and when something was measured: figures without it say nothing."""

import os
import platform
import sqlite3
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

_SYNCS = 50
_PAGE = b"\0" * 4096


def description(root: Path, load_before: float) -> list[str]:
    """Lines about date, commit, machine and how busy it was; `load_before` is the load average at the beginning."""
    return [
        f"Date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"Commit: {_commit(root)}",
        f"Machine: {os.cpu_count()} cores, {_cpu_model()}; a sync of the disk takes {_sync_milliseconds(root):.2f} ms",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        f"Load average: {load_before:.2f} before, {os.getloadavg()[0]:.2f} after",
    ]


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _commit(root: Path) -> str:
    try:
        commit = _git(root, "rev-parse", "--short", "HEAD")
        changed = _git(root, "status", "--porcelain")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit} with uncommitted changes" if changed else commit


def _git(root: Path, *arguments: str) -> str:
    answer = subprocess.run(
        ["git", *arguments],  # noqa: S607 git as the person has it
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return answer.stdout.strip()


def _sync_milliseconds(where: Path) -> float:
    """Median time of an fsync after writing one page, on the disk that the databases were on."""
    took = []
    with tempfile.TemporaryFile(dir=where) as file:
        for _ in range(_SYNCS):
            file.write(_PAGE)
            file.flush()
            begin = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - begin)
    return 1000 * median(took)
