"""`mailbox`: the addresses that mails leave from, shared by all campaigns."""

import asyncio
import re
from typing import Annotated

import typer

from client.adapters import open_storage
from client.cli.options import AsJson
from client.cli.screen import columns, moment, note, plain, print_document, say, words
from client.settings import Settings, load_settings
from domain.errors import InputError, NotFound
from domain.ports import MailboxState

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
    """Let mails leave again."""
    state = asyncio.run(_resume(load_settings(), name))
    _print(state, as_json=as_json)


async def _all(settings: Settings) -> list[MailboxState]:
    async with open_storage(settings) as storage:
        return await storage.mailboxes.all()


async def _pause(settings: Settings, name: str) -> tuple[MailboxState, bool]:
    """The mailbox's state now, and whether it was known before."""
    async with open_storage(settings) as storage:
        known = {state.name for state in await storage.mailboxes.all()}
        await storage.mailboxes.stop(name, PAUSED)
        return await storage.mailboxes.get(name), name in known


async def _resume(settings: Settings, name: str) -> MailboxState:
    async with open_storage(settings) as storage:
        known = {state.name for state in await storage.mailboxes.all()}
        if name not in known:
            raise NotFound(f"no mailbox {name} was used or stopped", hint="outrider mailbox list")
        await storage.mailboxes.resume(name)
        return await storage.mailboxes.get(name)


def _print(state: MailboxState, *, as_json: bool) -> None:
    if as_json:
        print_document(state)
    else:
        say(f"{state.name}: {_state(state)}")


def _state(state: MailboxState) -> str:
    if not state.stopped_reason:
        return "open"
    return f"stopped since {moment(state.stopped_at)}: {words(plain(state.stopped_reason))}"
