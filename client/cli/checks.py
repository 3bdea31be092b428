"""What `doctor` looks at. Each check finds out one thing and says the way out when it does not hold."""

import platform
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from temporalio.service import RPCError

from client.adapters import open_storage
from client.cli.check import Check, Verdict, some
from client.cli.github_checks import github_checks
from client.cli.namespace import check_namespace
from client.cli.relay_checks import relay_checks, stopped_mailboxes
from client.cli.telemetry_checks import telemetry_checks
from client.connection import connect
from client.local_stack.parts import healthy
from client.settings import Settings
from client.workers import workers
from domain.errors import OutriderError
from domain.ports import MailboxState

_OLDEST_PYTHON = (3, 11)
_OLDEST_SQLITE = (3, 38, 0)


async def checks(settings: Settings) -> AsyncIterator[Check]:
    """All checks, as soon as each is done. Nothing is changed and no mail is sent."""
    yield _python()
    yield _sqlite()
    for check in _home(settings.home):
        yield check
    mailboxes: list[MailboxState] = []
    searching: list[str] = []
    try:
        async with open_storage(settings) as storage:
            mailboxes = await storage.mailboxes.all()
            searching = [
                one.campaign_id for one in await storage.campaigns.all() if one.searches and one.finished_at is None
            ]
    except OutriderError as error:
        yield _failed("database", error)
    else:
        yield Check(name="database", verdict=Verdict.OK, detail="the revision is current, the secret key is its own")
    for check in stopped_mailboxes(mailboxes):
        yield check
    async for check in _temporal(settings):
        yield check
    async for check in github_checks(settings, searching):
        yield check
    async for check in relay_checks(settings, mailboxes):
        yield check
    yield await _web(settings)
    async for check in telemetry_checks():
        yield check


def _python() -> Check:
    fine = sys.version_info >= _OLDEST_PYTHON
    verdict = Verdict.OK if fine else Verdict.FAILED
    return Check(
        name="Python", verdict=verdict, detail=platform.python_version(), way_out="" if fine else "Python 3.11"
    )


def _sqlite() -> Check:
    fine = sqlite3.sqlite_version_info >= _OLDEST_SQLITE
    verdict = Verdict.OK if fine else Verdict.FAILED
    return Check(name="SQLite", verdict=verdict, detail=sqlite3.sqlite_version, way_out="" if fine else "3.38 or newer")


def _home(home: Path) -> list[Check]:
    """Whether the data directory is there, can be written to, and is closed to others."""
    name = "home"
    if not home.is_dir():
        detail = f"{home} is not there"
        return [Check(name=name, verdict=Verdict.FAILED, detail=detail, way_out="outrider up (or: outrider migrate)")]
    try:
        probe = home / f".doctor-{id(home)}"
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        detail = f"{home} cannot be written to: {error.strerror}"
        return [Check(name=name, verdict=Verdict.FAILED, detail=detail, way_out="let this user write there")]
    private = ("outrider.db", "secret.key")
    open_to_others = [path for path in (home, *(home / each for each in private)) if _others_can_read(path)]
    if not open_to_others:
        return [Check(name=name, verdict=Verdict.OK, detail=f"{home.absolute()}, closed to other users")]
    return [
        Check(
            name=name, verdict=Verdict.WARNING, detail=f"{path} can be read by other users", way_out=f"chmod go= {path}"
        )
        for path in open_to_others
    ]


def _others_can_read(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except FileNotFoundError:
        return False


async def _temporal(settings: Settings) -> AsyncIterator[Check]:
    """The server, its namespace, and whether a worker asks it for work."""
    try:
        temporal = await connect(settings)
        await check_namespace(temporal)
    except OutriderError as error:
        yield _failed("Temporal", error)
        return
    except RPCError as error:
        detail = f"namespace {temporal.namespace}: {error.status.name.lower().replace('_', ' ')}"
        yield Check(name="Temporal", verdict=Verdict.FAILED, detail=detail, way_out="TEMPORAL_NAMESPACE")
        return
    address = temporal.service_client.config.target_host
    yield Check(name="Temporal", verdict=Verdict.OK, detail=f"{address}, namespace {temporal.namespace}")
    found = await workers(temporal)
    if found:
        yield Check(name="worker", verdict=Verdict.OK, detail=some(sorted(found)))
    else:
        detail = "none asks for work: campaigns stand still"
        yield Check(name="worker", verdict=Verdict.FAILED, detail=detail, way_out="outrider worker (or: outrider up)")


async def _web(settings: Settings) -> Check:
    """The opt-out page. A public one may well answer only the paths that recipients need."""
    try:
        base = settings.opt_out_base()
    except OutriderError as error:
        return _failed("web", error)
    if await healthy(base):
        return Check(name="web", verdict=Verdict.OK, detail=base)
    if settings.public_url is not None:
        way_out = "outrider web, behind that address: recipients need /u/…"
        return Check(name="web", verdict=Verdict.WARNING, detail=f"{base}/healthz does not answer", way_out=way_out)
    return Check(name="web", verdict=Verdict.FAILED, detail=f"{base} does not answer", way_out="outrider up")


def _failed(name: str, error: OutriderError) -> Check:
    return Check(name=name, verdict=Verdict.FAILED, detail=error.line, way_out=error.hint)
