"""What a scenario measured, as a table for people."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

_HEAD = ("figure", "unit", "min", "median", "max", "target", "")


@dataclass(frozen=True)
class Scale:
    """How much to measure. `full` is False for a smoke test: its figures are held against no target."""

    leads: int
    repetitions: int
    full: bool


@dataclass(frozen=True)
class Figure:
    """One quantity, measured once per repetition.

    `least` is held against the median, `most` against the maximum. `invalid` says why the values prove nothing.
    """

    what: str
    unit: str
    values: Sequence[float]
    least: float | None = None
    most: float | None = None
    invalid: str = ""

    @property
    def verdict(self) -> str:
        """Met, missed, invalid, or "" when there is no target."""
        if self.invalid:
            return f"invalid: {self.invalid}"
        if self.least is not None:
            return "met" if median(self.values) >= self.least else "MISSED"
        if self.most is not None:
            return "met" if max(self.values) <= self.most else "MISSED"
        return ""

    def cells(self, *, judged: bool) -> tuple[str, ...]:
        """The row of the table."""
        target = f"≥ {_number(self.least)}" if self.least is not None else ""
        target = f"≤ {_number(self.most)}" if self.most is not None else target
        values = (min(self.values), median(self.values), max(self.values))
        return (self.what, self.unit, *map(_number, values), target, self.verdict if judged else "")


@dataclass
class Measured:
    """A scenario's figures, and what one must know to read them."""

    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def failed(self) -> bool:
        """Whether a target was missed or a figure proves nothing."""
        return any(figure.verdict not in ("", "met") for figure in self.figures)

    def as_markdown(self, *, judged: bool) -> str:
        """The table, readable as it is too, and the notes."""
        rows = [_HEAD, *(figure.cells(judged=judged) for figure in self.figures)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
        lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes)])


def _number(value: float) -> str:
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2f}"
