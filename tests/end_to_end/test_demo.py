"""`make demo` adds up, ends with exit code 0 without a terminal, and leaves nothing behind."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(240)
def test_the_demo_adds_up_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.demo"],
        env={**os.environ, "TMPDIR": str(tmp_path), "CI": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert "199 sent = 199 in the inbox · 0 missing · 0 twice · 0 in doubt\n" in done.stdout
    assert "it adds up\n" in done.stdout
    assert list(tmp_path.iterdir()) == []
    worker = re.search(r"worker pid (\d+)", done.stdout)
    assert worker is not None
    assert not Path("/proc", worker[1]).exists()
