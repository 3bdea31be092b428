"""The progress of a campaign as `show --json` prints it. Fields may be added, never renamed."""

from datetime import datetime

from pydantic import BaseModel

from domain.campaign import CampaignStatus, Stage
from domain.source_ports import Seen


class Waiting(BaseModel):
    """Why something does not start now, until when, and who can do what about it."""

    stage: Stage
    reason: str
    since: datetime | None = None
    until: datetime | None = None
    who: str = "nobody"
    """`nobody` (it goes on by itself), `person` or `operator`."""
    command: str = ""


class Paused(BaseModel):
    """Why nothing starts, since when, and who wanted it; a breaker is called by its name."""

    since: datetime
    by: str
    reason: str = ""


class StageProgress(BaseModel):
    """Leads (or messages, while sending) of one stage. `found` is how many came in."""

    found: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    in_doubt: int = 0
    in_flight: int = 0
    rejected: int = 0
    cancelled: int = 0
    tries: int | None = None
    """Windows or mails that were begun; None = not known without a worker."""
    began_at: datetime | None = None
    ended_at: datetime | None = None
    """When the latest result was stored."""


class MessageCounts(BaseModel):
    """Messages by ledger state; the sum is the number of messages."""

    scheduled: int = 0
    claimed: int = 0
    transmitting: int = 0
    sent: int = 0
    deferred: int = 0
    failed: int = 0
    in_doubt: int = 0
    skipped: int = 0


class Outcomes(BaseModel):
    """What happened after the relay took the mail."""

    replied: int = 0
    bounced: int = 0
    auto_replied: int = 0
    complained: int = 0
    unsubscribed: int = 0


class DoubtfulMessage(BaseModel):
    """A message of which nobody can know whether the relay took it."""

    lead_number: int
    step: int
    message_id: str
    since: datetime
    reason: str


class Progress(BaseModel):
    """One campaign at one moment."""

    campaign_id: str
    status: CampaignStatus
    stage: Stage | None
    waiting_for: list[Waiting] = []
    stages: dict[Stage, StageProgress]
    leads: dict[str, int]
    """Leads by state, with the reason behind a colon where there is one, such as `skipped:suppressed`."""
    messages: MessageCounts
    outcomes: Outcomes
    metrics: dict[str, float] = {}
    artifacts: list[str] = []
    errors: dict[str, int] = {}
    """Errors by type."""
    estimated_completion: datetime | None = None
    as_of: datetime
    name: str
    owner: str
    dry_run: bool = False
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    in_doubt: list[DoubtfulMessage] = []
    paused: Paused | None = None
    pauses: int = 0
    """How often it was paused so far."""
    pauses_by: dict[str, int] = {}
    """And by whom; who did it most comes first."""
    undecided: int = 0
    """Drafts that wait for a person's decision."""
    priority: int = 3
    search: Seen | None = None
    """What the search has looked at so far; None = the people come from a file."""
    unknown_signals: dict[str, int] = {}
    """Signals whose names nobody knows; such as `puase`. Known while a worker answers."""
    run: int | None = None
    """Which run of its workflow this is; None = no worker answers."""
    history_events: int | None = None
