"""One `outrider up` to a home, and everybody else can see whether it runs."""

import fcntl
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from client import up_lock
from domain.errors import InputError


def test_it_is_held_until_the_block_ends(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert not up_lock.held(home)
    with up_lock.hold(home):
        assert up_lock.held(home)
        with pytest.raises(InputError, match="runs already for") as refused, up_lock.hold(home):
            pass
        assert refused.value.hint == "outrider doctor, or another OUTRIDER_HOME"
        assert up_lock.held(home)
    assert not up_lock.held(home)


def test_it_goes_with_a_process_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from client import up_lock\n"
        "with up_lock.hold(Path(sys.argv[1])): print(flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert up_lock.held(tmp_path)
        holder.kill()
        holder.wait(10)
    assert not up_lock.held(tmp_path)


def test_those_who_ask_do_not_keep_one_from_starting(tmp_path: Path) -> None:
    with up_lock.hold(tmp_path):
        pass
    with (tmp_path / "up.lock").open() as asking, ThreadPoolExecutor(1) as thread:
        fcntl.flock(asking, fcntl.LOCK_SH)

        def start() -> bool:
            with up_lock.hold(tmp_path):
                return True

        started = thread.submit(start)
        with pytest.raises(TimeoutError):
            started.result(0.1)
        fcntl.flock(asking, fcntl.LOCK_UN)
        assert started.result(5)


def test_where_a_file_system_has_no_locks_the_process_id_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with up_lock.hold(tmp_path):
        assert (tmp_path / "up.lock").read_text() == str(os.getpid())
    (tmp_path / "up.lock").write_text(str(os.getppid()))
    assert up_lock.held(tmp_path)
    with pytest.raises(InputError, match="runs already"), up_lock.hold(tmp_path):
        pass
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(10)
    (tmp_path / "up.lock").write_text(str(gone.pid))
    assert not up_lock.held(tmp_path)


@pytest.mark.parametrize("home", ["/proc", "/proc/home", "/dev/null/home"])  # closed even to root
def test_a_home_that_cannot_be_written_to(home: str) -> None:
    with pytest.raises(InputError) as refused, up_lock.hold(Path(home)):
        pass
    assert refused.value.line.startswith(f"OUTRIDER_HOME {home} cannot be written to: ")
    assert refused.value.hint == "let this user write there, or set another OUTRIDER_HOME"
    assert not up_lock.held(Path(home))
