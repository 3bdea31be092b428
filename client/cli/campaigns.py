"""`list` and `show`: where campaigns stand, by the rows. Neither needs a worker or Temporal."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer
from temporalio.service import RPCError

from client.adapters import Storage, open_storage
from client.campaigns import FINAL, CampaignClient
from client.cli.campaign_screen import Page, show_campaign
from client.cli.lead_screen import lead_document, show_lead
from client.cli.options import HIGHEST, AsJson, CampaignId
from client.cli.picture import waits
from client.cli.screen import awaited, columns, cut, discreet, moment, plain, print_document, say, styled, words
from client.connection import connect
from client.settings import Settings, load_settings
from client.trace_links import campaign_link
from client.workflow_progress import with_workflow_status
from domain.campaign import CampaignStatus
from domain.errors import OutriderError
from domain.progress import Progress

_TEMPORAL_SECONDS = 5.0
"""How long a list may wait for Temporal; then the rows alone tell."""
_QUESTIONS_AT_ONCE = 10
_REASON = 40
"""Columns that a reason takes in a list."""
_STANDING = (CampaignStatus.WAITING, CampaignStatus.PAUSED)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("list")(list_)
    app.command()(show)


def list_(
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Only those that wait or are paused, and for what.")
    ] = False,
    status: Annotated[CampaignStatus | None, typer.Option(help="Only those of this status.")] = None,
    owner: str = typer.Option("", help="Only this owner's."),
    limit: int = typer.Option(50, min=1, max=HIGHEST, help="How many, the newest first."),
    as_json: AsJson = False,
) -> None:
    """List campaigns, the newest first."""
    wanted = _STANDING if waiting else tuple(CampaignStatus)
    shown = tuple(one for one in wanted if status in (None, one))
    asyncio.run(_list(load_settings(), shown, owner, limit, waiting=waiting, as_json=as_json))


def show(
    campaign_id: CampaignId,
    lead: int | None = typer.Option(
        None, min=1, max=HIGHEST, help="Show one person by number, with what happened to the mail."
    ),
    as_json: AsJson = False,
) -> None:
    """Show where a campaign or one person stands.

    Also what the campaign waits for and what needs a person. Works without a worker and without Temporal.
    """
    asyncio.run(_show(load_settings(), campaign_id, lead, as_json=as_json))


async def _list(
    settings: Settings, shown: Sequence[CampaignStatus], owner: str, limit: int, *, waiting: bool, as_json: bool
) -> None:
    async with open_storage(settings) as storage:
        campaigns = [one for one in await storage.campaigns.all() if owner in ("", one.spec.owner)]
        if len(shown) == len(CampaignStatus):  # else how many there are is known when Temporal has had its say
            campaigns = campaigns[:limit]
        rows = [await storage.progress.read(campaign.campaign_id) for campaign in campaigns]
    states = [state for state in await _corrected(settings, rows) if state.status in shown][:limit]
    if as_json:
        kept = ("campaign_id", "name", "owner", "status", "stage", "dry_run", "priority", "leads", "messages")
        more = ("created_at", "started_at", "finished_at", "waiting_for", "paused", "undecided")
        print_document([state.model_dump(mode="json", include={*kept, *more}) for state in states])
    elif not campaigns and not owner:
        say("no campaigns yet: outrider init campaign.yaml")
    elif not states:
        say("no such campaign now; all of them: outrider list")
    elif waiting:
        _print_waiting(states)
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


def _print_waiting(states: Sequence[Progress]) -> None:
    """A line for each thing that holds a campaign up."""
    rows = [("campaign", "status", "for", "since", "who", "command")]
    for state in states:
        if state.paused:
            why = f": {cut(discreet(state.paused.reason), _REASON)}" if state.paused.reason else ""
            what = f"paused by {discreet(state.paused.by)}{why}"
            command = f"outrider resume {state.campaign_id}"
            rows.append((state.campaign_id, state.status, what, moment(state.paused.since), "person", command))
        for one in waits(state):
            command = one.command or "-"
            rows.append((state.campaign_id, state.status, awaited(one.reason), moment(one.since), one.who, command))
    for line in columns([[row[0], styled(row[1]), *row[2:]] for row in rows]):
        say(line)


async def _show(settings: Settings, campaign_id: str, lead: int | None, *, as_json: bool) -> None:
    async with open_storage(settings) as storage:
        if lead is not None:
            document = await lead_document(settings, storage, campaign_id, lead)
            print_document(document) if as_json else show_lead(document)
            return
        progress = await _progress(settings, storage, campaign_id)
        if as_json:
            print_document(progress)
            return
        campaign = await storage.campaigns.get(campaign_id)
        page = Page(
            campaign=campaign,
            progress=progress,
            mailboxes=[await storage.mailboxes.get(one.name) for one in campaign.spec.sending.mailboxes],
            ui=f"{settings.stack.temporal_ui}/namespaces/default/workflows/{campaign_id}" if settings.stack else "",
            traces=campaign_link(settings, campaign_id),
        )
    show_campaign(page)


async def _progress(settings: Settings, storage: Storage, campaign_id: str) -> Progress:
    """What the rows say, with what Temporal and a worker add where they answer."""
    rows = await storage.progress.read(campaign_id)
    if rows.status in FINAL:
        return rows
    try:
        async with asyncio.timeout(_TEMPORAL_SECONDS):
            return await CampaignClient(storage, await connect(settings), settings).progress(campaign_id)
    except (OutriderError, RPCError, TimeoutError):
        return rows


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
