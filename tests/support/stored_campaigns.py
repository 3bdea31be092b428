"""Campaigns in a real database, drafted and scheduled, with their rows laid open."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import raw_rows
from local_world import people, spec

from domain.campaign import CampaignSpec, CampaignStatus
from domain.delivery import Phase, Transmission, Verdict
from domain.lead import NewLead
from domain.message import ClaimedMessage, Draft, MessageKey, MessageState, message_id
from domain.outgoing import fingerprint_of
from domain.ports import ClaimRules, NewMessage, Settlement
from domain.report import RejectedRow
from domain.wire import ChangeKind, Control, ControlChange, ControlTask
from storage.campaigns import CampaignRows
from storage.database import Database
from storage.discovery import DiscoveryRows
from storage.enrichment import PeopleRows
from storage.evidence import EvidenceRows
from storage.exports import ExportRows
from storage.keys import Keys
from storage.leads import LeadRows
from storage.mailboxes import MailboxRows
from storage.progress import ProgressRows
from storage.reports import ReportRows
from storage.reviews import ReviewRows
from storage.settling import SettlingRows
from storage.suppression import SuppressionList

CAMPAIGN = "campaign-a"
OTHER = "campaign-b"


class StoredCampaigns:
    """One database and everything that reads and writes it."""

    def __init__(self, place: Path | str) -> None:
        """`place` is a migrated database: an SQLite file, or the URL of either kind."""
        self.url = place if isinstance(place, str) else f"sqlite+aiosqlite:///{place}"
        self.database = Database(self.url)
        self.keys = Keys("a secret of the tests, long enough")
        self.campaigns = CampaignRows(self.database, self.keys)
        self.leads = LeadRows(self.database, self.keys)
        self.mailboxes = MailboxRows(self.database)
        self.suppressions = SuppressionList(self.database, self.keys)
        self.progress = ProgressRows(self.database, self.campaigns)
        self.reports = ReportRows(self.database, self.campaigns)
        self.exports = ExportRows(self.database)
        self.evidence = EvidenceRows(self.database)
        self.reviews = ReviewRows(self.database)
        self.settling = SettlingRows(self.database)
        self.discoveries = DiscoveryRows(self.database, self.keys)
        self.people = PeopleRows(self.database, self.keys)

    @property
    def path(self) -> Path:
        """The file of an SQLite database."""
        return raw_rows.path_of(self.url)

    async def create(
        self,
        campaign_id: str = CAMPAIGN,
        leads: int | Sequence[NewLead] = 3,
        of: CampaignSpec | None = None,
        rejected: Sequence[RejectedRow] = (),
    ) -> None:
        """A campaign with so many leads, or with these."""
        found = people(leads) if isinstance(leads, int) else leads
        await self.campaigns.create(campaign_id, of or spec(), found, rejected)

    async def schedule(
        self,
        campaign_id: str = CAMPAIGN,
        leads: int | Sequence[NewLead] = 3,
        of: CampaignSpec | None = None,
        approved_by: str = "test",
    ) -> None:
        """A campaign whose leads all have a draft and a message that is due; approved by nobody = undecided."""
        await self.create(campaign_id, leads, of)
        count = leads if isinstance(leads, int) else len(leads)
        undrafted = await self.leads.undrafted(campaign_id, 1, count)
        drafts = [new_message(campaign_id, lead.number, lead.email, approved_by=approved_by) for lead in undrafted]
        await self.leads.store_drafts(campaign_id, [_fingerprinted(one, of or spec()) for one in drafts], [])

    def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """What a statement finds, read past everything that is under test."""
        return raw_rows.rows(self.url, statement, *values)

    def execute(self, statement: str, *values: object) -> None:
        """Change the database behind everybody's back."""
        raw_rows.execute(self.url, statement, *values)

    def message(self, number: int = 1, campaign_id: str = CAMPAIGN) -> dict[str, Any]:
        """The row of a message."""
        (row,) = self.rows("SELECT * FROM messages WHERE campaign_id = ? AND number = ?", campaign_id, number)
        return row

    def fingerprint(self, number: int = 1, campaign_id: str = CAMPAIGN) -> str:
        """Of a stored draft: what somebody who decides about it has seen."""
        (row,) = self.rows("SELECT fingerprint FROM drafts WHERE campaign_id = ? AND number = ?", campaign_id, number)
        fingerprint: str = row["fingerprint"]
        return fingerprint

    def states(self, campaign_id: str = CAMPAIGN) -> list[str]:
        """The states of a campaign's messages, by lead number."""
        rows = self.rows("SELECT state FROM messages WHERE campaign_id = ? ORDER BY number", campaign_id)
        return [row["state"] for row in rows]

    def trail(self, number: int = 1, campaign_id: str = CAMPAIGN) -> list[tuple[str, str]]:
        """(state, cause) of every transition of a message, the oldest first."""
        rows = self.rows(
            "SELECT state, cause FROM message_events WHERE campaign_id = ? AND number = ? ORDER BY event_id",
            campaign_id,
            number,
        )
        return [(row["state"], row["cause"]) for row in rows]

    def contact(self, email: str = "person1@example.com") -> dict[str, Any] | None:
        """The row that says who wrote to a person last, and when."""
        identity = self.keys.address_identity(email)
        rows = self.rows("SELECT * FROM contacts WHERE address_identity = ?", identity)
        return rows[0] if rows else None

    async def write_control(
        self,
        control: Control,
        *changes: ControlChange,
        campaign_id: str = CAMPAIGN,
        status: CampaignStatus | None = None,
    ) -> None:
        """What the workflow's activity writes after somebody steered the campaign."""
        task = ControlTask(campaign_id=campaign_id, control=control, changes=list(changes))
        await self.campaigns.write_control(task, status)

    def acts(self, campaign_id: str = CAMPAIGN) -> list[tuple[str, str, str]]:
        """(kind, by, reason) of everything people and breakers did, the oldest first."""
        rows = self.rows(
            "SELECT kind, by, reason FROM campaign_events WHERE campaign_id = ? ORDER BY at, event_id", campaign_id
        )
        return [(row["kind"], row["by"], row["reason"]) for row in rows]

    def assert_trail_is_whole(self) -> None:
        """The last transition on record is where each message stands."""
        rows = self.rows(
            "SELECT campaign_id, number, state, (SELECT state FROM message_events AS events"
            " WHERE (events.campaign_id, events.number, events.step) = (messages.campaign_id, messages.number,"
            " messages.step) ORDER BY event_id DESC LIMIT 1) AS recorded FROM messages"
        )
        assert [row for row in rows if row["state"] != row["recorded"]] == []
        (strangers,) = self.rows(
            "SELECT count(*) AS count FROM message_events LEFT JOIN messages USING (campaign_id, number, step)"
            " WHERE messages.number IS NULL"
        )
        assert strangers["count"] == 0, "a transition of a message that does not exist"


def new_message(campaign_id: str, number: int, email: str, skipped: str = "", approved_by: str = "test") -> NewMessage:
    """A message with a text of its own for one lead, approved unless a test says otherwise."""
    draft = Draft(
        number=number,
        subject=f"Subject {number}",
        text=f"Text {number}\n",
        html=f"<p>Text {number}</p>",
        author="template",
        version="0123456789ab",
    )
    return NewMessage(
        draft=draft,
        message_id=message_id(MessageKey(campaign_id, number, 1), f"secret {number}", "news@example.com"),
        recipient=email,
        mailbox="relay",
        basis="consent",
        opt_out_url=f"http://127.0.0.1:8026/u/{number}",
        fingerprint="0" * 64,
        skipped=skipped,
        approved_by=approved_by,
    )


def _fingerprinted(message: NewMessage, of: CampaignSpec) -> NewMessage:
    """With the fingerprint of the mail that will be made of it."""
    seen = fingerprint_of(of, of.sending.mailboxes[0], message.draft, message.recipient, message.opt_out_url)
    return message.model_copy(update={"fingerprint": seen})


def change(kind: ChangeKind, by: str = "dana", reason: str = "", ago: timedelta = timedelta(0)) -> ControlChange:
    """What somebody did just now, or so long ago."""
    return ControlChange(kind=kind, at=datetime.now(UTC) - ago, by=by, reason=reason)


def rules(
    *,
    cool_down: timedelta = timedelta(0),
    expired: bool = False,
    may_start: bool = True,
    resend_doubts: bool = False,
    dry_run: bool = False,
) -> ClaimRules:
    """Rules of a claim that stop nothing unless a test says so."""
    return ClaimRules(
        cool_down_seconds=int(cool_down.total_seconds()),
        expired=expired,
        may_start=may_start,
        resend_doubts=resend_doubts,
        dry_run=dry_run,
    )


def settlement(
    message: ClaimedMessage,
    state: MessageState,
    reason: str = "",
    code: int | None = 250,
    **verdict: Any,  # noqa: ANN401 any field
) -> Settlement:
    """What became of a message, as the lanes would put it; `verdict` are further fields of the verdict."""
    enhanced = "2.0.0" if code == 250 else ""
    return Settlement(
        message=message,
        transmission=Transmission(phase=Phase.CONTENT, code=code, enhanced=enhanced, text="said"),
        verdict=Verdict(state=state, reason=reason, **verdict),
    )


def soon(after: timedelta) -> datetime:
    """So long after now; also a time that has passed."""
    return datetime.now(UTC) + after


def sent(message: ClaimedMessage) -> Settlement:
    """The relay took it."""
    return settlement(message, MessageState.SENT)


def failed(message: ClaimedMessage, *, suppress: bool = False) -> Settlement:
    """The relay refused it for good."""
    reason = "hard_bounce" if suppress else "refused_content"
    return settlement(message, MessageState.FAILED, reason=reason, code=550, suppress=suppress)


def deferred(message: ClaimedMessage, next_in: timedelta) -> Settlement:
    """The relay asked for patience."""
    return settlement(message, MessageState.DEFERRED, reason="deferred_by_relay", code=451, next_at=soon(next_in))


def doubtful(message: ClaimedMessage) -> Settlement:
    """No answer after the final dot."""
    return settlement(message, MessageState.IN_DOUBT, reason="connection_lost", code=None)
