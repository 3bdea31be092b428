"""Review: what a person sees of a draft, decides about it or makes of it, and which drafts are a sample."""

import hashlib
import heapq
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.message import Draft, MessageState

NOBODY = "review: none"
"""Who approved the drafts of a campaign whose spec asks for no review."""
SAMPLE = "sample"
"""Who approved the drafts outside a sample, all of which was approved."""
PERSON = "person"
"""The author of a draft that somebody edited."""


class Decision(StrEnum):
    """What was decided about a draft."""

    APPROVED = "approved"
    REJECTED = "rejected"


class StoredDraft(BaseModel):
    """A draft with its decision, as `drafts --json` prints it. Fields may be added, never renamed."""

    model_config = ConfigDict(frozen=True)

    campaign_id: str
    lead_number: int
    step: int
    recipient: str
    subject: str
    text: str
    html: str
    author: str
    version: str
    fingerprint: str
    opt_out_url: str
    decision: Decision | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    decision_reason: str | None = None
    state: MessageState | None = None
    """Of its message; None = the same person is written to under another number."""

    @property
    def waits(self) -> bool:
        """Whether somebody has to decide about it."""
        return self.decision is None and self.state is MessageState.SCHEDULED


class Decided(BaseModel):
    """A person's decision about the text that this person saw."""

    model_config = ConfigDict(frozen=True)

    lead_number: int
    step: int
    seen: str
    """The fingerprint of what was seen."""
    decision: Decision
    by: str
    reason: str = ""


class Edited(BaseModel):
    """Another text in place of the one that was seen."""

    model_config = ConfigDict(frozen=True)

    seen: str
    """The fingerprint of what was there before."""
    draft: Draft
    fingerprint: str
    by: str
    approved: bool = False
    """Whether the new text is approved with it; otherwise it waits for a decision, whatever there was before."""


class ReviewQueue(BaseModel):
    """What waits for a person."""

    model_config = ConfigDict(frozen=True)

    waiting: list[tuple[int, int]]
    """(lead number, step) of the drafts to look at, in their order."""
    others: int = 0
    """Drafts that wait for what becomes of the sample."""
    drawn: bool = True
    """False while some leads have no draft: until then there is no sample."""
    sample_rejected: int = 0
    """How many of a sample were rejected, once all of it is decided."""


def sample(numbers: Iterable[int], size: int, seed: int) -> frozenset[int]:
    """The `size` lead numbers that a seed draws: the same ones on every machine, whatever order they come in."""
    return frozenset(
        heapq.nsmallest(size, numbers, key=lambda number: hashlib.sha256(f"{seed}:{number}".encode()).digest())
    )
