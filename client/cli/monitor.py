"""`monitor`: watch a campaign and steer it by keys. Leaving changes nothing: the campaign goes on."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from time import monotonic

import typer
from rich.text import Text
from temporalio.service import RPCError

from client.adapters import Storage, open_storage
from client.campaigns import FINAL, CampaignClient
from client.cli.draft_screen import show_queue
from client.cli.keyboard import BACKSPACE, ENTER, ESCAPE, GONE, Keyboard
from client.cli.options import AsJson, CampaignId
from client.cli.picture import Around
from client.cli.screen import note, paragraph, plain, print_document, say, stdout_is_forgotten
from client.cli.trail import event_line, print_errors
from client.cli.watch import Watch
from client.connection import connect
from client.exit import stop_requested
from client.settings import Settings, load_settings
from domain.campaign import CampaignStatus
from domain.errors import OutriderError, Unreachable
from domain.message import MessageState
from domain.ports import Campaign
from domain.progress import Progress
from domain.stopping import NEWEST
from domain.wire import Answer

_LOOK_SECONDS = 0.5
_ANSWER_SECONDS = 3.0
"""How long Temporal may take to say how the workflow is; then the rows alone tell."""
_CONNECT_SECONDS = 5.0
_ACT_SECONDS = 20.0
_SAID_SECONDS = 6.0
"""How long the answer to a key stays on the screen."""
_AROUND_SECONDS = 2.0
"""How old mailboxes and events may be: reading them costs more than counting."""
_EVENTS = 6
_LOOKED_THROUGH = 200
"""Newest events among which those worth a line are looked for."""
_ON_THE_WAY = (MessageState.SCHEDULED, MessageState.CLAIMED, MessageState.TRANSMITTING)
_LISTED = 10
_INTERRUPTED = 130
_SILENT = "Temporal does not answer: this is what the rows say"
_NO_WORKER = "no worker answers: this is what the rows say (outrider worker, or outrider up)"
_PATIENCE = timedelta(seconds=5)
"""A campaign that is younger may not have been taken up yet."""
_KEYS = "p {pause}  c cancel  r report  d drafts  e errors  q quit (the campaign goes on)"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(monitor)


def monitor(campaign_id: CampaignId, as_json: AsJson = False) -> None:
    """Watch a campaign and steer it by keys.

    Without a terminal it prints a line per change. It ends with the campaign: with 0 when that is completed, 1 when it
    failed or was cancelled. Leaving it, by q or Ctrl-C, changes nothing. With --json it prints where the campaign
    stands now, once.
    """
    raise typer.Exit(asyncio.run(_monitor(load_settings(), campaign_id, as_json=as_json)))


async def _monitor(settings: Settings, campaign_id: str, *, as_json: bool) -> int:
    async with open_storage(settings) as storage:
        campaign = await storage.campaigns.get(campaign_id)
        found = _Monitor(settings, storage, campaign, await storage.progress.read(campaign_id))
        if as_json:
            await found.look()
            print_document(found.progress)
            return 0
        return await found.run()


class _Monitor:
    """One campaign on the screen, and the keys that are pressed meanwhile."""

    def __init__(self, settings: Settings, storage: Storage, campaign: Campaign, progress: Progress) -> None:
        self.progress = progress
        self._settings = settings
        self._storage = storage
        self._campaign = campaign
        self._id = campaign.campaign_id
        self._client: CampaignClient | None = None
        self._connected_at = -_CONNECT_SECONDS
        self._remark = ""
        self._around: Around | None = None
        self._looked_around_at = -_AROUND_SECONDS
        self._watch = Watch(quiet=False)
        self._keyboard = Keyboard()
        self._asked = ""
        """What is asked on the last line, "" while nothing is."""
        self._said = ""
        self._said_at = 0.0
        self._away = False
        """Something else is on the screen."""

    async def run(self) -> int:
        """Show the campaign until it ends, somebody quits or the process is told to; returns the exit code."""
        stop = stop_requested()
        with self._keyboard.open() if self._watch.live else nullcontext(), self._watch.open():
            ends = [
                asyncio.create_task(self._follow()),
                asyncio.create_task(self._obey()),
                asyncio.create_task(_interrupted(stop)),
            ]
            try:
                done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                code = max(task.result() for task in done)
            finally:
                for task in ends:
                    task.cancel()
                await asyncio.gather(*ends, return_exceptions=True)
                self._away = False
                self._draw(keys=False)
        if self.progress.status not in FINAL:
            note(f"{self._id} goes on: outrider show {self._id}")
        elif self._watch.live:
            say(f"outrider report {self._id}")
        return code

    async def _follow(self) -> int:
        while True:
            await self.look()
            self._draw()
            if stdout_is_forgotten():
                return 0
            if self.progress.status in FINAL and not self._away:
                return 0 if self.progress.status is CampaignStatus.COMPLETED else 1
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Ask the rows, and Temporal where it answers, how the campaign stands."""
        try:
            client = await self._connected()
            async with asyncio.timeout(_ANSWER_SECONDS):
                self.progress = await client.progress(self._id)
            silent = self.progress.run is None and self.progress.as_of - self.progress.created_at > _PATIENCE
            remark = _NO_WORKER if silent else ""
        except (Unreachable, RPCError, TimeoutError):
            self.progress = await self._storage.progress.read(self._id)
            remark = _SILENT
        self._remark = "" if self.progress.status in FINAL else remark
        old = self.progress.status in FINAL or monotonic() - self._looked_around_at > _AROUND_SECONDS
        if self._watch.live and old:
            self._around = await self._look_around()
            self._looked_around_at = monotonic()

    async def _connected(self, *, at_once: bool = False) -> CampaignClient:
        """The client; raises Unreachable while there is none, and tries again every few seconds or `at_once`."""
        if self._client is None:
            if not at_once and monotonic() - self._connected_at < _CONNECT_SECONDS:
                raise Unreachable(_SILENT, hint="outrider doctor")
            self._connected_at = monotonic()
            self._client = CampaignClient(self._storage, await connect(self._settings), self._settings)
        return self._client

    async def _look_around(self) -> Around:
        mailboxes = [await self._storage.mailboxes.get(one.name) for one in self._campaign.spec.sending.mailboxes]
        newest = await self._storage.exports.audit(self._id, _LOOKED_THROUGH)
        shown = [row for row in newest if row["kind"] not in _ON_THE_WAY][:_EVENTS]
        return Around(
            limits=self._campaign.spec.sending.pause_above,
            judged=await self._storage.campaigns.judged(self._id, NEWEST),
            mailboxes=mailboxes,
            events=[event_line(row, self.progress.as_of) for row in shown],
        )

    def _draw(self, *, keys: bool = True) -> None:
        if not self._away:
            self._watch.show(self.progress, self._remark, self._around, self._footer() if keys else ())

    def _footer(self) -> list[Text]:
        if self._asked:
            return [Text(self._asked, style="bold")]
        said = [Text(self._said, style="bold")] if monotonic() - self._said_at < _SAID_SECONDS else []
        return [*said, Text(_KEYS.format(pause="resume" if self.progress.paused else "pause"), style="dim")]

    def _say(self, line: str) -> None:
        self._said, self._said_at = plain(line), monotonic()
        self._draw()

    async def _obey(self) -> int:
        """Do what the keys say until somebody quits."""
        keys = {
            "p": self._pause_or_resume,
            "c": self._cancel,
            "r": self._report,
            "d": self._drafts,
            "e": self._errors,
        }
        while (key := await self._keyboard.pressed()) not in ("q", "Q", GONE):
            if action := keys.get(key.lower()):
                await action()
        return 0

    async def _pause_or_resume(self) -> None:
        paused = self.progress.paused is not None
        reason = await self._ask_line(f"{'resume' if paused else 'pause'}, why (Enter = no reason, Esc = leave it): ")
        if reason is None:
            return
        if paused:
            await self._act("resuming …", lambda client: client.resume(self._id, reason))
        else:
            await self._act("pausing …", lambda client: client.pause(self._id, reason))

    async def _cancel(self) -> None:
        if await self._ask_key(f"cancel {self._id}: what was not begun is never sent. y/n ") in ("y", "Y"):
            await self._act("cancelling …", lambda client: client.cancel(self._id))

    async def _act(self, meanwhile: str, act: Callable[[CampaignClient], Awaitable[Answer]]) -> None:
        """Do something to the campaign and show what came of it; keys pressed meanwhile are obeyed afterwards."""
        self._say(meanwhile)
        try:
            client = await self._connected(at_once=True)
            async with asyncio.timeout(_ACT_SECONDS):
                self._say((await act(client)).line)
        except OutriderError as error:
            self._say(f"{error.line}; {error.hint}" if error.hint else error.line)
        except (RPCError, TimeoutError):
            self._say("Temporal or its worker does not answer; whether it was done shows above in a moment")

    async def _ask_key(self, question: str) -> str:
        self._asked = question
        self._draw()
        try:
            return await self._keyboard.pressed()
        finally:
            self._asked = ""
            self._draw()

    async def _ask_line(self, question: str) -> str | None:
        """A line of text, "" for none; None when it was left with Esc or the terminal has gone."""
        line = ""
        while True:
            key = await self._ask_key(f"{question}{line}▏")
            if key == ENTER:
                return line.strip()
            if key in (ESCAPE, GONE):
                return None
            line = line[:-1] if key == BACKSPACE else line + plain_key(key)

    async def _report(self) -> None:
        report = await self._storage.reports.read(self._id)
        with self._aside() as back:
            say(paragraph(report.as_markdown()))
            await back()

    async def _drafts(self) -> None:
        queue = await self._storage.reviews.queue(self._id)
        listed = [await self._storage.reviews.draft(self._id, *key) for key in queue.waiting[:_LISTED]]
        with self._aside() as back:
            show_queue(self._id, queue, listed)
            await back()

    async def _errors(self) -> None:
        with self._aside() as back:
            await print_errors(self._storage, self._id, limit=_LISTED)
            await back()

    @contextmanager
    def _aside(self) -> Iterator[Callable[[], Awaitable[str]]]:
        """Print instead of the picture until a key is pressed; what was printed stays above it."""

        async def back() -> str:
            say("\nany key: back to the picture")
            return await self._keyboard.pressed()

        self._away = True
        try:
            with self._watch.aside():
                yield back
        finally:
            self._away = False
            self._draw()


def plain_key(key: str) -> str:
    """What a key adds to a line: nothing unless it is a character that can be seen."""
    return key if key == " " else plain(key)


async def _interrupted(stop: asyncio.Event) -> int:
    await stop.wait()
    return _INTERRUPTED
