"""Leads and mails per second with traces and metrics on, beside the same without, by turns.

A real Temporal server and a real worker carry two campaigns. One searches for people on the local GitHub, up to their
drafts: leads per second from its start to its last draft. The drafts of the other are approved all at once and sent
without a pace, over 20 connections into the sink: mails per second from the first to the last that was sent.

With telemetry on, the worker and whoever starts the campaigns export by OTLP to the real collector with the shipped
otel-collector.yaml, and that to a real Jaeger, which keeps traces in memory. Both are on the same cores as everything
else, so what they use is listed apart. Nobody reads the collector's metrics page. `collector away`: telemetry is on,
and nobody listens where it goes. A ratio is that of one turn, in which each way has its own database, Temporal server
and worker.
"""

import asyncio
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

from harness.campaign import people, spec
from harness.engine import Engine, polling
from harness.figures import Figure, Measured, Scale
from harness.local_github import LocalGitHub, Population
from harness.observed import METRICS_EVERY_SECONDS, Taker, Way, taker, told, variables
from harness.processes import cpu_seconds
from harness.searched import search
from harness.sink import Sink, StartSink
from sqlalchemy import func, select

from client.adapters import migrate
from client.campaigns import CampaignClient
from client.connection import connect
from client.settings import Settings
from domain.campaign import CampaignSpec
from storage.database import Database
from storage.schema import message_events

LEAST_ON = 0.9
LEAST_AWAY = 0.95
"""Beside the collector being there: the campaign does not notice."""

LEADS, FEW_LEADS = 5_000, 200
MAILS, FEW_MAILS = 10_000, 200
TURNS = 3

_PEOPLE = 4
"""For each repository: see leads_per_second."""

_LOST = re.compile(r'"telemetry\.spans_lost".*"lost": (\d+)')
_PIECES = {"leads": "lead", "mails": "mail"}


@dataclass(frozen=True)
class Part:
    """One campaign."""

    per_second: float
    worker: float
    """CPU seconds per lead or mail."""
    takers: dict[str, float]
    """CPU seconds of those who take telemetry, all in all."""
    spans: int
    lost: int
    """Spans that the worker could not hand over, when it first said so."""


Runs = dict[Way, dict[str, list[Part]]]


def measure(scale: Scale, start_sink: StartSink, scratch: Path) -> Measured:
    """All ways by turns; raises RuntimeError when a sink or the collector did not get what it should have."""
    leads, mails = (LEADS, MAILS) if scale.full else (FEW_LEADS, FEW_MAILS)
    runs: Runs = {way: {kind: [] for kind in _PIECES} for way in Way}
    with ExitStack() as stack:
        taking = stack.enter_context(taker(scratch, full=scale.full))
        github = stack.enter_context(LocalGitHub(Population(people=_PEOPLE * leads, repositories=leads)))
        sink = stack.enter_context(start_sink(0.0))
        for turn in range(TURNS if scale.full else 1):
            for way in _in_turn(turn):
                for kind, parts in runs[way].items():
                    home = scratch / f"{turn}-{way.name}-{kind}"
                    home.mkdir()
                    parts.append(_part(way, home, taking, github if kind == "leads" else sink, mails))
    notes = [
        f"{leads:,} repositories to search, {mails:,} mails, {TURNS if scale.full else 1} turns",
        f"metrics are exported every {METRICS_EVERY_SECONDS} s; {_spans(runs)}",
        "CPU of the worker is that of its process, its exporting threads included",
        *([] if taking.pids else ["without collector and Jaeger: this process took everything"]),
    ]
    return Measured([*_ratios(runs), *_speeds(runs), *_costs(runs, taking)], notes)


def _in_turn(turn: int) -> Iterator[Way]:
    """Each way once, and each as often the first as the others."""
    ways = list(Way)
    first = turn % len(ways)
    yield from (*ways[first:], *ways[:first])


def _part(way: Way, home: Path, taking: Taker, tool: LocalGitHub | Sink, mails: int) -> Part:
    before, spans = _used(taking), taking.spans()
    with told(variables(way, taking)):
        if isinstance(tool, LocalGitHub):
            searched = asyncio.run(search(home, tool))
            speed, worker = searched.per_second, searched.cpu_seconds["worker"] / searched.leads
        else:
            speed, worker = asyncio.run(_send(home, tool, mails))
    taken = taking.spans() - spans
    if bool(taken) != (way is Way.ON):
        raise RuntimeError(f"telemetry {way}, and {taken} spans were taken")
    lost = _LOST.search((home / "worker.log").read_text(encoding="utf-8"))
    used = {name: seconds - before[name] for name, seconds in _used(taking).items()}
    return Part(speed, worker, used, taken, int(lost[1]) if lost else 0)


async def _send(home: Path, sink: Sink, mails: int) -> tuple[float, float]:
    """Mails per second, and the worker's CPU seconds per mail."""
    sink.forget()
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(Engine(home, sink.smtp_port))
        await migrate(engine.settings)
        worker = engine.start_worker()
        await polling(await connect(engine.settings), worker)
        client = await stack.enter_async_context(CampaignClient.open(engine.settings))
        started = await client.create(_reviewed(), people(mails))
        async for progress in client.follow(started.campaign_id):
            if progress.undecided == mails:
                break
        before = cpu_seconds(worker.pid)
        await client.approve(started.campaign_id)
        await client.result(started.campaign_id)
        used = cpu_seconds(worker.pid) - before
        held = sink.held()
        if len(held) != mails or held.total() != mails:
            raise RuntimeError(f"{mails} mails were sent, and the sink has {held.total()}, {len(held)} different ones")
        return mails / await _seconds_of_sending(engine.settings), used / mails


def _reviewed() -> CampaignSpec:
    """Nothing leaves before everything is drafted."""
    given = spec().model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return CampaignSpec.model_validate({**given, "review": {"mode": "all"}})


async def _seconds_of_sending(settings: Settings) -> float:
    database = Database(settings.database())
    at = message_events.c.at
    try:
        async with database.read() as connection:
            sent = select(func.min(at), func.max(at)).where(message_events.c.state == "sent")
            first, last = (await connection.execute(sent)).one()
    finally:
        await database.close()
    seconds: float = (last - first).total_seconds()
    return seconds


def _used(taking: Taker) -> dict[str, float]:
    return {name: cpu_seconds(pid) for name, pid in taking.pids.items()}


def _ratios(runs: Runs) -> Iterator[Figure]:
    pairs = ((Way.ON, Way.OFF, LEAST_ON), (Way.AWAY, Way.ON, LEAST_AWAY), (Way.AWAY, Way.OFF, None))
    for one, other, least in pairs:
        for kind in _PIECES:
            both = zip(runs[one][kind], runs[other][kind], strict=True)
            values = [this.per_second / that.per_second for this, that in both]
            yield Figure(f"{kind}/s, telemetry {one} / {other}", "ratio", values, least=least)
    lost = [part.lost for parts in runs[Way.ON].values() for part in parts]
    yield Figure("spans that the worker lost, telemetry on", "spans", lost, most=0)


def _speeds(runs: Runs) -> Iterator[Figure]:
    for kind in _PIECES:
        for way, of in runs.items():
            yield Figure(f"telemetry {way}", f"{kind}/s", [part.per_second for part in of[kind]])


def _costs(runs: Runs, taking: Taker) -> Iterator[Figure]:
    for kind, piece in _PIECES.items():
        both = zip(runs[Way.ON][kind], runs[Way.OFF][kind], strict=True)
        yield Figure(
            f"worker's CPU per {piece}, telemetry on / off", "ratio", [on.worker / off.worker for on, off in both]
        )
        for way, of in runs.items():
            yield Figure(f"worker, telemetry {way}", f"CPU µs/{piece}", [1e6 * part.worker for part in of[kind]])
    for name in taking.pids:
        for kind in _PIECES:
            yield Figure(
                f"{name}, while {kind} are worked on", "CPU s", [one.takers[name] for one in runs[Way.ON][kind]]
            )


def _spans(runs: Runs) -> str:
    """How many there are."""
    return ", ".join(f"{runs[Way.ON][kind][0].spans:,} spans for the {kind}" for kind in _PIECES)
