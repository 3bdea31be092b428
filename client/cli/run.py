"""`run`: start a campaign, or attach to one, and watch it to its end."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import typer
from temporalio.service import RPCError

from client.adapters import open_storage
from client.campaigns import FINAL, CampaignClient, Started
from client.cli.screen import added_up, labelled, note, print_document, say, span, styled
from client.cli.specs import Prepared, prepare
from client.cli.task_queue import workers
from client.cli.watch import Watch
from client.connection import connect
from client.settings import Settings, load_settings
from domain.campaign import CampaignStatus
from domain.errors import InputError, NotFound
from domain.ports import Campaign
from domain.progress import Progress
from domain.report import CampaignReport
from domain.wire import MAX_CAMPAIGN_ID

_PATIENCE_SECONDS = 5.0
"""A campaign that was not taken up for so long may have no worker."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(run)


def run(
    spec: str = typer.Argument("", help="The spec file; may be left out with the --id of an existing campaign."),
    leads: Path | None = typer.Option(None, metavar="FILE.csv", help="The people; wins over audience.file."),
    detach: bool = typer.Option(False, help="Start it and leave; `outrider show` says how it goes."),
    dry_run: bool = typer.Option(False, "--dry-run", help="A rehearsal: everything but the sending."),
    campaign_id: str = typer.Option("", "--id", help="The campaign's id; an existing one is repaired and watched."),
    changes: list[str] = typer.Option([], "--set", metavar="PATH=VALUE", help="Change a field of the spec."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document and nothing else."),
) -> None:
    """Run a campaign and watch it. Ctrl-C only stops the watching: the campaign goes on."""
    settings = load_settings()
    if campaign_id:
        _check_id(campaign_id)
    elif not spec:
        raise InputError("no spec file was named", hint="outrider init campaign.yaml, then: outrider run campaign.yaml")
    prepared = prepare(spec, leads, changes, dry_run=dry_run) if spec else None
    if prepared and not prepared.file.leads:
        raise InputError(
            f"{prepared.leads_path}: none of its {len(prepared.file.rejected):,} rows can be used",
            hint=f"outrider plan {spec}",
        )
    code = asyncio.run(_run(settings, prepared, campaign_id, detach=detach, as_json=as_json))
    raise typer.Exit(code)


async def _run(
    settings: Settings, prepared: Prepared | None, campaign_id: str, *, detach: bool, as_json: bool
) -> int:
    temporal = await connect(settings)
    async with open_storage(settings) as storage:
        client = CampaignClient(storage, temporal, settings)
        started = await _start(client, prepared, campaign_id)
        if detach:
            _say_started(started, as_json=as_json)
            return 0
        if not as_json:
            labelled("campaign", _address(settings, started.campaign_id))
        try:
            progress = await _watch(client, started.campaign_id, temporal_workers=lambda: workers(temporal), quiet=as_json)
        except asyncio.CancelledError:
            note(f"\n{started.campaign_id} goes on: outrider show {started.campaign_id}")
            raise
        report = await storage.reports.read(started.campaign_id)
    if as_json:
        print_document(progress)
    else:
        _say_result(progress, report)
    return 0 if progress.status is CampaignStatus.COMPLETED and report.adds_up else 1
