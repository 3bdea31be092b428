"""Mails per second from `scheduled` to `sent`, with the ledger on, beside a plain aiosmtplib client with no ledger.

The real SendingActivities, SqliteLedger (synchronous=FULL), SmtpRelay and MIME encoder work off drafted messages over
20 connections, in the product's own sending windows; they are called through Temporal's ActivityEnvironment, so a
worker and a server cost nothing here and what is measured is the sending itself. The other client is handed the same
bytes ready-made and calls aiosmtplib's own mail, rcpt and data. The two take turns.
"""

import asyncio
import gc
import shutil
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

import aiosmtplib
from harness.campaign import CAMPAIGN, CONNECTIONS, MAILBOX, run_windows, settings, spec, store_drafted
from harness.figures import Figure, Measured, Scale
from harness.sink import Sink, StartSink

from activities.planning import SEND_WINDOW, WIDTH, WINDOW
from activities.sending import SendingActivities
from client.adapters import open_ports
from domain.campaign import Stage
from domain.outgoing import outgoing
from domain.ports import ClaimRules
from domain.wire import CampaignPlan

SINK_LEAST = 20_000
LEAST_AT_ONCE = 2_000
SHARE_OF_IDEAL = 0.7
DELAY = 0.02
"""Seconds that the slow sink waits before its reply to the final dot: the ideal is connections / delay."""

_ANY_TIME = ClaimRules(cool_down_seconds=0, expired=False, may_start=True, resend_doubts=False, dry_run=True)


class Mail(NamedTuple):
    """What the plain client is given."""

    sender: str
    recipient: str
    content: bytes


class Sample(NamedTuple):
    """Wall time, and the CPU time of this process."""

    seconds: float
    cpu_seconds: float


@dataclass
class Runs:
    """One client's repetitions."""

    per_second: list[float] = field(default_factory=list)
    cpu_micros: list[float] = field(default_factory=list)


def measure(scale: Scale, start_sink: StartSink, scratch: Path) -> Measured:
    """Both clients into both sinks; raises RuntimeError when a sink did not get every mail exactly once."""
    plan = CampaignPlan(leads=scale.leads, draft_window=WINDOW, send_window=SEND_WINDOW, width=WIDTH)
    prepared = scratch / "prepared"
    asyncio.run(store_drafted(settings(prepared, 1), scale.leads, plan))
    mails = asyncio.run(_rendered(_copied(prepared, scratch / "rendered"), scale.leads))
    measured, invalid = Measured(), ""
    for delay in (0.0, DELAY):
        with start_sink(delay) as sink:
            if not delay:
                invalid = _sink_figure(measured, sink, scale.repetitions)
            ours, plain = Runs(), Runs()
            for repetition in range(scale.repetitions):
                home = _copied(prepared, scratch / f"{delay}-{repetition}")
                _timed(ours, _outrider(home, sink, plan), sink, scale.leads)
                _timed(plain, _plain(mails, sink), sink, scale.leads)
        _report(measured, delay, ours, plain, invalid)
    size = mean(len(mail.content) for mail in mails)
    measured.notes += [
        f"{scale.leads:,} leads, mails of {size:,.0f} bytes, {CONNECTIONS} connections, {scale.repetitions} times each",
        f"sending windows of {plan.send_window} messages, {plan.width} in flight",
        "CPU is that of the sending process, its ledger thread included",
        "Outrider also reads the drafts and writes the MIME frame; the plain client gets its bytes ready-made",
    ]
    return measured


def _sink_figure(measured: Measured, sink: Sink, repetitions: int) -> str:
    """What the sink takes itself; returns why the other figures prove nothing, "" when they prove something."""
    rates = [rate for _ in range(repetitions) if (rate := sink.most_per_second()) is not None]
    if not rates:
        return ""
    measured.figures.append(Figure("the sink itself, pipelining client, 0 ms", "mails/s", rates, least=SINK_LEAST))
    return "" if median(rates) >= SINK_LEAST else "the sink is too slow"


def _report(measured: Measured, delay: float, ours: Runs, plain: Runs, invalid: str) -> None:
    where = f"{delay * 1000:.0f} ms"
    least = SHARE_OF_IDEAL * CONNECTIONS / delay if delay else LEAST_AT_ONCE
    ratios = [one / other for one, other in zip(ours.per_second, plain.per_second, strict=True)]
    measured.figures += [
        Figure(f"Outrider, ledger on, {where}", "mails/s", ours.per_second, least=least, invalid=invalid),
        Figure(f"aiosmtplib alone, no ledger, {where}", "mails/s", plain.per_second),
        Figure(f"Outrider / aiosmtplib alone, {where}", "ratio", ratios),
        Figure(f"Outrider, ledger on, {where}", "CPU µs/mail", ours.cpu_micros),
        Figure(f"aiosmtplib alone, no ledger, {where}", "CPU µs/mail", plain.cpu_micros),
    ]


def _timed(runs: Runs, send: Coroutine[Any, Any, Sample], sink: Sink, leads: int) -> None:
    """One repetition."""
    sink.forget()
    gc.collect()
    sample = asyncio.run(send)
    runs.per_second.append(leads / sample.seconds)
    runs.cpu_micros.append(1e6 * sample.cpu_seconds / leads)
    held = sink.held()
    if len(held) != leads or held.total() != leads:
        raise RuntimeError(f"{leads} mails were sent, and the sink has {held.total()}, {len(held)} of them different")


async def _outrider(home: Path, sink: Sink, plan: CampaignPlan) -> Sample:
    async with open_ports(settings(home, sink.smtp_port)) as ports:
        sending = SendingActivities(ports.campaigns, ports.ledger, ports.relays, ports.mailboxes)
        begin = _clocks()
        windows = await run_windows(sending.send_messages, Stage.SENDING, plan)
        end = _clocks()
    if sum(window.counts.get("done", 0) for window in windows) != plan.leads:
        raise RuntimeError(f"not everything was sent: {[window.counts for window in windows]}")
    return Sample(end.seconds - begin.seconds, end.cpu_seconds - begin.cpu_seconds)


async def _plain(mails: list[Mail], sink: Sink) -> Sample:
    queue = deque(mails)

    async def connection() -> None:
        async with aiosmtplib.SMTP(
            hostname="127.0.0.1", port=sink.smtp_port, start_tls=False, local_hostname="localhost"
        ) as client:
            while queue:
                mail = queue.popleft()
                await client.mail(mail.sender)
                await client.rcpt(mail.recipient)
                await client.data(mail.content)

    begin = _clocks()
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    end = _clocks()
    return Sample(end.seconds - begin.seconds, end.cpu_seconds - begin.cpu_seconds)


def _clocks() -> Sample:
    return Sample(time.perf_counter(), time.process_time())


def _copied(prepared: Path, home: Path) -> Path:
    """A home directory of its own, with the drafted campaign in it."""
    shutil.copytree(prepared, home)
    return home


async def _rendered(home: Path, leads: int) -> list[Mail]:
    """The bytes that Outrider will send, made by its own code."""
    campaign = spec()
    mailbox = campaign.sending.mailboxes[0]
    async with open_ports(settings(home, 1)) as ports:
        relay = ports.relays.relay(MAILBOX, CONNECTIONS, dry_run=True)
        claimed = await ports.ledger.claim(CAMPAIGN, 1, leads, "rendering", _ANY_TIME)
        mails = [outgoing(campaign, mailbox, message, datetime.now(UTC)) for message in claimed]
        return [Mail(mail.sender_address, mail.recipient, relay.encode(mail)) for mail in mails]
