"""Messages in doubt after a worker is killed in the middle of sending, held against what the sink really has.

A real Temporal server and a real worker send a campaign over 20 connections into a sink that waits 20 ms before its
reply to the final dot. At a random moment the worker gets SIGKILL; another worker takes over and ends the campaign.
"""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from harness.campaign import CAMPAIGN, CONNECTIONS, people, spec
from harness.engine import Engine
from harness.figures import Figure, Measured, Scale
from harness.sink import Sink, StartSink

from client.adapters import migrate
from client.campaigns import CampaignClient
from domain.campaign import CampaignStatus

DELAY = 0.02
"""Seconds before the sink's reply: nearly all connections have a mail in hand when the kill comes."""

LEADS = 2_000
"""At most: what a kill leaves behind does not depend on how many are sent before and after it."""

_LOOK_EVERY_SECONDS = 0.01
_START_SECONDS = 60.0


class Aftermath(NamedTuple):
    """One campaign with one kill, when it has ended."""

    in_doubt: int
    arrived: int
    """Of those in doubt, how many the sink has."""
    twice: int
    lost: int
    """Called sent and not at the sink, or neither sent nor in doubt."""
    unknown: int
    """At the sink, and neither called sent nor in doubt."""


def measure(scale: Scale, start_sink: StartSink, scratch: Path) -> Measured:
    """One campaign per repetition, each with one kill."""
    moments = random.Random(9)  # noqa: S311 repeatable moments, no secrets
    leads = min(scale.leads, LEADS)
    kills: list[Aftermath] = []
    for repetition in range(scale.repetitions):
        home = scratch / str(repetition)
        home.mkdir()
        with start_sink(DELAY) as sink:
            kill_at = round(leads * moments.uniform(0.2, 0.7))
            kills.append(asyncio.run(_one_kill(home, sink, leads, kill_at)))
    figures = [
        Figure("in doubt after a kill", "messages", [kill.in_doubt for kill in kills], most=CONNECTIONS),
        Figure("of those, at the sink", "messages", [kill.arrived for kill in kills]),
        Figure("written to twice", "people", [kill.twice for kill in kills], most=0),
        Figure("lost", "people", [kill.lost for kill in kills], most=0),
        Figure("at the sink, unknown to the ledger", "messages", [kill.unknown for kill in kills], most=0),
    ]
    notes = [f"{leads:,} leads and one kill per campaign, campaigns: {scale.repetitions}, {CONNECTIONS} connections"]
    return Measured(figures, notes)


async def _one_kill(home: Path, sink: Sink, leads: int, kill_at: int) -> Aftermath:
    """`kill_at` is the number of mails at the sink that brings the kill."""
    async with Engine(home, sink.smtp_port) as engine:
        await migrate(engine.settings)
        async with CampaignClient.open(engine.settings) as client:
            await client.create(spec(), people(leads), campaign_id=CAMPAIGN)
            worker = engine.start_worker()
            async with asyncio.timeout(_START_SECONDS):
                while await asyncio.to_thread(sink.accepted) < kill_at:  # noqa: ASYNC110 another process sets no event
                    await asyncio.sleep(_LOOK_EVERY_SECONDS)
            worker.kill()
            worker.wait()
            if await asyncio.to_thread(sink.accepted) >= leads:
                raise RuntimeError("the worker was killed too late: everything had been sent")
            engine.start_worker()
            await client.result(CAMPAIGN)
            if (await client.progress(CAMPAIGN)).status is not CampaignStatus.COMPLETED:
                raise RuntimeError("the campaign did not complete after the kill")
            states = {row["message_id"]: row["state"] async for row in client.export(CAMPAIGN, "ledger")}
    return _held_against(states, sink.held(), leads)


def _held_against(states: dict[str, str], held: Counter[str], leads: int) -> Aftermath:
    """The ledger's states by Message-ID beside what the sink has."""
    sent = {message_id for message_id, state in states.items() if state == "sent"}
    in_doubt = {message_id for message_id, state in states.items() if state == "in_doubt"}
    return Aftermath(
        in_doubt=len(in_doubt),
        arrived=len(in_doubt & held.keys()),
        twice=sum(1 for times in held.values() if times > 1),
        lost=len(sent - held.keys()) + leads - len(sent) - len(in_doubt),
        unknown=len(held.keys() - sent - in_doubt),
    )
