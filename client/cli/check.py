"""What a check of `doctor` finds."""

from collections.abc import Sequence
from enum import StrEnum

from pydantic import BaseModel

_MOST_NAMES = 3


class Verdict(StrEnum):
    """How a check ended. Only `failed` is a reason not to run campaigns."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Check(BaseModel):
    """One line of the screen. `way_out` is "" where nothing needs to be done."""

    name: str
    verdict: Verdict
    detail: str
    way_out: str = ""


def some(names: Sequence[str]) -> str:
    """A few of the names and how many more there are: the screen is one, whatever there is to check."""
    shown = ", ".join(names[:_MOST_NAMES])
    return f"{shown} and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else shown
