"""A tool that tests need is built once, never found half made, and its absence is one clear line."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import go_tools
import pytest

TOOL = go_tools.GoTool("probe", "1.2.3", "example.com/probe", "v0.1.2", "./cmd/probe", ("-tags=x",))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and no Go; returns the directory of the tools."""
    (tmp_path / "path").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path / "cache" / "outrider" / "bin"


@pytest.fixture
def put_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes a `go` that downloads an empty module and builds a program that answers so; returns its journal."""
    module, journal = tmp_path / "module", tmp_path / "journal"
    module.mkdir()

    def put(answer: str) -> Path:
        go = tmp_path / "path" / "go"
        go.write_text(
            f"#!/bin/sh\necho \"$1 $GOMODCACHE\" >> '{journal}'\n"
            f'case $1 in mod) echo \'{{"Dir": "{module}"}}\'; exit;; esac\n'
            'while [ "$1" != -o ]; do shift; done\n'
            f'mkdir -p "$GOMODCACHE"; printf "#!/bin/sh\\n{answer}\\n" > "$2"; chmod +x "$2"\n',
            encoding="utf-8",
        )
        go.chmod(0o755)
        monkeypatch.setenv("PATH", f"{go.parent}:{os.defpath}")
        return journal

    return put


def test_without_go_there_is_one_clear_line(cache: Path) -> None:
    with pytest.raises(
        go_tools.GoToolMissing, match=r"^no Go on PATH to build probe 1\.2\.3 with; .* Go 1\.26 or newer$"
    ):
        go_tools.obtain(TOOL, lambda _: None)
    assert [path.name for path in cache.iterdir()] == ["go-tools.lock"]


def test_a_tool_is_built_once_and_nothing_of_the_build_is_left(cache: Path, put_go: Callable[[str], Path]) -> None:
    journal = put_go("echo probe 1.2.3")
    said: list[str] = []
    paths = {go_tools.obtain(TOOL, said.append) for _ in range(2)}
    assert paths == {cache / "probe-1.2.3"}
    assert [line.split()[0] for line in journal.read_text(encoding="utf-8").splitlines()] == ["mod", "build"]
    assert sorted(path.name for path in cache.iterdir()) == ["go-tools.lock", "probe-1.2.3"]
    assert said[0].startswith("Building probe 1.2.3 with Go, once: ")
    assert said[1].startswith("Built in ")


def test_a_build_leaves_the_modules_of_this_person_alone(cache: Path, put_go: Callable[[str], Path]) -> None:
    journal = put_go("echo probe 1.2.3")
    go_tools.obtain(TOOL, lambda _: None)
    used = {line.split()[1] for line in journal.read_text(encoding="utf-8").splitlines()}
    assert all(place.startswith(f"{cache}/{go_tools.PLACE_FOR_BUILDS}") for place in used)


def test_several_at_once_build_once(cache: Path, put_go: Callable[[str], Path]) -> None:
    journal = put_go("echo probe 1.2.3")
    with ThreadPoolExecutor(3) as threads:
        paths = set(threads.map(lambda _: go_tools.obtain(TOOL, lambda _: None), range(3)))
    assert paths == {cache / "probe-1.2.3"}
    assert journal.read_text(encoding="utf-8").count("build ") == 1


def test_a_tool_of_another_version_is_refused(cache: Path, put_go: Callable[[str], Path]) -> None:
    put_go("echo probe 1.2.2")
    with pytest.raises(go_tools.GoToolMissing, match=r"does not say that it is 1\.2\.3"):
        go_tools.obtain(TOOL, lambda _: None)
    assert [path.name for path in cache.iterdir()] == ["go-tools.lock"]


def test_a_build_that_fails_says_why(cache: Path, put_go: Callable[[str], Path], tmp_path: Path) -> None:
    put_go("")
    (tmp_path / "path" / "go").write_text("#!/bin/sh\necho 'module not found' >&2; exit 1\n", encoding="utf-8")
    with pytest.raises(go_tools.GoToolMissing, match=r"^probe: mod download failed: module not found$"):
        go_tools.obtain(TOOL, lambda _: None)
    assert [path.name for path in cache.iterdir()] == ["go-tools.lock"]


def test_what_a_killed_build_left_is_cleared(cache: Path, put_go: Callable[[str], Path]) -> None:
    left = cache / f"{go_tools.PLACE_FOR_BUILDS}left" / "modules"
    left.mkdir(parents=True)
    put_go("echo probe 1.2.3")
    go_tools.obtain(TOOL, lambda _: None)
    assert not left.exists()


@pytest.mark.usefixtures("cache")
def test_the_command_answers_missing_go_with_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert go_tools.main() == 3
    assert "no Go on PATH" in capsys.readouterr().err


def test_another_manifest_is_another_collector() -> None:
    assert go_tools.COLLECTOR.recipe
    assert replace(go_tools.COLLECTOR, recipe="other").cached != go_tools.COLLECTOR.cached
