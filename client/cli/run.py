"""`run`: start a campaign, or attach to one, and watch it to its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated

import typer
from temporalio.client import Client
from temporalio.service import RPCError

from client.adapters import Storage, open_storage
from client.campaigns import FINAL, PRIORITIES, CampaignClient, Started, check_campaign_id, new_campaign_id
from client.cli.namespace import check_namespace
from client.cli.options import AsJson, Changes, LeadsFile
from client.cli.screen import added_up, labelled, note, print_document, say, span, styled
from client.cli.watch import Watch
from client.connection import connect
from client.settings import Settings, load_settings
from client.specs import Prepared, prepare
from client.workers import workers
from domain.campaign import CampaignStatus
from domain.errors import InputError, NotFound
from domain.ports import Campaign
from domain.progress import Progress
from domain.report import CampaignReport

_LOOK_SECONDS = 0.5
_USUAL_PRIORITY = 3
_PATIENCE = timedelta(seconds=5)
"""A campaign that was not taken up for so long may have no worker."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(run)


def run(
    spec: str = typer.Argument(
        "", help="The spec file or a goal; may be left out with the --id of an existing campaign."
    ),
    leads: LeadsFile = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Start it and leave; `outrider show` says how it goes.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="A rehearsal: everything but the sending.")] = False,
    campaign_id: str = typer.Option("", "--id", help="The campaign's id; an existing one is repaired and watched."),
    priority: int | None = typer.Option(
        None, "--priority", min=PRIORITIES[0], max=PRIORITIES[-1], help="1 goes first, 5 last; 3 if left out."
    ),
    changes: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Run a campaign and watch it. Ctrl-C only stops the watching: the campaign goes on."""
    settings = load_settings()
    if campaign_id:
        check_campaign_id(campaign_id)
    elif not spec:
        raise InputError("no spec file was named", hint="outrider init campaign.yaml, then: outrider run campaign.yaml")
    prepared = prepare(spec, leads, changes or (), dry_run=dry_run) if spec else None
    if prepared and prepared.leads_path and not prepared.file.leads:
        raise InputError(
            f"{prepared.leads_path}: none of its {len(prepared.file.rejected):,} rows can be used",
            hint=f"outrider plan {spec}",
        )
    code = asyncio.run(_run(settings, prepared, campaign_id, priority, detach=detach, as_json=as_json))
    raise typer.Exit(code)


async def _run(
    settings: Settings,
    prepared: Prepared | None,
    campaign_id: str,
    priority: int | None,
    *,
    detach: bool,
    as_json: bool,
) -> int:
    chosen = campaign_id or (new_campaign_id(prepared.spec) if prepared else "")
    temporal = await connect(settings)
    await check_namespace(temporal)
    async with open_storage(settings) as storage:
        client = CampaignClient(storage, temporal, settings)
        async with _kept(client, chosen):
            started = await _start(client, prepared, chosen, priority)
        if detach:
            _say_started(started, as_json=as_json)
            return 0
        if not as_json:
            labelled("campaign", _with_page(settings, chosen))
            labelled("", "Ctrl-C only stops the watching: the campaign goes on")
        async with _kept(client, chosen, goes_on=True):
            progress = await _watch(client, storage, temporal, chosen, quiet=as_json)
            report = await storage.reports.read(chosen)
    if as_json:
        print_document(progress)
    else:
        _say_result(progress, report)
    return 0 if progress.status is CampaignStatus.COMPLETED and report.adds_up else 1


@asynccontextmanager
async def _kept(client: CampaignClient, campaign_id: str, *, goes_on: bool = False) -> AsyncIterator[None]:
    """Whatever ends the work inside: a campaign that is stored by then is named, with the way back to it."""
    try:
        yield
    except InputError:  # says itself what to do
        raise
    except BaseException as error:
        if goes_on and isinstance(error, asyncio.CancelledError):
            note(f"outrider pause {campaign_id} holds it, outrider cancel {campaign_id} ends it")
            note(f"{campaign_id} goes on: outrider show {campaign_id}")
        elif goes_on or await _stored(client, campaign_id):
            note(f"{campaign_id} is stored; to start or watch it: outrider run --id {campaign_id}")
        raise


async def _start(client: CampaignClient, prepared: Prepared | None, campaign_id: str, priority: int | None) -> Started:
    """Create the campaign, or start the stored one of that id again: that repairs a row whose workflow never began."""
    stored = await _stored(client, campaign_id)
    if stored is None:
        if prepared is None:
            raise NotFound(f"no campaign {campaign_id}, and no spec to make one of", hint="outrider list")
        people, rejected = prepared.new_leads(), prepared.rejected_rows()
        return await client.create(prepared.spec, people, rejected, campaign_id, priority=priority or _USUAL_PRIORITY)
    _check_same(stored, prepared, priority)
    return await client.start(campaign_id)


async def _stored(client: CampaignClient, campaign_id: str) -> Campaign | None:
    try:
        return await client.get(campaign_id)
    except NotFound:
        return None


async def _watch(
    client: CampaignClient, storage: Storage, temporal: Client, campaign_id: str, *, quiet: bool
) -> Progress:
    """Show the campaign until it has ended; the rows go on telling when Temporal does not answer."""
    watch = Watch(quiet=quiet)
    with watch.open():
        while True:
            try:
                progress = await client.progress(campaign_id)
                remark = await _remark(temporal, progress)
            except RPCError:
                progress = await storage.progress.read(campaign_id)
                remark = "Temporal does not answer; the campaign goes on when it is back"
            watch.show(progress, remark)
            if progress.status in FINAL:
                return progress
            await asyncio.sleep(_LOOK_SECONDS)


async def _remark(temporal: Client, progress: Progress) -> str:
    answered = progress.run is not None
    if answered or progress.status in FINAL or progress.as_of - progress.created_at < _PATIENCE:
        return ""
    return "" if await workers(temporal) else "no worker takes it up; start one: outrider worker (or outrider up)"


def _check_same(stored: Campaign, prepared: Prepared | None, priority: int | None) -> None:
    """Refuse to attach to a campaign that is not the one that is meant."""
    what = ""
    if priority not in (None, stored.priority):
        what = f"with priority {stored.priority}"
    elif prepared is None:
        return
    elif stored.spec != prepared.spec:
        what = "with another spec"
    elif prepared.leads_path and stored.numbered != len(prepared.file.leads):
        what = f"with {stored.numbered:,} people, not {len(prepared.file.leads):,}"
    if what:
        raise InputError(
            f"campaign {stored.campaign_id} exists already, {what}",
            hint=f"outrider run --id {stored.campaign_id} takes it up as it is; for a new one take another --id",
        )


def _with_page(settings: Settings, campaign_id: str) -> str:
    """The id, with the page of the Web UI where that is known."""
    if settings.stack is None:
        return campaign_id
    return f"{campaign_id}\n{settings.stack.temporal_ui}/namespaces/default/workflows/{campaign_id}"


def _say_started(started: Started, *, as_json: bool) -> None:
    if as_json:
        print_document(started)
    else:
        labelled("started", started.campaign_id)
        labelled("look", f"outrider show {started.campaign_id}")


def _say_result(progress: Progress, report: CampaignReport) -> None:
    began = progress.started_at or progress.created_at
    say()
    say(
        styled(progress.status).append(f" in {span((progress.finished_at or progress.as_of) - began)}", style="default")
    )
    say()
    if report.rejected_rows:
        rejected = len(report.rejected_rows)
        labelled("rows", added_up(report.lead_total + rejected, {"leads": report.lead_total, "rejected": rejected}))
    for name, total, parts in report.sums:
        labelled(name, added_up(total, parts))
    if progress.dry_run:
        labelled("sent", "nothing: this was a rehearsal")
    else:
        confirmed = f"{report.messages.sent:,} = {report.confirmations:,} confirmations from the relay"
        labelled("sent", f"{confirmed} · {report.twice:,} twice · {report.messages.in_doubt:,} in doubt")
    say()
    labelled("look", f"outrider show {progress.campaign_id}")
    labelled("", f"outrider report {progress.campaign_id}")
    if report.rejected_rows:
        labelled("", f"outrider export {progress.campaign_id} --what errors")
