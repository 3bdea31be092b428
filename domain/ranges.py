"""Numbers as ranges: which leads, slices or messages are ready for the next window.

Stages keep them in their state, so they are in workflow histories: see domain.wire for what that asks of names.
"""

from pydantic import BaseModel


class Ranges(BaseModel):
    """Sorted, disjoint, inclusive ranges of numbers; neighbours are merged, so it stays tiny."""

    spans: list[tuple[int, int]] = []

    def add(self, first: int, last: int) -> None:
        """Make `first`..`last` ready; a range that is empty or already there changes nothing."""
        if last < first:
            return
        merged: list[tuple[int, int]] = []
        for span in sorted([*self.spans, (first, last)]):
            if merged and span[0] <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(merged[-1][1], span[1]))
            else:
                merged.append(span)
        self.spans = merged

    def take(self, size: int) -> tuple[int, int] | None:
        """Remove and return the lowest ready numbers, at most `size` of them; None when nothing is ready."""
        if not self.spans:
            return None
        first, last = self.spans[0]
        cut = min(last, first + size - 1)
        self.spans[:1] = [(cut + 1, last)] if cut < last else []
        return first, cut

    def take_after(self, number: int, size: int) -> tuple[int, int] | None:
        """As `take`, but the lowest ready numbers behind `number`, or of all when none is behind it."""
        place = next((place for place, (_, last) in enumerate(self.spans) if last > number), None)
        if place is None:
            return self.take(size)
        begin, end = self.spans[place]
        first = max(begin, number + 1)
        last = min(end, first + size - 1)
        self.spans[place : place + 1] = [rest for rest in ((begin, first - 1), (last + 1, end)) if rest[0] <= rest[1]]
        return first, last

    def take_full(self, size: int) -> tuple[int, int] | None:
        """As `take`, but exactly `size` neighbouring numbers; None when nowhere so many are ready."""
        for place, (first, last) in enumerate(self.spans):
            if last - first + 1 >= size:
                rest = [(first + size, last)] if last - first + 1 > size else []
                self.spans[place : place + 1] = rest
                return first, first + size - 1
        return None

    def __len__(self) -> int:
        """How many numbers are ready."""
        return sum(last - first + 1 for first, last in self.spans)
