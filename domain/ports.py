"""What the activities need from the outside, as protocols. Adapters live in `storage` and `providers`."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from domain.campaign import CampaignSpec, CampaignStatus, CsvAudience, Stage
from domain.delivery import Transmission, Verdict
from domain.lead import Lead, LeadEnd
from domain.message import ClaimedMessage, Draft, OutgoingMail
from domain.report import CampaignReport
from domain.stopping import Judged
from domain.wire import Control, ControlTask, Hold, HoldReason


class Waits(BaseModel):
    """What a campaign waits for, as it was last written down."""

    model_config = ConfigDict(frozen=True)

    stage: Stage
    reason: HoldReason
    since: datetime
    until: datetime


class Campaign(BaseModel):
    """A campaign's row. `numbered` is the highest lead number given so far."""

    model_config = ConfigDict(frozen=True)

    campaign_id: str
    spec: CampaignSpec
    status: CampaignStatus
    stage: Stage | None = None
    control: Control
    numbered: int
    dry_run: bool
    waits: Waits | None = None
    priority: int = 3
    """1 goes first, 5 last."""
    paused_since: datetime | None = None
    paused_by: str = ""
    paused_reason: str = ""
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def searches(self) -> bool:
        """Whether its people have to be found; the others came with it."""
        return not isinstance(self.spec.audience, CsvAudience)


class Campaigns(Protocol):
    """Rows of campaigns."""

    async def get(self, campaign_id: str) -> Campaign:
        """The campaign; raises NotFound."""

    async def take_up(self, campaign_id: str) -> Campaign:
        """Open the row for a new workflow, perhaps after one that was terminated; returns it.

        What people wanted stays: a paused campaign is paused, and one that was cancelled is not opened at all.
        """

    async def set_status(self, campaign_id: str, status: CampaignStatus, stage: Stage | None) -> None:
        """Write the status copy. Final states keep the first `finished_at`."""

    async def set_hold(self, campaign_id: str, stage: Stage, hold: Hold | None) -> None:
        """Write down what the campaign waits for, or that it waits no longer; `since` stays while the reason does."""

    async def write_control(self, task: ControlTask, status: CampaignStatus | None) -> None:
        """Write down what is wanted and who wanted it, in one transaction; None leaves the status as it is.

        Changes that are known already are not written twice. From this commit on the ledger begins nothing unless the
        control is `run`. A resumption also begins a new window of judgement for the breakers.
        """

    async def judged(self, campaign_id: str, newest: int) -> Judged:
        """The newest so many mails that were sent or refused for good since the campaign was last resumed."""


class ReviewLook(BaseModel):
    """How a window of drafts stands with its reviewers."""

    model_config = ConfigDict(frozen=True)

    counts: dict[str, int]
    """Leads outside of `undecided`: done (approved), rejected, skipped, failed."""
    undecided: list[tuple[int, int]]
    """Spans without anybody who was decided on, each with some that wait for a decision, or for being drafted.

    Whoever stands among them and will get no mail stays with them: gaps must not cut the next stage's windows small.
    """
    open: int = 0
    """How many of those wait."""
    waiting_since: datetime | None
    """When the first draft of the campaign that still waits was made."""
    sample_rejected: int = 0
    """How many drafts of a sample were rejected: the others wait for a person's word on all of them."""


class Reviews(Protocol):
    """People's decisions on drafts."""

    async def approve(self, campaign_id: str, leads: Sequence[tuple[int, int]] | None, by: str) -> int:
        """Approve the undecided drafts of these numbers, None = of all; returns how many. Decisions stay."""

    async def look(self, campaign_id: str, first: int, last: int) -> ReviewLook:
        """How the window stands. In a sampled campaign whose sample is approved, this approves the window's others."""

    async def remind(self, campaign_id: str, deadline: datetime) -> bool:
        """Note once that the deadline has passed; False when that was noted before."""


class NewMessage(BaseModel):
    """A message to schedule, or, with `skipped`, to list as one that will not be sent."""

    model_config = ConfigDict(frozen=True)

    draft: Draft
    message_id: str
    recipient: str
    mailbox: str
    basis: str
    opt_out_url: str
    fingerprint: str
    skipped: str = ""
    approved_by: str = ""
    """Who approved it when it was made, "" = somebody has to."""


class Leads(Protocol):
    """Rows of leads and drafts."""

    async def undrafted(self, campaign_id: str, first: int, last: int) -> list[Lead]:
        """Leads of the window that are open and have no draft yet, by number."""

    async def store_drafts(self, campaign_id: str, messages: Sequence[NewMessage], ended: Sequence[LeadEnd]) -> None:
        """Store drafts with their messages, and leads that end here, in one transaction. What is stored stays.

        A message to an address that already has this step of this campaign ends its lead as `skipped(same_address)`.
        """

    async def drafting_counts(self, campaign_id: str, first: int, last: int) -> dict[str, int]:
        """Leads of the window by outcome of drafting: done, skipped, failed, open."""


class Writer(Protocol):
    """Drafts texts for a window of leads."""

    @property
    def at_once(self) -> int:
        """How many leads one call should get: what is in hand is finished when its campaign is paused."""

    async def write(
        self, spec: CampaignSpec, leads: Sequence[Lead], opt_out_urls: Sequence[str]
    ) -> list[Draft | LeadEnd]:
        """One draft, or one reason why there is none, for each lead, in their order."""


class ClaimRules(BaseModel):
    """What a claim checks beside the rows themselves."""

    model_config = ConfigDict(frozen=True)

    cool_down_seconds: int
    """A person contacted by another campaign within this time is skipped; 0 = never."""
    expired: bool
    """The campaign's last day is over: what has not left is skipped."""
    may_start: bool
    """The sending window is open; while it is closed a claim only clears up after dead attempts."""
    resend_doubts: bool
    """Policy `resend`: a doubt goes back to scheduled, at the risk of writing twice."""
    dry_run: bool
    """Nothing leaves, so nobody counts as contacted."""


class WindowTally(BaseModel):
    """Messages of a window by state, and when the first of the open ones is due."""

    model_config = ConfigDict(frozen=True)

    counts: dict[str, int]
    open: int
    next_at: datetime | None
    undecided: int = 0
    """Of the open ones those whose approval was taken back, by an edit: they are due when a person approves again."""


class Settlement(BaseModel):
    """What became of a message this attempt was transmitting."""

    model_config = ConfigDict(frozen=True)

    message: ClaimedMessage
    transmission: Transmission
    verdict: Verdict


class Ledger(Protocol):
    """The send ledger: compare-and-set on every transition, zero rows = hands off."""

    async def claim(
        self, campaign_id: str, first: int, last: int, token: str, rules: ClaimRules
    ) -> list[ClaimedMessage]:
        """Own all due messages of the window that may be sent now.

        In the same transaction: messages another attempt left `transmitting` become in doubt, what another attempt
        only claimed is taken over, and what must not be sent (suppressed, contacted recently, expired) is skipped.
        """

    async def advance(self, settled: Settlement | None, begin: ClaimedMessage | None) -> bool:
        """Record what became of one message and begin the next, in one commit.

        True when `begin` is now `transmitting` and committed; False = another attempt owns it or it must not be sent.
        """

    async def release(self, campaign_id: str, first: int, last: int, token: str) -> None:
        """Give back what this attempt claimed and did not begin."""

    async def tally(self, campaign_id: str, first: int, last: int) -> WindowTally:
        """What the rows say about the window now."""

    async def cancel(self, campaign_id: str, first: int, last: int) -> None:
        """End what has not begun: messages become `skipped(cancelled)`, leads without one `cancelled`.

        What dead attempts left `transmitting` becomes in doubt; a late confirmation still wins.
        """


class RelayConnection(Protocol):
    """One open connection to a relay, used by one mail at a time."""

    @property
    def usable(self) -> bool:
        """Whether another mail can follow; False after the relay closed or an answer was missing."""

    async def transmit(self, sender: str, recipient: str, content: bytes) -> Transmission:
        """Hand one encoded mail over, step by step. Does not raise for what the relay or the network does."""


class Relay(Protocol):
    """One mailbox's way out. Owns this process's limit on connections."""

    @property
    def loopback(self) -> bool:
        """Whether the relay is on this machine: only there may the opt-out address be a local one."""

    def encode(self, mail: OutgoingMail) -> bytes:
        """The bytes of the DATA phase. Raises ValueError when a header value cannot be one."""

    def connection(self) -> AbstractAsyncContextManager[RelayConnection]:
        """A connection, waited for while all are in use; raises RelayUnavailable."""


class Relays(Protocol):
    """Finds the relay of a mailbox."""

    def relay(self, mailbox: str, connections: int, *, dry_run: bool) -> Relay:
        """The relay object of that mailbox, the same one for every campaign and window of this process."""


class MailboxState(BaseModel):
    """A mailbox's row: why nothing may leave it, "" when it may."""

    model_config = ConfigDict(frozen=True)

    name: str
    stopped_reason: str = ""
    stopped_at: datetime | None = None


class Mailboxes(Protocol):
    """Rows of mailboxes, shared by all campaigns."""

    async def get(self, name: str) -> MailboxState:
        """The mailbox's state; one never heard of is not stopped."""

    async def stop(self, name: str, reason: str) -> None:
        """Let nothing leave this mailbox until a person resumes it."""


class Reports(Protocol):
    """Writes what came of a campaign."""

    async def read(self, campaign_id: str) -> CampaignReport:
        """The report as the rows say it now."""

    async def keep(self, report: CampaignReport) -> None:
        """Store the report as the campaign's artifacts (Markdown and JSON), replacing earlier ones."""
