"""The real promtool, and the metric names of an expression."""

import re
import subprocess
from pathlib import Path

import go_tools

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
WORDS = re.compile(r"(?<![\w:])[a-zA-Z_:][\w:]*(?!\w*\s*\()")
NO_METRIC = {"ALERTS", "and", "bool", "by", "offset", "on", "or", "unless", "up", "without"}


def listed_metrics() -> set[str]:
    """The names in the first column of the tables of docs/reference/metrics.md."""
    return set(re.findall(r"(?m)^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8")))


def promtool(*arguments: str | Path, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """What promtool answers; stderr is in stdout."""
    command = [str(go_tools.obtain(go_tools.PROMTOOL)), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def metrics_of(expression: str) -> set[str]:
    """The metrics that an expression asks for, histograms without the suffix of their series."""
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring)\s*\([^)]*\)|\b\d+[smhd]\b", " ", bare)
    return {re.sub(r"_(bucket|sum|count)$", "", word) for word in WORDS.findall(bare)} - NO_METRIC
