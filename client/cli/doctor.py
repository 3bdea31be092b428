"""`doctor`: whether everything is there that campaigns need."""

import asyncio

import typer

from client.cli.check import Check, Verdict
from client.cli.checks import checks
from client.cli.options import AsJson
from client.cli.screen import columns, print_document, say, styled
from client.settings import Settings, load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(as_json: AsJson = False) -> None:
    """Check what campaigns need.

    Exit code 1 when something is missing. Nothing is changed and no mail is sent.
    """
    found = asyncio.run(_all(load_settings()))
    healthy = all(check.verdict is not Verdict.FAILED for check in found)
    if as_json:
        print_document({"ok": healthy, "checks": found})
    else:
        rows = [(styled(check.verdict), check.name, check.detail, _way_out(check)) for check in found]
        for line in columns(rows):
            say(line)
    raise typer.Exit(0 if healthy else 1)


def _way_out(check: Check) -> str:
    return f"-> {check.way_out}" if check.way_out else ""


async def _all(settings: Settings) -> list[Check]:
    return [check async for check in checks(settings)]
