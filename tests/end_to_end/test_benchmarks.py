"""Every benchmark still runs: small, its speed held against no target, and without touching the results."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from client.temporal_cli import VERSION, obtain

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SCENARIOS = sorted({path.stem for path in BENCHMARKS.glob("*.py")} - {"run", "plain_script"})


def run(*arguments: str, path: str | None = None, **extra: str) -> subprocess.CompletedProcess[str]:
    """`benchmarks/run.py` as `make bench` calls it; `path` takes the place of PATH, `extra` are further variables."""
    return subprocess.run(
        [sys.executable, str(BENCHMARKS / "run.py"), *arguments],
        env={**os.environ, "PATH": os.environ["PATH"] if path is None else path, **extra},
        capture_output=True,
        text=True,
        check=False,
    )


def results() -> bytes | None:
    """What stands in RESULTS.md, None when there is none."""
    path = BENCHMARKS / "RESULTS.md"
    return path.read_bytes() if path.exists() else None


@pytest.mark.timeout(400)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_runs_small_and_leaves_the_results_alone(scenario: str) -> None:
    before = results()
    ran = run(scenario, "--small")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.lstrip().startswith("| figure "), ran.stdout
    assert results() == before
    assert list(BENCHMARKS.glob(".scratch-*")) == []


def test_without_go_the_inbox_is_the_sink_of_a_small_run_and_a_full_run_says_what_is_missing() -> None:
    small = run("ledger_send", "--small", path="")
    assert small.returncode == 0, small.stderr
    assert "the sink itself" not in small.stdout
    full = run("ledger_send", path="")
    assert full.returncode == 3
    assert "Go is not on PATH" in full.stderr


@pytest.mark.timeout(120)
def test_without_go_and_a_collector_a_small_run_takes_the_telemetry_itself(tmp_path: Path) -> None:
    bin_ = tmp_path / "outrider" / "bin"
    bin_.mkdir(parents=True)
    (bin_ / f"temporal-{VERSION}").symlink_to(obtain(print))
    small = run("telemetry_cost", "--small", path="", XDG_CACHE_HOME=str(tmp_path))
    assert small.returncode == 0, small.stderr
    assert "this process took everything" in small.stdout
    assert "Jaeger," not in small.stdout
    assert sorted(path.name for path in bin_.iterdir()) == [f"temporal-{VERSION}"], "nothing was built"


def test_the_list_names_every_scenario_with_what_it_measures() -> None:
    listed = run("--list")
    assert listed.returncode == 0, listed.stderr
    assert [line.split()[0] for line in listed.stdout.splitlines()] == SCENARIOS
