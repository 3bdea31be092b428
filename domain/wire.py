"""Every name and payload that can appear in a workflow history.

A history is immutable and outlives releases: names here never change, payloads only gain fields with defaults, and no
payload carries anything about a person. Lead numbers, counts, times and enums are all there is.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.campaign import Stage

TASK_QUEUE = "outrider"
CAMPAIGN_WORKFLOW = "CampaignWorkflow"
PLAN_CAMPAIGN = "plan_campaign"
DRAFT_MESSAGES = "draft_messages"
SEND_MESSAGES = "send_messages"
NOTE_HOLD = "note_hold"
WRITE_REPORT = "write_report"

MAX_CAMPAIGN_ID = 80


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True)


class HoldReason(StrEnum):
    """Why a stage, or some of its windows, cannot start anything now."""

    RELAY_UNREACHABLE = "relay_unreachable"
    MAILBOX_STOPPED = "mailbox_stopped"
    WINDOW_CLOSED = "window_closed"
    OPT_OUT_NOT_PUBLIC = "opt_out_not_public"
    DEFERRED_BY_RELAY = "deferred_by_relay"
    CONTROL = "control"
    WORKER_STOPPING = "worker_stopping"
    ACTIVITY_FAILED = "activity_failed"


class Hold(_Payload):
    """A stage waits: nothing of it starts before `until`."""

    until: datetime
    reason: HoldReason


class CampaignRef(_Payload):
    """Which campaign an activity works for."""

    campaign_id: str


class CampaignPlan(_Payload):
    """What planning decided: how many leads there are and how each stage cuts them into windows."""

    leads: int
    draft_window: int
    send_window: int
    width: int
    """Windows of one stage in flight."""


class WindowTask(_Payload):
    """One window of lead numbers, both ends included, for one stage."""

    campaign_id: str
    stage: Stage
    first: int
    last: int
    holds: int = 0
    """How many times in a row this stage has been held: waits grow with it."""


class WindowResult(_Payload):
    """What the rows say after a window was worked on."""

    counts: dict[str, int]
    """Leads or messages of the window by outcome, counted when the activity ended."""
    open: int = 0
    """How many of the window are not final: the workflow takes the window up again."""
    again_at: datetime | None = None
    """When something of what is open becomes due; None = at once."""
    hold: Hold | None = None
    """Nothing of the whole stage can start before then."""


class HoldNote(_Payload):
    """A wait that the workflow decided on, for the campaign's row."""

    campaign_id: str
    stage: Stage
    hold: Hold


class ReportTask(_Payload):
    """The last activity of a campaign. `failed_stage` names the stage that gave up, if one did."""

    campaign_id: str
    failed_stage: Stage | None = None


class Ranges(BaseModel):
    """Sorted, disjoint, inclusive ranges of lead numbers; neighbours are merged, so it stays tiny."""

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

    def __len__(self) -> int:
        """How many numbers are ready."""
        return sum(last - first + 1 for first, last in self.spans)


class LaterWindow(BaseModel):
    """A window that was worked on and has something left that becomes due at `at`."""

    first: int
    last: int
    at: datetime


class StageState(BaseModel):
    """One stage of the pipeline: which windows are ready, which come later, and what is done."""

    stage: Stage
    size: int
    width: int
    ready: Ranges = Ranges()
    later: list[LaterWindow] = []
    hold: Hold | None = None
    holds: int = 0
    """How many times in a row the stage was held."""
    failures: int = 0
    """Windows in a row that used up their attempts."""
    counts: dict[str, int] = {}
    """Summed over windows that have nothing left to do."""


class PipelineState(BaseModel):
    """All that continue-as-new carries."""

    stages: list[StageState]


class CampaignStart(BaseModel):
    """The workflow's input. `state` is set by continue-as-new only."""

    campaign_id: str
    state: PipelineState | None = None


class CampaignResult(BaseModel):
    """What the workflow returns: final counts by stage."""

    status: str
    counts: dict[str, dict[str, int]]
