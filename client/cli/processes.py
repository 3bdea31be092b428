"""`migrate`, `up`, `worker` and `web`: the database and the processes that do the work."""

import asyncio
import os
import sys
from typing import NoReturn

import typer

from client.adapters import migrate as bring_up_to_date
from client.cli.screen import labelled, say
from client.local_stack import serve
from client.settings import Settings, Stack, load_settings
from client.specs import BASE


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(up)
    app.command()(worker)
    app.command()(web)
    app.command()(migrate)


def migrate() -> None:
    """Bring the database up to date; `up` does it too."""
    settings = load_settings()
    before, now = asyncio.run(bring_up_to_date(settings))
    say(f"database at revision {now}" + ("" if before == now else f" (before: {before or 'none'})"))


def up() -> None:
    """Start the local stack and keep it up.

    Temporal, inbox, opt-out page and worker, all on 127.0.0.1, until SIGTERM or Ctrl-C. Data is in OUTRIDER_HOME.
    """
    settings = load_settings()

    def ready(stack: Stack) -> None:
        _print_stack(settings, stack)

    asyncio.run(serve(settings, say, ready))


def worker() -> None:
    """Run a worker, which carries campaigns.

    It works until SIGTERM or Ctrl-C, and finishes the mail in hand before it ends.
    """
    _become("worker")


def web(
    host: str = typer.Option("127.0.0.1", help="Address to listen on."),
    port: int = typer.Option(8026, min=1, max=65535, help="Port to listen on."),
) -> None:
    """Serve the opt-out page."""
    _become("web", "--host", host, "--port", str(port))


def _become(module: str, *arguments: str) -> NoReturn:
    """Replace this process: these packages stand above the command line, which imports nothing upward."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 our own module


def _print_stack(settings: Settings, stack: Stack) -> None:
    temporal = stack.temporal_address
    inbox = f" · inbox {stack.inbox_url.removeprefix('http://')}" if stack.inbox_url else ""
    web_page = stack.web_url.removeprefix("http://")
    labelled("stack", f"Temporal {temporal}{inbox} · web {web_page} · worker pid {stack.pids['worker']}")
    if stack.smtp_url:
        labelled("", f"mails go to the inbox ({stack.smtp_url}), except from a mailbox with a relay of its own")
    else:
        labelled("", "mails leave through OUTRIDER_SMTP_URL, so no inbox was started")
    if stack.github_url:
        labelled("", f"searches ask the local GitHub ({stack.github_url}), whose people are invented")
    else:
        labelled("", "searches ask the GitHub that OUTRIDER_GITHUB_TOKEN is for, so no local one was started")
    labelled("look", f"Temporal Web UI {stack.temporal_ui}")
    if stack.inbox_url:
        labelled("", f"inbox           {stack.inbox_url}")
    labelled("logs", str(settings.home / "logs"))
    first = "" if BASE.exists() else f"outrider init {BASE}, then: "
    labelled("next", f"{first}outrider run {BASE}    (in another terminal; stop this one with Ctrl-C)")
    sys.stdout.flush()
