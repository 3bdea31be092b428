"""What the values of a campaign text may grow to, and how much work one rendering may be.

Both are counted, not measured: the same text and the same person give the same answer on every machine.
"""

from collections.abc import Mapping
from contextvars import ContextVar

from jinja2 import Undefined
from jinja2.exceptions import SecurityError

MAX_VALUE = 5_000
"""Characters of a text, or items and their characters of a list, that an expression works on or makes."""
MAX_NUMBER = 10**15
"""The largest number, either side of 0."""
MAX_WORK = 100_000
"""Characters, items and steps that all expressions of one rendering may handle."""

_OPERATION = 10
"""What an operation costs beside its values."""

_left: ContextVar[list[int]] = ContextVar("_left")


def begin() -> None:
    """Start to count anew, for one rendering."""
    _left.set([MAX_WORK])


def charge(units: int) -> None:
    """Count work; raises SecurityError when it is more than one rendering may be."""
    left = _left.get()
    left[0] -= units
    if left[0] < 0:
        raise SecurityError("a text of so many steps is refused")


def handle(*values: object) -> None:
    """Count an operation on these values; raises SecurityError when they are too large, too many or of another kind."""
    charge(_OPERATION + sum(map(size, values)))


def size(value: object) -> int:
    """How large a value is; raises SecurityError when it is too large or no text, number, list or group."""
    if isinstance(value, float | Undefined | None):
        return 1
    if isinstance(value, int):
        if abs(value) > MAX_NUMBER:
            raise SecurityError(f"a number beyond {MAX_NUMBER:,} is refused")
        return 1
    if isinstance(value, str | range | Mapping):
        return within(len(value))
    if isinstance(value, list | tuple):
        total = len(value)
        for item in value:
            total = within(total + size(item))
        return within(total)
    raise SecurityError("only texts, numbers and lists can be worked with")


def within(length: int) -> int:
    """The length; raises SecurityError when it is too large for a value."""
    if length > MAX_VALUE:
        raise SecurityError(f"a value of more than {MAX_VALUE:,} characters or items is refused")
    return length
