"""The report of a campaign: what came of it, and whether it adds up."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel

from domain.campaign import CampaignStatus
from domain.progress import DoubtfulMessage, MessageCounts, Outcomes
from domain.source_ports import looked_at_parts
from domain.sourcing import PassedOver


class GroupRow(BaseModel):
    """Messages of one mailbox or one receiving domain."""

    name: str
    sent: int
    failed: int
    deferred: int


class RejectedRow(BaseModel):
    """A row of the lead file that became no lead. `line` is its line number in the file."""

    line: int
    reason: str


class ReviewerRow(BaseModel):
    """One person's decisions on drafts."""

    name: str
    approved: int
    rejected: int


class SearchReport(BaseModel):
    """What a search has looked at, what it could not see, and what the source charged."""

    looked_at: int
    """Different people and accounts, counted one by one."""
    leads: int
    """Numbers given to people."""
    passed_over: dict[PassedOver, int]
    """Everybody else, by why they became no lead."""
    reachable: int
    """Leads that can be written to."""
    repositories: int
    pages: int
    incomplete: int = 0
    """Searches of which the source said that it did not look everywhere."""
    gone: int = 0
    """Repositories that were asked for by name and are not there any more."""
    partly_read: int = 0
    """Repositories with more commits than were read."""
    unread_commits: int = 0
    search_points: int
    profile_points: int

    @property
    def parts(self) -> dict[str, int]:
        """What became of everybody who was looked at, in words."""
        return looked_at_parts(self.leads, self.passed_over)

    @property
    def points(self) -> int:
        """All that was charged."""
        return self.search_points + self.profile_points


class CampaignReport(BaseModel):
    """All that the report says; the Markdown and the JSON are two spellings of it."""

    campaign_id: str
    name: str
    status: CampaignStatus
    dry_run: bool
    as_of: datetime
    started_at: datetime | None
    finished_at: datetime | None
    lead_total: int
    leads: dict[str, int]
    message_total: int
    messages: MessageCounts
    message_reasons: dict[str, int]
    """Messages that were not sent, by `state:reason`."""
    confirmations: int
    """Positive replies after the final dot that the ledger recorded, counted from the audit trail."""
    resolved_sent: int = 0
    """Doubtful messages of which a person said that they had arrived."""
    twice: int
    """Messages with more than one confirmation."""
    resent_doubts: int = 0
    """Doubtful messages that policy `resend` sent again: each may have arrived twice."""
    relay_deferrals: int
    """Replies of 4xx and lost connections, counted from the audit trail."""
    deferred_delivered: int
    """Messages that were deferred at least once and sent later."""
    outcomes: Outcomes
    by_mailbox: list[GroupRow]
    by_receiver: list[GroupRow]
    rejected_rows: list[RejectedRow]
    in_doubt: list[DoubtfulMessage]
    pauses: dict[str, int] = {}
    """How often who paused it; a breaker is called by its name."""
    cancelled_by: str = ""
    reviewers: list[ReviewerRow] = []
    search: SearchReport | None = None
    """None = the people come from a file."""

    @property
    def final(self) -> bool:
        """Whether the campaign has ended."""
        return self.finished_at is not None

    @property
    def sums(self) -> list[tuple[str, int, Mapping[str, int]]]:
        """The sums that must hold: name, total, parts."""
        messages = {state: count for state, count in self.messages.model_dump().items() if count}
        looked_at = [("looked at", self.search.looked_at, self.search.parts)] if self.search else []
        return [*looked_at, ("leads", self.lead_total, self.leads), ("messages", self.message_total, messages)]

    @property
    def adds_up(self) -> bool:
        """Whether every sum holds, every sent mail has its confirmation and nobody has two."""
        whole = all(total == sum(parts.values()) for _, total, parts in self.sums)
        return whole and self.twice == 0 and (self.dry_run or self.confirmed)

    @property
    def confirmed(self) -> bool:
        """Whether the relay or a person confirmed every mail that is sent, and no other."""
        return self.confirmations + self.resolved_sent == self.messages.sent

    def as_markdown(self) -> str:
        """The report as a person reads it."""
        kind = "rehearsal, nothing left this machine" if self.dry_run else "report" if self.final else "interim report"
        lines = [f"# {self.name}: {kind}, {_moment(self.as_of)}", "", f"{self.campaign_id} · {self.status}", ""]
        lines += ["## What came of it", "", *self._outcome(), ""]
        lines += ["## Does it add up", "", *self._sums(), ""]
        lines += ["## Where people fell out", "", _listed(self._fallen()) or "nobody did", ""]
        if self.search:
            lines += ["## How the search went", "", *self._searched(self.search), ""]
        lines += ["## Deliverability", "", *self._deliverability(), ""]
        if self.search:
            lines += ["## What it cost", "", self._cost(self.search), ""]
        if steered := self._steered():
            lines += ["## Who decided", "", *steered, ""]
        if self.rejected_rows:
            lines += ["## Rows of the lead file that became no lead", ""]
            lines += [f"- line {row.line}: {row.reason}" for row in self.rejected_rows] + [""]
        lines += ["## What needs a person", "", *self._for_a_person(), ""]
        return "\n".join(lines)

    def _outcome(self) -> list[str]:
        wall = f" in {_span(self.started_at, self.finished_at or self.as_of)}" if self.started_at else ""
        sent = f"{self.messages.sent:,} of {self.message_total:,} messages sent{wall}"
        after = {name.replace("_", " "): count for name, count in self.outcomes.model_dump().items() if count}
        return [sent, f"afterwards: {_listed(after)}" if after else "afterwards: nothing came back so far"]

    def _sums(self) -> list[str]:
        lines = [
            f"- {name} {total:,} = {' + '.join(f'{count:,} {_words(part)}' for part, count in parts.items()) or '0'}  "
            f"{_tick(total == sum(parts.values()))}"
            for name, total, parts in self.sums
        ]
        if self.dry_run:
            return lines
        sent = f"- sent {self.messages.sent:,} in the ledger, {self.confirmations:,} confirmations from the relay"
        if self.resolved_sent:
            sent += f", {self.resolved_sent:,} by a person's word"
        lines += [f"{sent}  {_tick(self.confirmed)}", f"- twice {self.twice:,}  {_tick(self.twice == 0)}"]
        if self.resent_doubts:
            lines.append(f"- sent again after a doubt {self.resent_doubts:,}: each of these may have arrived twice")
        return lines

    def _fallen(self) -> dict[str, int]:
        """Whoever was left out by their reason, everybody else by their state."""
        fallen = Counter[str]()
        for state, count in self.leads.items():
            if state not in ("contacted", "open"):
                fallen[state.removeprefix("skipped:")] += count
        return fallen

    def _searched(self, search: SearchReport) -> list[str]:
        """What was seen, and plainly what was not."""
        places = _some(search.repositories, "repository", "repositories")
        found = f"{self.lead_total:,} leads found, {search.reachable:,} of them reachable"
        lines = [f"- {search.looked_at:,} looked at in {places}, {found}"]
        if search.incomplete:
            times = _some(search.incomplete, "search", "searches")
            lines.append(f"- incomplete: of {times} GitHub said that it did not look everywhere; people may be missing")
        if search.partly_read:
            places = _some(search.partly_read, "repository", "repositories")
            commits = _some(search.unread_commits, "commit", "commits")
            lines.append(f"- not read: {commits} in {places}; whoever made only those is missing")
        if search.gone:
            lines.append(f"- gone: {_some(search.gone, 'named repository', 'named repositories')} not found")
        return lines

    def _cost(self, search: SearchReport) -> str:
        points = _some(search.points, "point", "points")
        pages = _some(search.pages, "page", "pages")
        return (
            f"GitHub {points} ({search.search_points:,} for the search, {search.profile_points:,} for profiles) "
            f"· {pages} of search results"
        )

    def _deliverability(self) -> list[str]:
        trying = f", {self.messages.deferred:,} still trying" if self.messages.deferred else ""
        return [
            f"- by mailbox: {_groups(self.by_mailbox)}",
            f"- by receiver: {_groups(self.by_receiver)}",
            f"- deferred: {self.relay_deferrals:,} times, {self.deferred_delivered:,} delivered later{trying}",
        ]

    def _steered(self) -> list[str]:
        lines = []
        if self.reviewers:
            lines.append(f"- drafts: {' · '.join(_reviewed(row) for row in self.reviewers)}")
        if self.pauses:
            who = ", ".join(f"{count:,} {name}" for name, count in self.pauses.items())
            total = sum(self.pauses.values())
            lines.append(f"- {total:,} {'pause' if total == 1 else 'pauses'} ({who})")
        if self.cancelled_by:
            lines.append(f"- cancelled by {self.cancelled_by}")
        return lines

    def _for_a_person(self) -> list[str]:
        lines = [
            f"- in doubt: lead {doubt.lead_number} step {doubt.step} {doubt.message_id} since {_moment(doubt.since)}"
            for doubt in self.in_doubt
        ]
        return lines or ["nothing"]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _some(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _span(start: datetime, end: datetime) -> str:
    seconds = (end - start).total_seconds()
    return f"{seconds:.1f} s" if seconds < 120 else str(end - start).partition(".")[0]  # noqa: PLR2004 two minutes


def _tick(holds: bool) -> str:  # noqa: FBT001 a private one-liner
    return "✓" if holds else "✗ DOES NOT ADD UP"


def _listed(parts: Mapping[str, int]) -> str:
    return " · ".join(f"{_words(name)} {count:,}" for name, count in parts.items())


def _words(state: str) -> str:
    """A state as a person reads it: `skipped:no_evidence:consented_at` is "skipped, no evidence, consented at"."""
    return state.replace(":", ", ").replace("_", " ")


def _reviewed(row: ReviewerRow) -> str:
    parts = ((row.approved, "approved"), (row.rejected, "rejected"))
    return f"{row.name} {', '.join(f'{word} {count:,}' for count, word in parts if count)}"


def _groups(rows: Sequence[GroupRow]) -> str:
    def one(row: GroupRow) -> str:
        rest = "".join(
            f", {count:,} {word}" for word, count in (("failed", row.failed), ("deferred", row.deferred)) if count
        )
        return f"{row.name} {row.sent:,} sent{rest}"

    return " · ".join(one(row) for row in rows) or "nothing yet"
