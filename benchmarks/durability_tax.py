"""Wall time of a durable campaign beside a plain asyncio script that does the same and remembers nothing.

Both search, read profiles, draft from templates and hand over mails, through the same tools with the same limits in
one process: the source is asked for 100 leads a call, 4 calls in flight; the relay takes one mail a call, 20 in flight;
a call takes 50 ms and nothing else. The script goes from window to window as the campaign does. Outrider runs with its
Temporal server, a worker that is already up, SQLite and the ledger; its clock stops at the ledger's last row. The two
take turns.

Beside them, with the same tools: LangGraph with its SQLite saver, a graph per window and a graph per lead, and a script
that rewrites one JSON file after every tenth mail. None of these knows what became of the mails in flight at a crash.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

from harness.campaign import CONNECTIONS
from harness.engine import Engine, polling
from harness.figures import Figure, Measured, Scale
from harness.scripts import SAVE_EVERY, FileScript, GraphScript, Script
from harness.searched import rows, searching
from harness.sink import StartSink
from harness.slow_tools import CALL_SECONDS, PAGE

from client.adapters import migrate
from client.campaigns import CampaignClient
from client.connection import connect
from providers.github.api import IN_FLIGHT
from storage.schema import message_events

MOST_TAX = 1.10
LEADS = 2_400
FEW_LEADS = 400
TIMES = 5
LEAST_SECONDS = 5.0

_WORKER = ("-m", "harness.slow_worker")
_NO_SMTP_PORT = 1
_PLAIN, _WINDOWS, _PER_LEAD, _FILE = "plain script", "LangGraph per window", "LangGraph per lead", "JSON file"


def measure(scale: Scale, start_sink: StartSink, scratch: Path) -> Measured:  # noqa: ARG001 the relay is no server here
    """Outrider and the script in turns, then the others; raises RuntimeError when somebody did not get one mail."""
    leads, times = (LEADS, max(TIMES, scale.repetitions)) if scale.full else (FEW_LEADS, 1)
    ours, plain = asyncio.run(_in_turns(scratch, leads, times))
    others: dict[str, list[float]] = {name: [] for name in (_WINDOWS, _PER_LEAD, _FILE)}
    for repetition in range(scale.repetitions):
        for name, seconds in others.items():
            place = scratch / f"{name.replace(' ', '-')}-{repetition}"
            seconds.append(asyncio.run(_other(name, leads, place)))
    tax = [one / other for one, other in zip(ours, plain, strict=True)]
    base = sorted(plain)[len(plain) // 2]
    figures = [
        Figure("Outrider / plain script, wall time", "ratio", tax, at_most=MOST_TAX),
        *(
            Figure(f"{name} / plain script, wall time", "ratio", [one / base for one in seconds])
            for name, seconds in others.items()
        ),
        Figure("Outrider", "s", ours),
        Figure(_PLAIN, "s", plain, least=LEAST_SECONDS),
        *(Figure(name, "s", seconds) for name, seconds in others.items()),
    ]
    calls = 2 * leads // PAGE
    notes = [
        f"{leads:,} leads; calls of {CALL_SECONDS * 1_000:.0f} ms: {calls} of the source, {leads:,} of the relay",
        f"in flight at the same time: {IN_FLIGHT} of the source, {CONNECTIONS} of the relay",
        f"in turns {times} times; the others {scale.repetitions} times, each beside the script's median",
        f"without any work of its own nobody could take less than {leads * CALL_SECONDS / CONNECTIONS:.2f} s",
        f"the file is rewritten after every {SAVE_EVERY} mails, so it grows quadratically: more leads, a larger ratio",
    ]
    return Measured(figures, notes)


async def _in_turns(home: Path, leads: int, times: int) -> tuple[list[float], list[float]]:
    """Seconds of Outrider, and seconds of the script."""
    ours, plain = [], []
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(Engine(home, _NO_SMTP_PORT))
        await migrate(engine.settings)
        worker = engine.start_worker(*_WORKER, str(leads))
        await polling(await connect(engine.settings), worker)
        client = await stack.enter_async_context(CampaignClient.open(engine.settings))
        for _ in range(times):
            begun = time.time()
            started = await client.create(searching(permitted=True), [])
            await client.result(started.campaign_id)
            sent = (await client.progress(started.campaign_id)).messages.sent
            if sent != leads:
                raise RuntimeError(f"{sent} mails were sent, not {leads}")
            _, last = await rows(engine.settings, message_events.c.at)
            ours.append(last - begun)
            plain.append(await _timed(Script(leads), leads))
    return ours, plain


async def _other(name: str, leads: int, place: Path) -> float:
    if name == _FILE:
        return await _timed(FileScript(leads, place), leads)
    async with GraphScript.saving(leads, place, per_lead=name == _PER_LEAD) as script:
        return await _timed(script, leads)


async def _timed(script: Script, leads: int) -> float:
    begun = time.perf_counter()
    await script.run()
    took = time.perf_counter() - begun
    if script.relay.calls != leads or script.source.calls != 2 * leads // PAGE:
        raise RuntimeError(f"{script.relay.calls} mails, {script.source.calls} calls of the source")
    return took
