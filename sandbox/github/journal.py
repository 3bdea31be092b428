"""What was asked and what it cost, so that a test can prove that nothing was asked for twice."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

_LONGEST_VARIABLES = 10_000
"""Enough for a hundred ids: what was asked for, person by person, can be told from it."""


@dataclass(slots=True)
class Entry:
    """One kind of call: an operation with one set of variables, or a REST path with its query.

    `asked` counts all calls, `answered` those that got the whole answer.
    """

    operation: str
    variables: str
    asked: int = 0
    answered: int = 0
    points: int = 0


@dataclass(slots=True)
class Journal:
    """All calls since the start or the last clearing."""

    calls: Counter[str] = field(default_factory=Counter)
    """By side: `graphql` and `rest`."""
    points: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    most_in_flight: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)

    def ask(self, side: str, operation: str, variables: Mapping[str, object] | str) -> Entry:
        """Count a call that arrived, and return its entry for what comes later."""
        self.calls[side] += 1
        text = variables if isinstance(variables, str) else json.dumps(variables, sort_keys=True, ensure_ascii=False)
        key = hashlib.sha256(f"{operation}\n{text}".encode()).hexdigest()[:16]
        entry = self.entries.get(key)
        if entry is None:
            entry = self.entries[key] = Entry(operation, text if len(text) <= _LONGEST_VARIABLES else "")
        entry.asked += 1
        return entry

    def charge(self, side: str, entry: Entry, points: int) -> None:
        """Count the points of a call."""
        self.points[side] += points
        entry.points += points

    def by_operation(self) -> dict[str, dict[str, int]]:
        """Return the sums of each operation."""
        sums: dict[str, dict[str, int]] = {}
        for entry in self.entries.values():
            row = sums.setdefault(entry.operation, {"different": 0, "asked": 0, "answered": 0, "points": 0})
            row["different"] += 1
            row["asked"] += entry.asked
            row["answered"] += entry.answered
            row["points"] += entry.points
        return sums

    def report(self) -> dict[str, object]:
        """Return the sums, and every call that was `asked` or `answered` more than once."""
        return {
            "calls": dict(self.calls),
            "points": dict(self.points),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "most_in_flight": self.most_in_flight,
            "operations": self.by_operation(),
            "asked_twice": [row for row in self.rows() if row["asked"] != 1],
            "answered_twice": [row for row in self.rows() if int(str(row["answered"])) > 1],
        }

    def rows(self) -> list[dict[str, object]]:
        """Return every different call; `variables` only if they are short."""
        return [
            {
                "key": key,
                "operation": entry.operation,
                "variables": entry.variables,
                "asked": entry.asked,
                "answered": entry.answered,
                "points": entry.points,
            }
            for key, entry in self.entries.items()
        ]

    def clear(self) -> None:
        """Forget everything that was asked."""
        self.calls.clear()
        self.points.clear()
        self.statuses.clear()
        self.most_in_flight = 0
        self.entries.clear()
