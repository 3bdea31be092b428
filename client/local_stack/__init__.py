"""The local stack of `outrider up`: Temporal, inbox, web page and worker as child processes on 127.0.0.1.

They run in groups of their own and are started again when they die. SIGTERM and SIGINT stop them in their order, the
worker first; when `outrider up` itself is killed, the kernel ends them (see tether.py).
"""

import asyncio
import fcntl
import os
import signal
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path

from temporalio.client import Client
from temporalio.envconfig import ClientConfig

from client import temporal_cli
from client.adapters import migrate, open_storage
from client.local_stack import parts
from client.local_stack.children import Child, Say
from client.local_stack.parts import LOOPBACK, Part
from client.settings import Settings, Stack
from domain.errors import InputError

__all__ = ["LocalStack", "serve"]


class LocalStack:
    """All parts together. `start`, then `stop`; `stack` says where they listen."""

    def __init__(self, settings: Settings, say: Say) -> None:
        """`say` gets a line about everything that takes time, and whenever a part dies or comes back."""
        self._settings = settings
        self._say = say
        self._children: list[Child] = []
        self._ports = parts.choose_ports(inbox=settings.smtp_url is None)
        self._answers = False

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
            pids={"up": os.getpid(), **{name: pid for name, pid in pids.items() if pid is not None}},
        )

    async def start(self) -> None:
        """Migrate the database, start every part in turn and write stack.json; raises Unreachable."""
        settings, ports = self._settings, self._ports
        self._say("starting Temporal, inbox, opt-out page and worker on this machine")
        await migrate(settings)
        async with open_storage(settings):
            pass  # the secret key exists from here on, before several processes would make one
        cli = await asyncio.to_thread(temporal_cli.obtain, self._say)
        await self._start(parts.temporal_part(cli, settings.home.absolute() / "temporal.db", ports))
        temporal = await Client.connect(self.stack.temporal_address)
        environment = self._environment()
        others = [parts.web_part(ports.web, environment), parts.worker_part(temporal, environment)]
        if ports.smtp and ports.inbox:
            others.insert(0, parts.inbox_part(ports.smtp, ports.inbox))
        await self._start(*others)
        self._answers = True
        self._write()

    async def stop(self) -> None:
        """Stop every part, the last started first: the worker, the web page, the inbox, Temporal."""
        self._answers = False
        self._settings.stack_file.unlink(missing_ok=True)
        while self._children:
            await self._children.pop().stop()

    def kill(self) -> None:
        """End every part at once."""
        for child in self._children:
            child.kill()

    async def _start(self, *wanted: Part) -> None:
        """Start parts side by side; raises the first one's Unreachable when all have answered or failed."""
        logs = self._settings.home.absolute() / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        new = [Child(part, logs, self._say, self._write) for part in wanted]
        self._children += new
        for failure in await asyncio.gather(*(child.start() for child in new), return_exceptions=True):
            if failure is not None:
                raise failure

    def _environment(self) -> dict[str, str]:
        """What the parts need of each other before stack.json is there. What a person has set stays."""
        stack = self.stack
        environment = {"TEMPORAL_ADDRESS": stack.temporal_address}
        if self._settings.public_url is None:
            environment["OUTRIDER_PUBLIC_URL"] = stack.web_url
        if stack.smtp_url is not None:
            environment["OUTRIDER_SMTP_URL"] = stack.smtp_url
        return environment

    def _write(self) -> None:
        """Write stack.json in one step, so that nobody reads half of it."""
        if not self._answers:
            return
        home = self._settings.home
        with tempfile.NamedTemporaryFile("w", dir=home, prefix="stack-", suffix=".tmp", delete=False) as file:
            file.write(self.stack.model_dump_json(indent=2))
        Path(file.name).replace(self._settings.stack_file)


async def serve(settings: Settings, say: Say, ready: Callable[[Stack], None]) -> None:
    """Keep the stack up until SIGTERM or SIGINT; a second one ends everything at once.

    `ready` is called once everything answers. Raises InputError when this home has a stack already or when TEMPORAL_*
    leads elsewhere, and Unreachable when a part does not come up.
    """
    if elsewhere := _configured_temporal():
        raise InputError(
            f"{elsewhere} leads to another Temporal, so the commands would not see the one that `outrider up` starts",
            hint="unset it, or run `outrider worker` and `outrider web` for that Temporal",
        )
    with _only_one(settings.home):
        stack = LocalStack(settings, say)
        signals = _Signals(stack)
        try:
            await signals.first_or(stack.start())
            if not signals.received:
                ready(stack.stack)
                await signals.first.wait()
            say("stopping: the worker finishes the mail in hand (again Ctrl-C: at once)")
        finally:
            await stack.stop()


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

    async def first_or(self, start: Coroutine[None, None, None]) -> None:
        """Run `start` to its end, or give it up when a signal comes first."""
        starting = asyncio.create_task(start)
        waiting = asyncio.create_task(self.first.wait())
        await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting})
        if not starting.cancelled():
            starting.result()

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


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Hold this home for one `outrider up`. The kernel lets go of the lock whenever the process ends."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"`outrider up` runs already for {home}", hint="outrider doctor, or another OUTRIDER_HOME"
            ) from None
        yield
