"""Lead numbers as people write them: `1,4,10-20`."""

import re

_LONGEST = 10_000
_HIGHEST = 10_000_000
_PART = re.compile(r"([0-9]{1,8})(?:-([0-9]{1,8}))?")


def parse_lead_numbers(text: str) -> list[tuple[int, int]]:
    """The spans that `text` names, both ends included, sorted and merged; raises ValueError with one line."""
    if len(text) > _LONGEST:
        raise ValueError(f"lead numbers: at most {_LONGEST:,} characters; write spans such as 10-2000")
    spans = sorted(_span(part.strip()) for part in text.split(","))
    merged = spans[:1]
    for first, last in spans[1:]:
        if first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


def _span(part: str) -> tuple[int, int]:
    found = _PART.fullmatch(part)
    if found is None:
        raise ValueError(f'lead numbers: "{part[:20]}" is none; write them like 1,4,10-20')
    first, last = int(found[1]), int(found[2] or found[1])
    if not 1 <= first <= last <= _HIGHEST:
        raise ValueError(f'lead numbers: "{part[:20]}" goes nowhere; the first is 1, and 10-20 goes upwards')
    return first, last
