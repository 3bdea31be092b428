"""What a check of `doctor` finds."""

from enum import StrEnum

from pydantic import BaseModel


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
