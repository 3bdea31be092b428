"""The local stack of `outrider up`: Temporal, inbox, GitHub, web page and worker as child processes on 127.0.0.1.

They run in groups of their own and are started again when they die. SIGTERM and SIGINT stop them in their order, the
worker first; when `outrider up` itself is killed, the kernel ends them (see tether.py).
"""

import asyncio
import os
import signal
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from temporalio.client import Client
from temporalio.envconfig import ClientConfig

from client import temporal_cli, up_lock
from client.adapters import migrate, open_storage
from client.local_stack import parts
from client.local_stack.children import Child, PortTaken, Say
from client.local_stack.parts import LOOPBACK, Part
from client.settings import LOCAL_TOKEN, Settings, Stack
from domain.errors import InputError

__all__ = ["LocalStack", "serve"]

_ATTEMPTS = 5
_WRITE_PAUSE = 5.0


class LocalStack:
    """All parts together. `start`, then `stop`; `stack` says where they listen."""

    def __init__(self, settings: Settings, say: Say) -> None:
        """`say` gets a line about everything that takes time, and whenever a part dies or comes back."""
        self._settings = settings
        self._say = say
        self._children: list[Child] = []
        self._ports = self._free_ports()
        self._changed = asyncio.Event()

    def _free_ports(self) -> parts.Ports:
        """Where a relay or a GitHub is set, there is no local one."""
        settings = self._settings
        elsewhere = settings.github_token is not None or settings.github_api_url is not None
        return parts.choose_ports(inbox=settings.smtp_url is None, github=not elsewhere)

    @property
    def stack(self) -> Stack:
        """Where the parts listen, with their process ids now."""
        ports = self._ports
        pids = {child.part.name: child.pid for child in self._children}
        return Stack(
            temporal_address=f"{LOOPBACK}:{ports.temporal}",
            temporal_ui=f"http://{LOOPBACK}:{ports.temporal_ui}",
            web_url=f"http://{LOOPBACK}:{ports.web}",
            smtp_url=f"smtp://{LOOPBACK}:{ports.smtp}" if ports.smtp else None,
            inbox_url=f"http://{LOOPBACK}:{ports.inbox}" if ports.inbox else None,
            github_url=f"http://{LOOPBACK}:{ports.github}" if ports.github else None,
            pids={"up": os.getpid(), **{name: pid for name, pid in pids.items() if pid is not None}},
        )

    async def start(self) -> None:
        """Migrate the database, start every part in turn and write stack.json; raises InputError or Unreachable."""
        try:
            await self._start_all()
        except OSError as error:
            raise InputError(
                f"`outrider up` cannot work in {self._settings.home}: {error.strerror}",
                hint="OUTRIDER_HOME must have room, and this user must be able to write there",
            ) from None

    async def keep(self) -> None:
        """Keep every part up until this is cancelled; raises what a part cannot be kept up for."""
        keepers = [asyncio.create_task(child.keep(), name=f"keep-{child.part.name}") for child in self._children]
        keepers.append(asyncio.create_task(self._record(), name="record"))
        try:
            await asyncio.gather(*keepers)
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.wait(keepers)

    async def stop(self) -> None:
        """Stop every part, the last started first: the worker, the web page, the inbox, Temporal."""
        with suppress(OSError):  # nobody believes the file once this process has gone
            self._settings.stack_file.unlink(missing_ok=True)
        while self._children:
            await self._children.pop().stop()

    def kill(self) -> None:
        """End every part at once."""
        for child in self._children:
            child.kill()

    async def _start_all(self) -> None:
        settings = self._settings
        settings.stack_file.unlink(missing_ok=True)  # of one that was killed
        self._say("starting Temporal, inbox, local GitHub, opt-out page and worker on this machine")
        await migrate(settings)
        async with open_storage(settings):
            pass  # the secret key exists from here on, before several processes would make one
        cli = await asyncio.to_thread(temporal_cli.obtain, self._say)
        database = settings.home.absolute() / "temporal.db"
        await self._start(lambda: [parts.temporal_part(cli, database, self._ports)])
        await self._start(self._pages)
        temporal = await Client.connect(self.stack.temporal_address)
        # Last: what it works on at once must carry the addresses of the parts that do listen.
        await self._start(lambda: [parts.worker_part(temporal, self._environment())])
        self._write()

    def _pages(self) -> list[Part]:
        """The inbox, unless there is a real relay, a GitHub, unless there is a token, and the opt-out page."""
        ports = self._ports
        inbox = [parts.inbox_part(ports.smtp, ports.inbox)] if ports.smtp and ports.inbox else []
        github = [parts.github_part(ports.github)] if ports.github else []
        return [*inbox, *github, parts.web_part(ports.web, self._environment())]

    async def _start(self, wanted: Callable[[], list[Part]]) -> None:
        """Start parts side by side, on other ports when somebody was quicker; raises the first one's Unreachable."""
        logs = self._settings.home.absolute() / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        for attempt in range(1, _ATTEMPTS + 1):
            new = [Child(part, logs, self._say, self._changed.set) for part in wanted()]
            self._children += new
            outcomes = await asyncio.gather(*(child.start() for child in new), return_exceptions=True)
            failures = [failure for failure in outcomes if failure is not None]
            if not failures:
                return
            taken = all(isinstance(failure, PortTaken) for failure in failures)
            if not taken or attempt == _ATTEMPTS:
                raise failures[0]
            for child in new:
                await child.stop()
                self._children.remove(child)
            self._choose_other_ports()

    def _choose_other_ports(self) -> None:
        """Choose anew for the parts that do not run yet."""
        fresh, old = self._free_ports(), self._ports
        running = self._children
        self._ports = replace(fresh, temporal=old.temporal, temporal_ui=old.temporal_ui) if running else fresh

    def _environment(self) -> dict[str, str]:
        """What the parts need of each other before stack.json is there. What a person has set stays."""
        stack = self.stack
        environment = {"TEMPORAL_ADDRESS": stack.temporal_address}
        if self._settings.public_url is None:
            environment["OUTRIDER_PUBLIC_URL"] = stack.web_url
        if stack.smtp_url is not None:
            environment["OUTRIDER_SMTP_URL"] = stack.smtp_url
        if stack.github_url is not None:
            environment |= {"OUTRIDER_GITHUB_API_URL": stack.github_url, "OUTRIDER_GITHUB_TOKEN": LOCAL_TOKEN}
        return environment

    async def _record(self) -> NoReturn:
        """Write stack.json anew whenever a process id changed; while it cannot be written, try again."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                self._write()
            except OSError as error:
                file = self._settings.stack_file
                self._say(f"{file} cannot be written: {error.strerror}; tried again in {_WRITE_PAUSE:.0f} s")
                await asyncio.sleep(_WRITE_PAUSE)
                self._changed.set()

    def _write(self) -> None:
        """Write stack.json in one step, so that nobody reads half of it."""
        descriptor, draft = tempfile.mkstemp(dir=self._settings.home, prefix="stack-", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(self.stack.model_dump_json(indent=2))
            Path(draft).replace(self._settings.stack_file)
        except OSError:
            Path(draft).unlink()
            raise


async def serve(settings: Settings, say: Say, ready: Callable[[Stack], None]) -> None:
    """Keep the stack up until SIGTERM or SIGINT; a second one ends everything at once.

    `ready` is called once everything answers. Raises InputError when this home has a stack already or cannot be
    written to or when TEMPORAL_* leads elsewhere, and Unreachable when a part does not come up.
    """
    if elsewhere := _configured_temporal():
        raise InputError(
            f"{elsewhere} leads to another Temporal, so the commands would not see the one that `outrider up` starts",
            hint="unset it, or run `outrider worker` and `outrider web` for that Temporal",
        )
    with up_lock.hold(settings.home):
        stack = LocalStack(settings, _heard_or_not(say))
        signals = _Signals(stack)
        try:
            await signals.first_or(stack.start())
            if not signals.received:
                ready(stack.stack)
                await signals.first_or(stack.keep())
            _heard_or_not(say)("stopping: the worker finishes the mail in hand (again Ctrl-C: at once)")
        finally:
            await stack.stop()


def _heard_or_not(say: Say) -> Say:
    """`say`, except that an output that takes nothing (a full disk, a closed pipe) stops no part."""

    def tried(line: str) -> None:
        with suppress(OSError):
            say(line)

    return tried


class _Signals:
    """The first SIGTERM or SIGINT asks for an orderly end, the second one for any end."""

    def __init__(self, stack: LocalStack) -> None:
        self.first = asyncio.Event()
        self._stack = stack
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._received)

    @property
    def received(self) -> bool:
        return self.first.is_set()

    async def first_or(self, work: Coroutine[None, None, None]) -> None:
        """Run `work` to its end, or give it up when a signal comes first."""
        working = asyncio.create_task(work)
        waiting = asyncio.create_task(self.first.wait())
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
        if not working.cancelled():
            working.result()

    def _received(self) -> None:
        if self.received:
            self._stack.kill()
        self.first.set()


def _configured_temporal() -> str:
    """What leads the other commands to a Temporal of their own; "" when nothing does."""
    config = ClientConfig.load_client_connect_config()
    if not config:
        return ""
    return "TEMPORAL_ADDRESS" if os.environ.get("TEMPORAL_ADDRESS") else "TEMPORAL_* or its profile file"
