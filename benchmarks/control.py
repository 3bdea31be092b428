"""How soon a campaign obeys a pause, how soon it goes on after kill -9, and what it leaves in Temporal's history.

A real Temporal server and a real worker carry two campaigns, one after the other: 50 ms a draft and one call each, a
relay that answers after 200 ms, 20 connections, drafting and sending windows of 200 leads, 4 of each in flight. The
first campaign is left alone. The second is paused at random moments by the plain signal and resumed. Every call is
noted when it begins.

After that the only worker gets SIGKILL while it has every window in hand, and another one takes over: either one that
has been waiting for work, or one that is started at that moment.
"""

import asyncio
import random
import time
from pathlib import Path
from typing import NamedTuple

from harness.calls import NOTING_WORKER, Calls
from harness.campaign import CONNECTIONS, people, spec
from harness.engine import Engine, polling
from harness.figures import Figure, Measured, Scale
from harness.history import History, read_history
from harness.sink import Sink, StartSink
from temporalio.client import Client

from activities.planning import SEND_WINDOW, WIDTH, WINDOW
from client.adapters import migrate
from client.campaigns import CampaignClient, Started
from client.connection import connect
from domain.campaign import CampaignStatus
from domain.wire import DRAFT_MESSAGES, PAUSE, RESUME, SEND_MESSAGES

LEADS = 2_500
"""At most: half a minute of work, in which 20 pauses find both stages busy."""

PAUSES = 20
FEW_PAUSES = 2
DRAFT_SECONDS = 0.05
REPLY_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0
QUIET_SECONDS = 2.5
"""No call for so long: longer than a pause may take, so that one that came too late is seen."""

LONGEST_TAKEOVER_SECONDS = 8.0
SLOW_DRAFT_SECONDS = 1.0
"""The smallest window takes 50 s: none ends, and none goes to the waiting worker, before the kill."""

MOST_EVENTS = 60
STAGES = 2
"""Drafting and sending."""

_PAUSED = "campaign-paused"
_LEFT_ALONE = "campaign-left-alone"
_KILLED = "campaign-killed"
_PATIENCE_SECONDS = 120.0


class Ended(NamedTuple):
    """One campaign at its end, held against the sink."""

    history: History
    lost: int
    """Not sent, or not at the sink."""
    twice: int
    unknown: int
    """At the sink, and not called sent."""


def measure(scale: Scale, start_sink: StartSink, scratch: Path) -> Measured:
    """Both campaigns, then the kills."""
    leads = min(scale.leads, LEADS)
    pauses = PAUSES if scale.full else FEW_PAUSES
    moments = random.Random(20)  # noqa: S311 repeatable moments, no secrets
    with start_sink(REPLY_SECONDS) as sink:
        home = _home(scratch, "pauses")
        alone, paused, lasted = asyncio.run(_two_campaigns(home, sink, leads, _spread(moments, pauses, leads)))
        waiting, fresh = [], []
        for repetition in range(scale.repetitions):
            waiting.append(asyncio.run(_takeover(_home(scratch, f"waiting-{repetition}"), sink, moments, waits=True)))
            fresh.append(asyncio.run(_takeover(_home(scratch, f"fresh-{repetition}"), sink, moments, waits=False)))
    thousands = leads / 1_000
    per_stage = thousands * STAGES
    added = (paused.history.events - alone.history.events) / pauses
    figures = [
        Figure("from pause to the last new call", "s", lasted, most=LONGEST_PAUSE_SECONDS),
        Figure("from kill -9 to new work, by a waiting worker", "s", waiting, most=LONGEST_TAKEOVER_SECONDS),
        Figure("from kill -9 to new work, by one started then", "s", fresh, most=LONGEST_TAKEOVER_SECONDS),
        Figure("drafting's history per 1,000 leads", "events", [alone.history.of(DRAFT_MESSAGES) / thousands]),
        Figure("sending's history per 1,000 leads", "events", [alone.history.of(SEND_MESSAGES) / thousands]),
        Figure(
            "whole history per 1,000 leads and stage",
            "events",
            [alone.history.events / per_stage],
            most=MOST_EVENTS if scale.full else None,  # begin and end weigh too much where there are few windows
        ),
        Figure("whole history per 1,000 leads and stage", "bytes", [alone.history.size / per_stage]),
        Figure("history that a pause and its resume add", "events", [added]),
        Figure("lost", "people", [alone.lost, paused.lost], most=0),
        Figure("written to twice", "people", [alone.twice, paused.twice], most=0),
        Figure("at the sink, unknown to the ledger", "messages", [alone.unknown, paused.unknown], most=0),
    ]
    notes = [
        f"{leads:,} leads per campaign, {pauses} pauses of the second one, {CONNECTIONS} connections",
        f"drafting windows of {WINDOW} leads, sending windows of {SEND_WINDOW}, {WIDTH} of each in flight",
        f"a kill leaves {WIDTH} windows of drafts behind",
        "history figures are those of the campaign without a pause",
        "a stage's own history: its activities and the workflow tasks that they set off",
        "the whole history: every event, so begin, end and search attributes too, divided by the two stages",
        f"history without a pause: {alone.history}",
        f"history with {pauses} pauses: {paused.history}",
    ]
    return Measured(figures, notes)


def _home(scratch: Path, name: str) -> Path:
    home = scratch / name
    home.mkdir()
    return home


def _spread(moments: random.Random, pauses: int, leads: int) -> list[int]:
    """After how many calls each pause comes: one at random in each part of the campaign, none at its very end."""
    calls = 0.9 * STAGES * leads
    return [round((number + moments.uniform(0.2, 1)) * calls / pauses) for number in range(pauses)]


async def _two_campaigns(
    home: Path, sink: Sink, leads: int, pause_after: list[int]
) -> tuple[Ended, Ended, list[float]]:
    """One left alone, one paused after so many calls each time, and how long each pause took."""
    calls = Calls(home)
    async with Engine(home, sink.smtp_port) as engine:
        await migrate(engine.settings)
        engine.start_worker(NOTING_WORKER, str(DRAFT_SECONDS))
        temporal = await connect(engine.settings)
        async with CampaignClient.open(engine.settings) as client:
            started = await client.create(spec(), people(leads, "calm"), campaign_id=_LEFT_ALONE)
            alone = await _ended(client, temporal, started, sink, leads)
            sink.forget()
            before = calls.count()
            started = await client.create(spec(), people(leads, "moved"), campaign_id=_PAUSED)
            end = before + STAGES * leads
            lasted = [await _pause(temporal, calls, before + count, end) for count in pause_after]
            paused = await _ended(client, temporal, started, sink, leads)
            if (await client.progress(_PAUSED)).pauses != len(pause_after):
                raise RuntimeError("not every pause was one")
    return alone, paused, lasted


async def _pause(temporal: Client, calls: Calls, after: int, end: int) -> float:
    """Seconds from the signal to the begin of the last new call; then the campaign resumes.

    The signal is sent when `after` calls have begun; `end` is how many will have begun when there is nothing to pause.
    """
    handle = temporal.get_workflow_handle(_PAUSED)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await calls.until(after)
        asked = time.time()
        await handle.signal(PAUSE, args=["benchmark", "dana"])
        last = await calls.until_quiet(asked, QUIET_SECONDS)
        if calls.count() >= end:
            raise RuntimeError("it was not the pause that stopped the calls: there was nothing left to do")
        await handle.signal(RESUME, args=["benchmark", "dana"])
    return last - asked


async def _ended(client: CampaignClient, temporal: Client, started: Started, sink: Sink, leads: int) -> Ended:
    """Wait for the campaign's end, and hold its ledger against the sink."""
    await client.result(started.campaign_id)
    if (await client.progress(started.campaign_id)).status is not CampaignStatus.COMPLETED:
        raise RuntimeError(f"{started.campaign_id} did not complete")
    await temporal.get_workflow_handle(started.campaign_id).result()  # the report comes a moment before the last event
    rows = client.export(started.campaign_id, "ledger")
    sent = {row["message_id"] async for row in rows if row["state"] == "sent"}
    held = sink.held()
    return Ended(
        history=await read_history(temporal, started.campaign_id, started.run_id),
        lost=leads - len(sent & held.keys()),
        twice=sum(1 for times in held.values() if times > 1),
        unknown=len(held.keys() - sent),
    )


async def _takeover(home: Path, sink: Sink, moments: random.Random, *, waits: bool) -> float:
    """Seconds from kill -9 of the worker with all the windows to the first call of another.

    The other one has been waiting for work when `waits`; otherwise it is started at the kill.
    """
    calls = Calls(home)
    command = (NOTING_WORKER, str(SLOW_DRAFT_SECONDS))
    async with Engine(home, sink.smtp_port) as engine:
        await migrate(engine.settings)
        temporal = await connect(engine.settings)
        async with CampaignClient.open(engine.settings) as client, asyncio.timeout(_PATIENCE_SECONDS):
            await client.create(spec(), people(WINDOW * WIDTH), campaign_id=_KILLED)
            first = engine.start_worker(*command)
            await calls.until(2 * WIDTH)
            if waits:
                second = engine.start_worker(*command)
                await polling(temporal, second)
            await asyncio.sleep(moments.uniform(0.5, 1.5))
            killed_at = time.time()
            first.kill()
            first.wait()
            begun = calls.all()
            if any(call.pid != first.pid for call in begun):
                raise RuntimeError("the other worker had work before the kill")
            if not waits:
                engine.start_worker(*command)
            await calls.until(len(begun) + 1)
            return calls.all()[len(begun)].at - killed_at
