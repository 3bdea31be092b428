"""`make bench`: measures the scenarios of this directory and writes RESULTS.md.

A scenario is a file beside this one; its name is the scenario's, its docstring says what is measured, and its
`measure(scale, start_sink, scratch)` measures it. Only plain_script.py is none: `make demo-crash` compares with it.
Exit codes: 0 = every target was met, 1 = one was missed, 2 = the command line is wrong, 3 = Go is missing.
"""

import argparse
import importlib
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from harness.figures import Measured, Scale
from harness.machine import description
from harness.sink import starter

from client.exit import leave
from telemetry.logging import configure

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.append(str(ROOT / "tests" / "support"))  # the suite's PostgreSQL server serves here too
RESULTS = HERE / "RESULTS.md"
NO_SCENARIOS = ("run.py", "plain_script.py")
FULL = Scale(leads=5_000, repetitions=3, full=True)
SMALL = Scale(leads=200, repetitions=1, full=False)


def main() -> int:
    """Measure what the command line asks for; returns the exit code."""
    names = sorted(path.stem for path in HERE.glob("*.py") if path.name not in NO_SCENARIOS)
    options = _options(names)
    if options.list:
        for name in names:
            print(f"{name:16}  {_headline(importlib.import_module(name))}")
        return 0
    start_sink = starter(inbox_will_do=options.small)
    if start_sink is None:
        print("Go is not on PATH: the sink that the mails go into is built with it (or try --small)", file=sys.stderr)
        return 3
    _forget_own_settings()
    load_before = os.getloadavg()[0]
    scale = SMALL if options.small else replace(FULL, large=options.large)
    chosen = options.scenario or names
    sections, failed = [], False
    for name in chosen:
        scenario = importlib.import_module(name)
        print(f"{name}: {_headline(scenario)}", file=sys.stderr)
        # Beside this file: a temporary directory may be in memory, where a sync costs nothing.
        with tempfile.TemporaryDirectory(prefix=".scratch-", dir=HERE) as scratch:
            measured: Measured = scenario.measure(scale, start_sink, Path(scratch))
        table = measured.as_markdown(full=scale.full)
        print(f"\n{table}\n")
        sections.append(f"## {name}\n\n{scenario.__doc__}\n{table}\n")
        failed = failed or measured.failed(full=scale.full)
    if scale.full and chosen == names:
        _write(sections, load_before)
    else:
        print(f"{RESULTS.name} stays as it is: only `make bench` without options writes it", file=sys.stderr)
    return 1 if failed else 0


def _options(names: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure scenarios; all of them, when none is named.")
    parser.add_argument("scenario", nargs="*", choices=[*names, []], help=", ".join(names))
    parser.add_argument("--list", action="store_true", help="say which scenarios there are")
    parser.add_argument("--small", action="store_true", help="a quick run that proves only that everything works")
    parser.add_argument("--large", action="store_true", help="with 50,000 leads too, where a scenario knows them")
    return parser.parse_args()


def _headline(scenario: ModuleType) -> str:
    return (scenario.__doc__ or "").partition("\n")[0]


def _forget_own_settings() -> None:
    """A benchmark must neither see nor reach what the person has set up: no relay, Temporal or collector of theirs."""
    for name in list(os.environ):
        if name.startswith(("OUTRIDER_", "TEMPORAL_", "OTEL_")):
            del os.environ[name]
    os.chdir(HERE)  # where there is no .env
    configure("WARNING", stream=sys.stderr)


def _write(sections: Sequence[str], load_before: float) -> None:
    machine = "\n".join(f"- {line}" for line in description(ROOT, load_before))
    head = f"# Results\n\nWritten by `make bench`.\n\n{machine}\n"
    RESULTS.write_text("\n".join([head, *sections]), encoding="utf-8")
    print(f"written: {RESULTS.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    leave(main())
