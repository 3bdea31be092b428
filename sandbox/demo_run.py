"""`outrider run` with a goal, live, while somebody decides about the drafts."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.demo_stack import OUTRIDER, end, line, outrider
from sandbox.demo_table import seconds

LOOK_SECONDS = 0.5


def run(directory: Path, name: str, goal: str) -> int:
    """`outrider run` with the goal, live, and the review decided; returns its exit code, after saying why it failed."""
    live = sys.stdout.isatty()
    with tempfile.TemporaryFile("w+", encoding="utf-8", dir=directory) as errors:
        if live:  # its picture has a screen of its own: what stays is the table below
            sys.stdout.write("\x1b[?1049h\x1b[H")
            sys.stdout.flush()
        try:
            with subprocess.Popen(  # noqa: S603 the installed command
                [OUTRIDER, "run", goal, "--id", name],
                cwd=directory,
                stdout=None if live else subprocess.DEVNULL,
                stderr=errors,
            ) as running:
                try:
                    approve(directory, name, running, quiet=live)
                    code = running.wait()
                finally:
                    end(running)
        finally:
            if live:
                sys.stdout.write("\x1b[?1049l")
                sys.stdout.flush()
        if code:
            errors.seek(0)
            sys.stderr.write(errors.read())
    return code


def approve(directory: Path, name: str, running: subprocess.Popen[bytes], *, quiet: bool) -> None:
    """Approve every draft as soon as all are there, in the place of the person whom the spec asks for.

    Without a terminal a line says where the campaign stands, each time that something changed.
    """
    last = ""
    while running.poll() is None:
        shown = _shown(directory, name)
        said = _one_line(shown) if shown else ""
        if said and said != last and not quiet:
            line(f"  {said}")
        last = said or last
        drafting = shown["stages"].get("personalization", {}) if shown else {}
        if drafting.get("found") and _open(shown) == 0 and shown["undecided"]:
            outrider(directory, "approve", name, "--all", "--by", "demo", "--json")
        time.sleep(LOOK_SECONDS)
    if not quiet:
        line()


def _shown(directory: Path, name: str) -> dict[str, Any]:
    """What `outrider show` says; empty while the campaign is not stored yet."""
    done = subprocess.run(  # noqa: S603 the installed command
        [OUTRIDER, "show", name, "--json"], cwd=directory, capture_output=True, text=True, check=False
    )
    found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    return found


def _open(shown: Mapping[str, Any]) -> int:
    """People who have no draft yet and may still get one."""
    ended = ("done", "failed", "skipped", "rejected", "cancelled", "in_doubt")
    early = (shown["stages"][stage] for stage in ("discovery", "enrichment", "personalization"))
    return sum(counts["found"] - sum(counts[state] for state in ended) for counts in early)


def _one_line(shown: Mapping[str, Any]) -> str:
    done = [f"{stage} {counts['done']:,}" for stage, counts in shown["stages"].items() if counts["done"]]
    if not done:
        return ""
    took = seconds(shown["created_at"], shown["as_of"]) or 0.0
    waits = f" · {shown['undecided']:,} drafts wait for a person" if shown["undecided"] else ""
    return f"{took:4.1f} s  {' · '.join(done)}{waits}"
