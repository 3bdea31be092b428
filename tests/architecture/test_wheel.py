"""The wheel holds our rooms and nothing else, and nobody else in the environment owns a name of ours."""

import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
NOT_SHIPPED = {".pyc"}


@pytest.fixture(scope="module")
def wheel_files(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The paths inside a wheel that is built from this tree into a temporary directory."""
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT],
        check=True,
        capture_output=True,
        cwd=out,
    )
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_exactly_our_rooms(wheel_files: set[str]) -> None:
    project = PROJECT["project"]
    metadata = f"{project['name']}-{project['version']}.dist-info"
    assert {path.split("/")[0] for path in wheel_files} == ROOMS | {metadata}


def test_every_file_of_a_room_is_in_the_wheel(wheel_files: set[str]) -> None:
    """Data files too: migrations, templates, pages, statements."""
    sources = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix not in NOT_SHIPPED
    }
    assert {path for path in wheel_files if ".dist-info/" not in path} == sources
    assert any(path.startswith("storage/migrations/") for path in wheel_files)


def test_nobody_else_owns_our_names() -> None:
    owners = packages_distributions()
    strangers = {
        room: set(owners.get(room, [])) - {PROJECT["project"]["name"]}
        for room in ROOMS
        if set(owners.get(room, [])) - {PROJECT["project"]["name"]}
    }
    assert strangers == {}


def test_the_rooms_are_named_alike_for_every_tool() -> None:
    tools = PROJECT["tool"]
    assert set(tools["importlinter"]["root_packages"]) == ROOMS
    assert set(tools["ruff"]["lint"]["isort"]["known-first-party"]) == ROOMS


def test_it_cannot_be_uploaded_by_accident() -> None:
    assert "Private :: Do Not Upload" in PROJECT["project"]["classifiers"]
