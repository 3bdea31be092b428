"""`mailbox`: the addresses that mails leave from, shared by all campaigns."""

import asyncio
import re
from contextlib import suppress
from typing import Annotated

import typer
from temporalio.service import RPCError

from client.adapters import open_storage
from client.cli.options import AsJson
from client.cli.screen import columns, moment, note, plain, print_document, say, words
from client.connection import connect
from client.control import FINAL, CampaignControl
from client.settings import Settings, load_settings
from domain.errors import InputError, NotFound, OutriderError
from domain.ports import Campaign, MailboxState
from domain.wire import RECHECK, HoldReason

commands = typer.Typer(help="The mailboxes that mails leave from.", rich_markup_mode=None)

PAUSED = "paused by operator"

Name = Annotated[str, typer.Argument(metavar="NAME", help="The mailbox, as the spec names it.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(commands, name="mailbox")


@commands.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the mailboxes that were used, and why one is stopped."""
    states = asyncio.run(_all(load_settings()))
    if as_json:
        print_document(states)
    elif not states:
        say("no mailbox was used yet")
    else:
        rows = [(one.name, _state(one)) for one in states]
        for line in columns(rows):
            say(line)


@commands.command()
def pause(name: Name, as_json: AsJson = False) -> None:
    """Let nothing leave a mailbox until it is resumed. Mails in hand are finished."""
    if not re.fullmatch(r"[A-Za-z0-9_]+", name):
        raise InputError(f"{plain(name)[:60]} is no name of a mailbox", hint="outrider mailbox list")
    state, used = asyncio.run(_pause(load_settings(), name))
    _print(state, as_json=as_json)
    if not used:
        note(f"note: no campaign has used a mailbox {name} so far")


@commands.command()
def resume(name: Name, as_json: AsJson = False) -> None:
    """Let mails leave again. Campaigns that wait for the mailbox go on at once."""
    settings = load_settings()
    state, waiting = asyncio.run(_resume(settings, name))
    _print(state, as_json=as_json)
    if waiting:
        asyncio.run(_wake(settings, waiting))


async def _all(settings: Settings) -> list[MailboxState]:
    async with open_storage(settings) as storage:
        return await storage.mailboxes.all()


async def _pause(settings: Settings, name: str) -> tuple[MailboxState, bool]:
    """The mailbox's state now, and whether it was known before."""
    async with open_storage(settings) as storage:
        known = {state.name for state in await storage.mailboxes.all()}
        await storage.mailboxes.stop(name, PAUSED)
        return await storage.mailboxes.get(name), name in known


async def _resume(settings: Settings, name: str) -> tuple[MailboxState, list[Campaign]]:
    """The mailbox's state now, and the campaigns that wait for it."""
    async with open_storage(settings) as storage:
        known = {state.name for state in await storage.mailboxes.all()}
        if name not in known:
            raise NotFound(f"no mailbox {name} was used or stopped", hint="outrider mailbox list")
        await storage.mailboxes.resume(name)
        waiting = [campaign for campaign in await storage.campaigns.all() if _waits_for(campaign, name)]
        return await storage.mailboxes.get(name), waiting


def _waits_for(campaign: Campaign, name: str) -> bool:
    """Whether a campaign that has not ended was held by this mailbox."""
    stopped = campaign.waits is not None and campaign.waits.reason is HoldReason.MAILBOX_STOPPED
    return stopped and campaign.status not in FINAL and name in [one.name for one in campaign.spec.sending.mailboxes]


async def _wake(settings: Settings, campaigns: list[Campaign]) -> None:
    """Have the campaigns look again; without Temporal they do so by themselves when their wait is over."""
    try:
        control = CampaignControl(await connect(settings))
        for campaign in campaigns:
            with suppress(InputError):  # it has ended by now
                await control.send(campaign, RECHECK)
    except (OutriderError, RPCError) as error:
        why = error.line if isinstance(error, OutriderError) else "Temporal refuses"
        note(f"note: {why}; the campaigns that wait for it go on by themselves, later")


def _print(state: MailboxState, *, as_json: bool) -> None:
    if as_json:
        print_document(state)
    else:
        say(f"{state.name}: {_state(state)}")


def _state(state: MailboxState) -> str:
    if not state.stopped_reason:
        return "open"
    return f"stopped since {moment(state.stopped_at)}: {words(plain(state.stopped_reason))}"
