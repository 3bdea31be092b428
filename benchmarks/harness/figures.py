"""What a scenario measured, as a table for people."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

_HEAD = ("figure", "unit", "min", "median", "max", "target", "")
_MET = "met"


@dataclass(frozen=True)
class Scale:
    """How much to measure. `full` is False for a smoke test: its speed is held against no target."""

    leads: int
    repetitions: int
    full: bool
    large: bool = False
    """Whether to measure what takes many minutes too."""


@dataclass(frozen=True)
class Figure:
    """One quantity, measured once per repetition.

    `least` is a speed and `at_most` a cost, both held against the median of a full run; `most` is a promise, held
    against every value. `invalid` says why the values prove nothing.
    """

    what: str
    unit: str
    values: Sequence[float]
    least: float | None = None
    most: float | None = None
    at_most: float | None = None
    invalid: str = ""

    def verdict(self, *, full: bool) -> str:
        """Met, missed, invalid, or "" when there is no target, or none that a smoke test could meet."""
        if self.most is not None:
            return _MET if max(self.values) <= self.most else "MISSED"
        if not full or (self.least is None and self.at_most is None):
            return ""
        if self.invalid:
            return f"invalid: {self.invalid}"
        usual = median(self.values)
        met = usual >= self.least if self.least is not None else self.at_most is None or usual <= self.at_most
        return _MET if met else "MISSED"

    def cells(self, *, full: bool) -> tuple[str, ...]:
        """The row of the table."""
        target = f"≥ {_number(self.least)}" if self.least is not None else ""
        most = self.most if self.most is not None else self.at_most
        target = f"≤ {_number(most)}" if most is not None else target
        values = (min(self.values), median(self.values), max(self.values))
        return (self.what, self.unit, *map(_number, values), target, self.verdict(full=full))


@dataclass
class Measured:
    """A scenario's figures, and what one must know to read them."""

    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def failed(self, *, full: bool) -> bool:
        """Whether a target was missed or a figure proves nothing."""
        return any(figure.verdict(full=full) not in ("", _MET) for figure in self.figures)

    def as_markdown(self, *, full: bool) -> str:
        """The table, readable as it is too, and the notes."""
        rows = [_HEAD, *(figure.cells(full=full) for figure in self.figures)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
        lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes)])


def _number(value: float) -> str:
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2f}"
