"""The `temporal` tool is found where it is, never half made, and its absence is one clear line."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from client import temporal_cli

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty PATH, an empty cache and no way to any host; returns the cache's bin directory."""
    (tmp_path / "path").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    return tmp_path / "cache" / "outrider" / "bin"


def put_tool(path: Path, body: str) -> Path:
    """Writes an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_the_tool_on_path_comes_before_the_cached_one(bare_machine: Path, tmp_path: Path) -> None:
    cached = put_tool(bare_machine / f"temporal-{temporal_cli.VERSION}", "echo temporal version cached")
    assert temporal_cli.find() == cached
    on_path = put_tool(tmp_path / "path" / "temporal", "echo temporal version on-path")
    assert temporal_cli.find() == on_path


@pytest.mark.parametrize("body", ["exit 1", "kill -SEGV $$", ":"])
def test_a_tool_that_does_not_answer_is_not_found(bare_machine: Path, tmp_path: Path, body: str) -> None:
    put_tool(tmp_path / "path" / "temporal", body)
    put_tool(bare_machine / f"temporal-{temporal_cli.VERSION}", body)
    assert temporal_cli.find() is None


def test_without_any_way_there_is_one_clear_line_and_a_hint(bare_machine: Path) -> None:
    said: list[str] = []
    with pytest.raises(temporal_cli.TemporalCliMissing) as missing:
        temporal_cli.obtain(said.append)
    assert missing.value.line.startswith("No Temporal CLI: none on PATH; the download failed (")
    assert missing.value.line.endswith("; no Go on PATH to build it with.")
    assert "\n" not in missing.value.line
    assert "Go 1.25" in missing.value.hint
    assert [path.name for path in bare_machine.iterdir()] == ["temporal.lock"]


@pytest.mark.usefixtures("bare_machine")
def test_the_command_answers_a_missing_tool_with_exit_code_3() -> None:
    command = subprocess.run(
        [sys.executable, "-m", "client.temporal_cli"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert command.returncode == 3
    assert "hint: " in command.stderr
    assert "Traceback" not in command.stderr + command.stdout


def test_a_build_that_fails_says_why(bare_machine: Path, tmp_path: Path) -> None:
    put_tool(tmp_path / "path" / "go", "echo downloading; echo 'go: module not found' >&2; exit 1")
    with pytest.raises(temporal_cli.TemporalCliMissing, match=r"the build failed \(go: module not found\)"):
        temporal_cli.obtain(lambda _: None)
    assert not list(bare_machine.glob("making-*"))


def test_several_at_once_build_once_and_all_get_the_tool(bare_machine: Path, tmp_path: Path) -> None:
    built = tmp_path / "built"
    shell_tools = os.defpath
    put_tool(
        tmp_path / "path" / "go",
        f"PATH={shell_tools}\necho x >> '{built}'\nsleep 0.3\n"
        "printf '#!/bin/sh\\necho temporal version fresh\\n' > $GOBIN/temporal\nchmod +x $GOBIN/temporal",
    )
    said: list[str] = []
    obtain: Callable[[object], Path] = lambda _: temporal_cli.obtain(said.append)  # noqa: E731
    with ThreadPoolExecutor(3) as threads:
        paths = set(threads.map(obtain, range(3)))
    assert paths == {bare_machine / f"temporal-{temporal_cli.VERSION}"}
    assert temporal_cli.version_of(paths.pop()) == "temporal version fresh"
    assert built.read_text(encoding="utf-8") == "x\n"
    assert sum("waiting" in line for line in said) == 2


def test_what_a_killed_build_left_is_cleared(bare_machine: Path, tmp_path: Path) -> None:
    left = bare_machine / "making-left" / "modules"
    left.mkdir(parents=True)
    put_tool(tmp_path / "path" / "go", "exit 1")
    with pytest.raises(temporal_cli.TemporalCliMissing):
        temporal_cli.obtain(lambda _: None)
    assert not left.exists()


def test_a_command_that_outlasts_its_time_ends_with_everything_it_started(tmp_path: Path) -> None:
    held_open = tmp_path / "held-open"
    os.mkfifo(held_open)
    reader = os.open(held_open, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(temporal_cli._WayClosed, match="not done after 1 s"):
        temporal_cli._run(["/bin/sh", "-c", f"sleep 600 > '{held_open}' & wait"], seconds=1)
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b"", "end of file comes when the last writer is gone"
    os.close(reader)
