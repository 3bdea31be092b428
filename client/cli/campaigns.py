"""`list` and `show`: where campaigns stand, by the rows. Neither needs a worker or Temporal."""

import asyncio
import hashlib
from collections.abc import Sequence

import typer
from temporalio.service import RPCError

from client.adapters import open_storage
from client.campaigns import FINAL, with_workflow_status
from client.cli.lead_screen import lead_document, show_lead
from client.cli.options import AsJson, CampaignId
from client.cli.screen import (
    added_up,
    columns,
    deadline,
    labelled,
    moment,
    plain,
    print_document,
    say,
    span,
    styled,
    words,
)
from client.connection import connect
from client.settings import Settings, load_settings
from domain.campaign import CampaignStatus
from domain.errors import OutriderError
from domain.ports import Campaign
from domain.progress import Progress

_TEMPORAL_SECONDS = 5.0
"""How long a list may wait for Temporal; then the rows alone tell."""
_QUESTIONS_AT_ONCE = 10


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("list")(list_)
    app.command()(show)


def list_(
    limit: int = typer.Option(50, min=1, help="How many, the newest first."),
    as_json: AsJson = False,
) -> None:
    """List campaigns, the newest first."""
    asyncio.run(_list(load_settings(), limit, as_json=as_json))


def show(
    campaign_id: CampaignId,
    lead: int | None = typer.Option(None, min=1, help="Show one person by number, with what happened to the mail."),
    as_json: AsJson = False,
) -> None:
    """Show where a campaign or one person stands.

    Also what the campaign waits for and what needs a person. Works without a worker and without Temporal.
    """
    asyncio.run(_show(load_settings(), campaign_id, lead, as_json=as_json))


async def _list(settings: Settings, limit: int, *, as_json: bool) -> None:
    async with open_storage(settings) as storage:
        campaigns = (await storage.campaigns.all())[:limit]
        rows = [await storage.progress.read(campaign.campaign_id) for campaign in campaigns]
    states = await _corrected(settings, rows)
    if as_json:
        kept = ("campaign_id", "name", "owner", "status", "stage", "dry_run", "leads", "messages")
        times = ("created_at", "started_at", "finished_at")
        print_document([state.model_dump(mode="json", include={*kept, *times}) for state in states])
    elif not states:
        say("no campaigns yet: outrider init campaign.yaml")
    else:
        _print_list(states)


def _print_list(states: Sequence[Progress]) -> None:
    head = ("campaign", "status", "stage", "sent", "of", "owner", "created")
    rows = [
        (
            state.campaign_id,
            styled(state.status),
            f"{words(state.stage) if state.stage else '-'}{', rehearsal' if state.dry_run else ''}",
            f"{state.messages.sent:,}",
            f"{sum(state.leads.values()):,}",
            plain(state.owner),
            moment(state.created_at),
        )
        for state in states
    ]
    for line in columns([head, *rows], right=(3, 4)):
        say(line)


async def _show(settings: Settings, campaign_id: str, lead: int | None, *, as_json: bool) -> None:
    async with open_storage(settings) as storage:
        if lead is not None:
            document = await lead_document(storage, campaign_id, lead)
            print_document(document) if as_json else show_lead(document)
            return
        campaign = await storage.campaigns.get(campaign_id)
        rows = await storage.progress.read(campaign_id)
    [progress] = await _corrected(settings, [rows])
    if as_json:
        print_document(progress)
    else:
        _print_progress(settings, campaign, progress)


async def _corrected(settings: Settings, states: Sequence[Progress]) -> Sequence[Progress]:
    """What the rows say, corrected by Temporal where it answers; campaigns that have ended need no correction."""
    if all(state.status in FINAL for state in states):
        return states
    free = asyncio.Semaphore(_QUESTIONS_AT_ONCE)
    try:
        async with asyncio.timeout(_TEMPORAL_SECONDS):
            temporal = await connect(settings)

            async def corrected(state: Progress) -> Progress:
                async with free:
                    return await with_workflow_status(temporal, state)

            return await asyncio.gather(*map(corrected, states))
    except (OutriderError, RPCError, TimeoutError):
        return states


def _print_progress(settings: Settings, campaign: Campaign, progress: Progress) -> None:
    spec = campaign.spec
    head = styled(progress.status)
    if progress.started_at:
        lasted = span((progress.finished_at or progress.as_of) - progress.started_at)
        head.append(f"   {'after' if progress.finished_at else 'for'} {lasted}", style="default")
    rehearsal = "   rehearsal: nothing leaves" if progress.dry_run else ""
    labelled(
        "campaign", head.append(f"   owner {plain(progress.owner)}   since {moment(progress.created_at)}{rehearsal}")
    )
    if progress.status is CampaignStatus.FAILED:
        labelled("way out", f"outrider run --id {progress.campaign_id} takes it up again: what was sent stays sent")
    if spec.goal:
        labelled("goal", plain(spec.goal))
    for waiting in progress.waiting_for:
        until = f" until {deadline(waiting.until, progress.as_of)}" if waiting.until else ""
        labelled("waiting for", f"{words(waiting.reason)}{until}, in stage {words(waiting.stage)}")
        if waiting.command:
            labelled("", f"{waiting.who}: {waiting.command}")
    basis = words(spec.permission.basis) if spec.permission else "none in the spec"
    digest = hashlib.sha256(spec.model_dump_json().encode()).hexdigest()
    labelled("basis", f"{basis}   spec sha256 {digest[:12]}")
    say()
    labelled("leads", added_up(campaign.numbered, progress.leads))
    counts = progress.messages.model_dump()
    labelled("messages", added_up(sum(counts.values()), counts))
    after = " · ".join(f"{count:,} {words(name)}" for name, count in progress.outcomes.model_dump().items())
    labelled("outcome", f"{after}   (of {progress.messages.sent:,} sent)")
    if progress.errors:
        kinds = " · ".join(f"{words(kind)} {count:,}" for kind, count in progress.errors.items())
        labelled("errors", f"{kinds}   outrider export {progress.campaign_id} --what errors")
    _print_doubts(progress)
    say()
    if settings.stack is not None:
        page = f"{settings.stack.temporal_ui}/namespaces/default/workflows/{progress.campaign_id}"
        labelled("links", f"Web UI {page}")
    labelled("" if settings.stack else "links", f"report outrider report {progress.campaign_id}")


def _print_doubts(progress: Progress) -> None:
    """Every message of which nobody can know whether the relay took it."""
    if not progress.in_doubt:
        return
    say()
    labelled("needs you", f"{len(progress.in_doubt):,} in doubt: the relay's log knows; they are not sent again")
    rows = [
        (f"lead {one.lead_number}", f"step {one.step}", one.message_id, f"since {moment(one.since)}", words(one.reason))
        for one in progress.in_doubt
    ]
    for line in columns(rows):
        labelled("", line)
