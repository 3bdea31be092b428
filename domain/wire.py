"""Every name and payload that can appear in a workflow history.

A history is immutable and outlives releases: names here never change, payloads only gain fields with defaults, and no
payload carries anything about a person. Lead numbers, counts, times and enums are all there is.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.campaign import Stage
from domain.ranges import Ranges

TASK_QUEUE = "outrider"
SENDING_SUFFIX = "-sending"
CAMPAIGN_WORKFLOW = "CampaignWorkflow"
PLAN_CAMPAIGN = "plan_campaign"
DISCOVER_PEOPLE = "discover_people"
ENRICH_LEADS = "enrich_leads"
DRAFT_MESSAGES = "draft_messages"
SEND_MESSAGES = "send_messages"
REVIEW_DRAFTS = "review_drafts"
APPROVE_DRAFTS = "approve_drafts"
NOTE_HOLD = "note_hold"
WRITE_CONTROL = "write_control"
COUNT_MESSAGES = "count_messages"
CANCEL_REST = "cancel_rest"
WRITE_REPORT = "write_report"
REQUEST_CANCELLATION = "request_cancellation"

PAUSE = "pause"
RESUME = "resume"
CANCEL = "cancel"
APPROVE = "approve"
RECHECK = "recheck"
RETRY = "retry"
PROGRESS = "progress"
LISTED_PATCH = "search-attributes"

MAX_CAMPAIGN_ID = 80


class SearchAttribute(StrEnum):
    """What lists of workflows can be filtered by. All are Keywords but the two counts, which are Ints."""

    STAGE = "CampaignStage"
    STATUS = "CampaignStatus"
    OWNER = "CampaignOwner"
    WAITING_FOR = "CampaignWaitingFor"
    LEADS_FOUND = "LeadsFound"
    EMAILS_SENT = "EmailsSent"

    @property
    def is_count(self) -> bool:
        """Whether it is an Int."""
        return self in (SearchAttribute.LEADS_FOUND, SearchAttribute.EMAILS_SENT)


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True)


class Control(StrEnum):
    """What a person wants of a campaign: the ledger asks this of the row before every claim and every transmission."""

    RUN = "run"
    HOLD = "hold"
    END = "end"


class ChangeKind(StrEnum):
    """What somebody did to a campaign."""

    PAUSED = "paused"
    RESUMED = "resumed"
    CANCELLED = "cancelled"
    RETRIED = "retried"
    REMINDED = "reminded"
    RESOLVED = "resolved"
    EDITED = "edited"


class Breaker(StrEnum):
    """What pauses a campaign by itself."""

    BOUNCES = "bounces"
    COMPLAINTS = "complaints"
    FAILURES = "failures"
    REQUEST = "request"
    """A source does not understand what it is asked, and never will."""


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
    REVIEW = "review"
    REVIEW_OVERDUE = "review_overdue"
    SAMPLE_REJECTED = "sample_rejected"
    CONTACT_CLAIMED = "contact_claimed"
    WORKERS_DIED = "workers_died"
    SOURCE_LIMITED = "source_limited"
    SOURCE_UNREACHABLE = "source_unreachable"
    SOURCE_REFUSED = "source_refused"


class Hold(_Payload):
    """A stage waits: nothing of it starts before `until`."""

    until: datetime
    reason: HoldReason
    deadline: datetime | None = None
    """By when a person should have done something; `until` is only when somebody looks again."""


class CampaignRef(_Payload):
    """Which campaign an activity works for."""

    campaign_id: str


class Pause(_Payload):
    """Why nothing starts, since when, and who wanted it."""

    since: datetime
    by: str
    reason: str = ""
    breaker: Breaker | None = None


class CampaignPlan(_Payload):
    """What planning decided: how many leads there are and how each stage cuts them into windows."""

    leads: int
    draft_window: int
    send_window: int
    width: int
    """Windows of one stage in flight."""
    review_window: int = 0
    """Leads per look at the decisions; 0 = nobody reviews."""
    owner: str = ""
    mailbox: str = ""
    full_windows: bool = False
    """Parts of windows wait for their other numbers while their stage has work. False in plans of older histories."""
    looks_again: bool = False
    """A window that was in flight at a recheck, and may have looked too early, starts again. False in older plans."""
    takes_turns: bool = False
    """Slices are searched in turns, the halves of a large one before its neighbours. False in older plans."""
    first_window: int = 0
    """Windows of all stages but discovery and review begin so small and double: people are handed on sooner while the
    stages behind have nothing to do. 0 = all are full, as in plans of older histories."""
    slices: int = 0
    """What a source is searched by, in slices; 0 = nobody has to be found, the people came with the campaign."""
    slice_window: int = 1
    """Slices per window of discovery."""
    enrich_window: int = 0
    """Leads per window of enrichment."""
    ahead: int = 0
    """Discovery rests while so many people are not judged yet; 0 = never, as in plans of older histories."""
    ranked: bool = False
    """Only the best are written to: drafting begins when everybody is known."""
    ended: bool = False
    """Somebody had cancelled it before this workflow began."""
    paused: Pause | None = None
    """Somebody had paused it before this workflow began, and nobody let it go on."""


class WindowTask(_Payload):
    """One window of lead numbers, both ends included, for one stage."""

    campaign_id: str
    stage: Stage
    first: int
    last: int
    holds: int = 0
    """How many times in a row this stage has been held: waits grow with it."""


class Trip(_Payload):
    """A breaker's reason: `count` of the last `judged` mails, more than `limit` per cent; 0 where it is no mails."""

    breaker: Breaker
    count: int
    judged: int
    limit: float


NOT_UNDERSTOOD = Trip(breaker=Breaker.REQUEST, count=0, judged=0, limit=0.0)


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
    left: list[tuple[int, int]] = []
    """The numbers that are open, where the others go on without them; empty = the window stays together."""
    trip: Trip | None = None
    """The campaign pauses itself."""
    put_off: HoldReason | None = None
    """Why what is open waits, where the stage goes on without it."""
    parts: int | None = None
    """The highest number this stage has now: some of its numbers fell into further ones."""
    found: int | None = None
    """The highest number that exists for the next stage, where this stage's own numbers are none of it."""
    goes_on: bool = False
    """What is open can start at once: the window came back so that the next stage can begin with what it found."""


class HoldNote(_Payload):
    """A wait that the workflow decided on, for the campaign's row."""

    campaign_id: str
    stage: Stage
    hold: Hold


class ControlChange(_Payload):
    """Who did what to a campaign, when; `at` and `kind` together are its identity."""

    kind: ChangeKind
    at: datetime
    by: str = ""
    reason: str = ""


class ControlTask(_Payload):
    """What the campaign's row is to say from now on, and the changes that led there."""

    campaign_id: str
    control: Control
    changes: list[ControlChange] = []
    at: datetime | None = None
    """When it was wanted: a late attempt must not undo what came after."""


class MessageTally(_Payload):
    """A campaign's messages by state, as the rows said it at that moment."""

    counts: dict[str, int]


class Approval(_Payload):
    """Drafts that somebody approved: these lead numbers, None = all that wait now. What is decided stays decided."""

    campaign_id: str
    by: str
    leads: list[tuple[int, int]] | None = None


class ReportTask(_Payload):
    """The last activity of a campaign."""

    campaign_id: str
    failed_stage: Stage | None = None
    """In older histories only: a stage that failed gave up, where now the campaign pauses itself."""
    cancelled: bool = False


class LaterWindow(BaseModel):
    """A window that was worked on and has something left that becomes due at `at`."""

    first: int
    last: int
    at: datetime
    put_off: HoldReason | None = None


class StageState(BaseModel):
    """One stage of the pipeline: which windows are ready, which come later, and what is done."""

    stage: Stage
    size: int
    width: int
    ready: Ranges = Ranges()
    later: list[LaterWindow] = []
    hold: Hold | None = None
    held_since: datetime | None = None
    holds: int = 0
    """How many times in a row the stage was held."""
    failures: int = 0
    """Windows in a row that used up their attempts."""
    deaths: int = 0
    """Windows in a row whose workers died at each of their attempts."""
    windows: int = 0
    """How many windows were started."""
    first_window: int = 0
    """The size of the first window; each one after it may be twice as large, up to `size`. 0 = `size`."""
    counts: dict[str, int] = {}
    """Summed over windows that have nothing left to do."""
    numbers: int = 0
    """The highest number this stage was given, where its windows make further ones."""
    found: int | None = None
    """The highest number handed to the next stage, where it is none of this stage's own. None = they are."""
    after_all: bool = False
    """It starts when the stages before it are done with everybody."""
    turn: int | None = None
    """Windows go round: the next one is looked for behind this number. None = the lowest numbers always come first."""
    ahead: int = 0
    """No window starts while so many of the numbers it has found are not through the next stage; 0 = it always may."""

    @property
    def next_size(self) -> int:
        """The most numbers that the next window may have."""
        if not self.first_window:
            return self.size
        return min(self.size, self.first_window << min(self.windows, self.size))


class PipelineState(BaseModel):
    """Which windows of which stages are ready, come later or are done."""

    stages: list[StageState]


class PastPause(_Payload):
    """A pause that is over, and who ended it."""

    since: datetime
    until: datetime
    by: str
    resumed_by: str
    reason: str = ""


class ControlState(BaseModel):
    """What people and breakers have asked of a campaign."""

    paused: Pause | None = None
    ended: ControlChange | None = None
    """Somebody cancelled it."""
    cancellation_requested: bool = False
    """Temporal knows of the cancellation."""
    unwritten: list[ControlChange] = []
    """Changes that the campaign's row does not know yet."""
    approvals: list[Approval] = []
    """What is approved and not yet written down."""
    counted: dict[str, int] = {}
    """Messages by state when everything had stopped at the last pause: windows that come back bring no counts."""
    pauses: list[PastPause] = []
    """The last few."""
    pause_count: int = 0
    unknown_signals: dict[str, int] = {}
    """Names nobody knows, such as `puase`, and how often each came."""


class CampaignStart(BaseModel):
    """The workflow's input, and all that continue-as-new carries, which alone sets anything but the id."""

    campaign_id: str
    state: PipelineState | None = None
    control: ControlState | None = None
    plan: CampaignPlan | None = None
    run: int = 1
    """Which run of the workflow this is."""


class CampaignResult(BaseModel):
    """What the workflow returns: final counts by stage."""

    status: str
    counts: dict[str, dict[str, int]]


class StageCounts(_Payload):
    """One stage as the workflow knows it: counts as of the last window that ended."""

    counts: dict[str, int] = {}
    ready: int = 0
    """Leads that could start now."""
    later: int = 0
    """Leads that wait for a time or a decision."""
    running: int = 0
    """Windows in flight."""
    windows: int = 0
    """Windows started."""


class WaitingFor(_Payload):
    """Why a stage does not start anything now."""

    stage: Stage
    reason: str
    since: datetime | None = None
    until: datetime | None = None
    who: str
    """`nobody` (it goes on by itself), `person` or `operator`."""
    command: str = ""


class CampaignProgress(_Payload):
    """The answer of the query `progress`. It cannot read the database: counts are as of the last window."""

    campaign_id: str
    status: str
    stage: Stage | None
    waiting_for: list[WaitingFor] = []
    stages: dict[Stage, StageCounts] = {}
    messages: dict[str, int] = {}
    leads: int = 0
    paused: Pause | None = None
    ending: bool = False
    """Somebody cancelled it."""
    over: bool = False
    """The report is written."""
    pauses: list[PastPause] = []
    pause_count: int = 0
    unknown_signals: dict[str, int] = {}
    run: int = 1
    history_events: int = 0
    as_of: datetime


class Answer(_Payload):
    """What an update did. `changed` is False when it was so already."""

    status: str
    changed: bool
    line: str
