"""`make demo` and `make demo-crash` add up, end by themselves without a terminal, and leave nothing behind."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


def without_terminal(module: str, scratch: Path) -> str:
    """Run a demo as CI does; returns what it printed, after it has ended well and removed everything."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        env={**os.environ, "TMPDIR": str(scratch), "CI": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert list(scratch.iterdir()) == []
    workers = re.findall(r"worker pid (\d+)", done.stdout)
    assert workers
    assert not [pid for pid in workers if Path("/proc", pid).exists()]
    processes = (path / "environ" for path in Path("/proc").iterdir() if path.name.isdigit())
    assert not [path for path in processes if f"OUTRIDER_HOME={scratch}".encode() in _content(path)]
    return done.stdout


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # ended, or somebody else's
        return b""


def added_up(text: str) -> tuple[int, list[int]]:
    """Total and parts of a printed sum `3 leads = 2 sent + 1 refused`."""
    total, *parts = (int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", text))
    return total, parts


@pytest.mark.timeout(240)
def test_the_demo_goes_from_a_goal_to_the_inbox_and_adds_up(tmp_path: Path) -> None:
    shown = without_terminal("sandbox.demo", tmp_path)
    leads = re.search(r"^  [\d,]+ leads = .*$", shown, re.MULTILINE)
    in_inbox = r"^  (\d+) sent  = (\d+) mails in the inbox · 0 missing · 0 twice · 0 in doubt$"
    mails = re.search(in_inbox, shown, re.MULTILINE)
    assert leads is not None, shown
    assert mails is not None, shown
    total, parts = added_up(leads[0])
    assert total == sum(parts)
    assert int(mails[1]) == int(mails[2]) == parts[0] > 100
    assert " + 2 refused + " in leads[0]
    assert " + 4 suppressed" in leads[0]
    assert f"the same {total} people" in shown
    assert "IT DOES NOT ADD UP" not in shown
    assert "nothing was left un-understood" in shown
    assert re.search(rf"^  discovery +{total} +0 ", shown, re.MULTILINE), shown
    assert " no address in it" in shown


@pytest.mark.timeout(240)
def test_killed_in_the_middle_nobody_is_lost_or_written_to_twice_unlike_without_a_ledger(tmp_path: Path) -> None:
    shown = without_terminal("sandbox.demo_crash", tmp_path)
    killed = re.search(r"(\d+) arrived  kill -9 (\d+)$", shown, re.MULTILINE)
    assert killed is not None, shown
    assert 173 <= int(killed[1]) < 500
    assert re.search(r"^  lost +0$", shown, re.MULTILINE), shown
    assert re.search(r"^  twice +0$", shown, re.MULTILINE), shown
    sent = re.search(r"^  sent +(\d+) +(\d+)$", shown, re.MULTILINE)
    doubtful = re.search(r"^  in doubt +(\d+) +\d+$", shown, re.MULTILINE)
    assert sent is not None, shown
    assert sent[1] == sent[2]
    assert int(sent[1]) + int(doubtful[1] if doubtful else 0) == 500
    assert len(set(re.findall(r"worker pid (\d+)", shown))) == 2
    assert "taken up again (attempt 2)" in shown
    twice = re.search(r"(\d+) people got the mail twice$", shown, re.MULTILINE)
    assert twice is not None, shown
    assert int(twice[1]) > 0
