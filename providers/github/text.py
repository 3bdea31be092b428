"""Text that strangers typed, as rows can hold it."""

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LONGEST = 1_000


def clean(text: str | None) -> str:
    """Without control characters and around them, never longer than 1,000 characters; otherwise as it was typed."""
    return _CONTROL.sub("", text).strip()[:_LONGEST] if text else ""
