"""Arrows point down: the contracts of pyproject.toml hold, they can break, and a fresh interpreter agrees."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "root_packages"
]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
LOADED_BY = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""
REACHED_BY_ADAPTERS_ONLY = {"httpx", "aiosmtplib", "sqlalchemy", "langgraph", "jinja2", "yaml", "providers", "storage"}
NOT_FOR_THE_DOMAIN = {"temporalio", "structlog", "opentelemetry", "jinja2", "yaml", "pydantic_settings"}


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    """Runs import-linter with the contracts and sources of a tree."""
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=tree,
        env={**os.environ, "COLUMNS": "200"},  # a verdict stays on one line
        capture_output=True,
        text=True,
        check=False,
    )


def modules_of(room: str) -> list[str]:
    """The dotted names of all modules of a room."""
    paths = (path.relative_to(ROOT).with_suffix("") for path in sorted((ROOT / room).rglob("*.py")))
    return [".".join(path.parts).removesuffix(".__init__") for path in paths]


def loaded_by(modules: Sequence[str]) -> set[str]:
    """The top-level names that a fresh interpreter has loaded once it has imported the modules."""
    fresh = subprocess.run(
        [sys.executable, "-c", LOADED_BY, *modules], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert fresh.returncode == 0, fresh.stderr
    return {name.split(".")[0] for name in json.loads(fresh.stdout)}


def test_the_contracts_hold() -> None:
    linted = lint(ROOT)
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("domain/planted.py", "import worker", "Arrows point down"),
        ("web/planted.py", "import temporalio", "Only workflows, activities, worker and client know Temporal"),
        ("providers/planted.py", "import workflows", "Adapters reach no Temporal and no orchestration"),
        ("workflows/planted.py", "import httpx", "Workflows and activities reach no adapter and no I/O library"),
        ("domain/planted.py", "import structlog", "The domain knows pydantic and the standard library"),
        ("client/planted.py", "import storage", "Only client.adapters chooses adapters"),
        ("worker/planted.py", "import sandbox", "Nothing imports the local world"),
        ("sandbox/planted.py", "import domain", "The local world imports nothing of the product"),
    ],
)
def test_a_planted_import_breaks_its_contract(tmp_path: Path, module: str, line: str, contract: str) -> None:
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / module).write_text(line + "\n", encoding="utf-8")

    linted = lint(tmp_path)

    assert linted.returncode == 1, linted.stdout + linted.stderr
    verdicts = [row for row in linted.stdout.splitlines() if row.endswith(" BROKEN") and row.startswith(contract)]
    assert len(verdicts) == 1, linted.stdout


def test_workflows_and_activities_load_no_adapter_and_no_io_library() -> None:
    loaded = loaded_by(["workflows.campaign", *modules_of("workflows"), *modules_of("activities")])
    assert {"workflows", "activities"} <= loaded
    assert loaded & REACHED_BY_ADAPTERS_ONLY == set()


def test_the_domain_loads_only_pydantic_and_the_standard_library() -> None:
    loaded = loaded_by(modules_of("domain"))
    assert {"domain", "pydantic"} <= loaded
    assert loaded & (NOT_FOR_THE_DOMAIN | REACHED_BY_ADAPTERS_ONLY) == set()
