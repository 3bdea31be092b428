"""One campaign on a page: where it stands, why, what adds up, and what needs a person."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.text import Text

from client.cli.picture import signal_line, waits
from client.cli.screen import (
    added_up,
    awaited,
    columns,
    deadline,
    discreet,
    labelled,
    moment,
    plain,
    say,
    say_parts,
    span,
    styled,
    words,
)
from domain.campaign import CampaignStatus
from domain.delivery import HARD_BOUNCE
from domain.lead import LeadState
from domain.ports import Campaign, MailboxState
from domain.progress import Progress
from domain.source_ports import Seen

_DOUBTS = 10
"""How many messages in doubt are named; the others are counted."""
_NO_SUCH_ADDRESS = f"{LeadState.FAILED}:{HARD_BOUNCE}"


@dataclass(frozen=True)
class Page:
    """What a page is made of; `ui` and `traces` are addresses of the campaign, "" where they are not known."""

    campaign: Campaign
    progress: Progress
    mailboxes: Sequence[MailboxState] = ()
    ui: str = ""
    """In Temporal's Web UI."""
    traces: str = ""
    """In Jaeger."""


def show_campaign(page: Page) -> None:
    """Print the page."""
    _head(page)
    _why_it_stands(page.progress)
    _spec(page.campaign)
    say()
    _sums(page.campaign, page.progress)
    needs = list(_needs(page))
    if needs:
        say()
        say(Text("needs you", style="bold yellow"))
        for line in columns(needs, indent="  "):
            say(line)
    _doubts(page.progress)
    say()
    _history(page)
    links = [f"{name} {address}" for name, address in (("Web UI", page.ui), ("traces", page.traces)) if address]
    labelled("links", "\n".join([*links, f"report outrider report {page.progress.campaign_id}"]))


def _head(page: Page) -> None:
    progress = page.progress
    parts = [Text(plain(progress.name), style="bold"), styled(progress.status)]
    if progress.started_at:
        lasted = span((progress.finished_at or progress.as_of) - progress.started_at)
        parts.append(Text(f"{'after' if progress.finished_at else 'for'} {lasted}"))
    parts.append(Text(f"since {moment(progress.created_at)}"))
    parts += [Text(f"owner {plain(progress.owner)}"), Text(f"priority {page.campaign.priority}")]
    if progress.dry_run:
        parts.append(Text("rehearsal: nothing leaves", style="dim"))
    say_parts(Text("   ").join(parts))
    if progress.status is CampaignStatus.FAILED:
        labelled("way out", f"outrider run --id {progress.campaign_id} takes it up again: what was sent stays sent")


def _why_it_stands(progress: Progress) -> None:
    if progress.paused:
        reason = f": {discreet(progress.paused.reason)}" if progress.paused.reason else ""
        by = discreet(progress.paused.by)
        labelled("PAUSED", Text(f"since {moment(progress.paused.since)} by {by}{reason}", style="yellow"))
        labelled("", f"to go on: outrider resume {progress.campaign_id}")
    for waiting in waits(progress):
        since = f", since {moment(waiting.since)}" if waiting.since else ""
        until = f", until {deadline(waiting.until, progress.as_of)}" if waiting.until else ""
        what = f"{awaited(waiting.reason)} in stage {words(waiting.stage)}{since}{until}"
        labelled("waiting for", Text(what, style="yellow"))
        labelled("", f"{waiting.who}: {waiting.command}" if waiting.command else "it goes on by itself")


def _spec(campaign: Campaign) -> None:
    spec = campaign.spec
    if spec.goal:
        labelled("goal", plain(spec.goal))
    basis = words(spec.permission.basis) if spec.permission else "none in the spec"
    digest = hashlib.sha256(spec.model_dump_json().encode()).hexdigest()
    review = f"{spec.review.mode}{f' of {spec.review.size:,}' if spec.review.size else ''}"
    labelled("basis", f"{basis}   review {review}   spec sha256 {digest[:12]}")


def _sums(campaign: Campaign, progress: Progress) -> None:
    search = progress.search
    if search:
        labelled("looked at", added_up(search.looked_at, search.parts))
    labelled("leads", added_up(campaign.numbered, progress.leads))
    counts = progress.messages.model_dump()
    labelled("messages", added_up(sum(counts.values()), counts))
    after = " · ".join(f"{count:,} {words(name)}" for name, count in progress.outcomes.model_dump().items())
    labelled("outcome", f"{after}   (of {progress.messages.sent:,} sent)")
    if search:
        labelled("GitHub", _spent(search))
    if progress.errors:
        kinds = " · ".join(f"{words(kind)} {count:,}" for kind, count in progress.errors.items())
        labelled("errors", f"{kinds}   outrider errors {progress.campaign_id}")


def _spent(search: Seen) -> str:
    points = search.points + search.profile_points
    parts = [
        f"{_some(points, 'point')} ({search.points:,} for the search, {search.profile_points:,} for profiles)",
        f"{search.repositories:,} {'repository' if search.repositories == 1 else 'repositories'}",
        _some(search.pages, "page"),
    ]
    if search.incomplete:
        parts.append(f"{search.incomplete:,} {'search' if search.incomplete == 1 else 'searches'} incomplete")
    if search.gone:
        parts.append(f"{search.gone:,} named {'repository' if search.gone == 1 else 'repositories'} gone")
    return " · ".join(parts)


def _needs(page: Page) -> Iterator[tuple[str, str]]:
    """What only a person can do something about, each with the command."""
    progress, name = page.progress, page.progress.campaign_id
    if progress.in_doubt:
        yield f"{len(progress.in_doubt):,} in doubt", f"outrider resolve {name}"
    if progress.undecided:
        yield f"{_some(progress.undecided, 'draft')} to decide on", f"outrider review {name}"
    for one in page.mailboxes:
        if one.stopped_reason:
            why = words(discreet(one.stopped_reason))
            yield f"mailbox {one.name} stopped: {why}", f"outrider mailbox resume {one.name}"
    failed = sum(count for state, count in progress.leads.items() if state.startswith("failed"))
    again = failed - progress.leads.get(_NO_SUCH_ADDRESS, 0)
    if again and progress.status is not CampaignStatus.CANCELLED:
        yield f"{again:,} failed", f"outrider retry {name}"
    for signal, count in progress.unknown_signals.items():
        yield signal_line(signal, count), ""


def _doubts(progress: Progress) -> None:
    """Messages of which nobody can know whether the relay took them, with what its log calls them."""
    if not progress.in_doubt:
        return
    say()
    rows = [
        (f"lead {one.lead_number}", f"step {one.step}", one.message_id, f"since {moment(one.since)}", words(one.reason))
        for one in progress.in_doubt[:_DOUBTS]
    ]
    labelled("in doubt", "the relay's log knows; they are not sent again")
    for line in columns(rows):
        labelled("", line)
    if len(progress.in_doubt) > _DOUBTS:
        labelled("", f"and {len(progress.in_doubt) - _DOUBTS:,} more: outrider resolve {progress.campaign_id}")


def _history(page: Page) -> None:
    progress = page.progress
    parts = []
    if progress.pauses:
        pausers = Counter[str]()
        for who, count in progress.pauses_by.items():  # all breakers count as one
            pausers["breaker" if who.startswith("breaker ") else discreet(who)] += count
        by = ", ".join(f"{count:,} {who}" for who, count in pausers.most_common())
        parts.append(f"{_some(progress.pauses, 'pause')}{f' ({by})' if by else ''}")
    if progress.run is not None:
        parts.append(f"run {progress.run} of the workflow, {progress.history_events or 0:,} events")
    parts.append(f"outrider events {progress.campaign_id}")
    labelled("history", " · ".join(parts))


def _some(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
