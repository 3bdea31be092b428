"""The real parts that end-to-end tests run against: Temporal, the inbox, workers, each its own process."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
from local_github import LocalGitHub

from client import up_lock
from client.campaigns import CampaignClient
from client.local_stack.parts import temporal_command
from client.settings import Settings, Stack
from client.temporal_cli import obtain
from domain.campaign import CampaignSpec
from domain.lead import NewLead
from domain.progress import Progress

START_SECONDS = 20.0
SHARED_KEY = "a key of several machines, long enough"


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_listening(port: int) -> None:
    """Until something accepts connections on the port; raises TimeoutError."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on {port}")


def wait_until_healthy(port: int) -> None:
    """Until a Temporal server that listens there also answers; on a loaded machine that is later."""
    wait_until_listening(port)
    asked = [str(obtain(print)), "operator", "cluster", "health", "--address", f"127.0.0.1:{port}"]
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(asked, capture_output=True, check=False).returncode != 0:
        if time.monotonic() > deadline:
            raise TimeoutError(f"Temporal on {port} is not healthy")


class Inbox:
    """The sandbox's inbox in its own process: the sink that the ledger is held against."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.inbox", "--smtp-port", "0", "--http-port", "0"], stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self._stdout = self.process.stdout
        ports = json.loads(self._stdout.readline())
        self.smtp_url = f"smtp://127.0.0.1:{ports['smtp_port']}"
        self.http_url = f"http://127.0.0.1:{ports['http_port']}"

    def faults(self, *rules: dict[str, Any]) -> None:
        """Put these faults in place of all others."""
        httpx.put(f"{self.http_url}/api/faults", json=list(rules)).raise_for_status()

    def held(self) -> list[tuple[str, str]]:
        """(Message-ID, recipient) of every mail that was accepted, once per acceptance."""
        answer = httpx.get(f"{self.http_url}/api/ledger", timeout=30)
        return [(message_id, recipient) for message_id, recipient in answer.json()]

    def counts(self) -> dict[str, Any]:
        """Counters of the inbox."""
        counts: dict[str, Any] = httpx.get(f"{self.http_url}/api/counts").json()
        return counts

    def close(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(10)
        self._stdout.close()


class World:
    """One home directory with a database, a Temporal server, an inbox, and as many workers as a test starts.

    `database_url` puts the rows elsewhere; whoever shares a database needs its key too, so the world has one then.
    """

    def __init__(self, home: Path, *temporal_flags: str, database_url: str | None = None) -> None:
        self.home = home
        self.temporal_flags = temporal_flags
        self.inbox = Inbox()
        self.temporal_port = free_port()
        self.temporal: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []
        self.start_temporal()
        self.database: dict[str, Any] = {}
        if database_url is not None:
            self.database = {"database_url": database_url, "secret_key": SHARED_KEY}
        self.settings = Settings(home=home, _env_file=None, **self.database)
        self.github: LocalGitHub | None = None
        self._stack = Stack(
            temporal_address=f"127.0.0.1:{self.temporal_port}",
            temporal_ui="http://127.0.0.1:1",
            web_url="http://127.0.0.1:8026",
            smtp_url=self.inbox.smtp_url,
            inbox_url=self.inbox.http_url,
        )
        self.settings.stack_file.write_text(self._stack.model_dump_json())
        self._up = ExitStack()
        self._up.enter_context(up_lock.hold(home))  # stack.json counts while its `up` runs: here that is this world

    def start_temporal(self) -> None:
        """Start the server on this world's file; a second start finds what the first one wrote."""
        for tries_left in reversed(range(3)):
            command = temporal_command(obtain(print), self.home / "temporal.db", self.temporal_port, free_port())
            command += self.temporal_flags
            self.temporal = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                wait_until_healthy(self.temporal_port)
            except TimeoutError:  # a connection of anybody's may have taken one of its ports before it did
                self.temporal.kill()
                self.temporal.wait()
                if not tries_left:
                    self.inbox.close()
                    raise
            else:
                return

    def start_github(self, *options: str) -> "LocalGitHub":
        """Start a GitHub of invented people; workers that start from now on ask it."""
        self.github = LocalGitHub(*options)
        stack = self._stack.model_copy(update={"github_url": self.github.url})
        self.settings.stack_file.write_text(stack.model_dump_json())
        self.settings = Settings(home=self.home, _env_file=None, **self.database)
        return self.github

    def start_worker(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a worker, or the script of a test that builds one; its log is appended to `worker.log`."""
        with (self.home / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, *(command or ("-m", "worker"))],
                env={**os.environ, **self.environment},
                cwd=self.home,  # no .env of whoever runs the tests
                stdout=log,
                stderr=log,
            )
        self.workers.append(worker)
        return worker

    @property
    def environment(self) -> dict[str, str]:
        """What leads a process of ours to this world."""
        database = {f"OUTRIDER_{name.upper()}": value for name, value in self.database.items()}
        return {"OUTRIDER_HOME": str(self.home), **database}

    @property
    def log(self) -> str:
        """What all workers have logged so far."""
        return (self.home / "worker.log").read_text()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[CampaignClient]:
        """A client of this world."""
        async with CampaignClient.open(self.settings) as client:
            yield client

    def close(self) -> None:
        """End everything that was started, frozen processes included."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.kill()
                worker.wait(10)
        if self.temporal is not None:
            self.temporal.kill()
            self.temporal.wait(10)
        self.inbox.close()
        if self.github is not None:
            self.github.end()
        self._up.close()


@contextmanager
def new_world(home: Path, *temporal_flags: str, database_url: str | None = None) -> Iterator[World]:
    """A world that ends with the block."""
    world = World(home, *temporal_flags, database_url=database_url)
    try:
        yield world
    finally:
        world.close()


def spec(*, connections: int = 20, review: dict[str, object] | None = None, **sending: object) -> CampaignSpec:
    """A campaign that may be sent at once, unless `review` says otherwise; `sending` overrides its fields."""
    return CampaignSpec.model_validate(
        {
            "version": 1,
            "name": "proof",
            "owner": "dana",
            "audience": {"source": "csv"},
            "permission": {"basis": "consent"},
            "sender": {
                "name": "Dana Rivers",
                "organization": "Example Labs",
                "postal_address": "1 Example Street, 12345 Example City",
                "reply_to": "dana@example.com",
            },
            "sequence": [{"subject": "News for {{ lead.name }}", "body": "Hello {{ lead.name }},\n\nthis is it.\n"}],
            "review": review or {"mode": "none"},
            "sending": {
                "provider": "smtp",
                "mailboxes": [
                    {"name": "relay", "address": "news@example.com", "pace": "none", "connections": connections}
                ],
                "deferred": {"first": "1s", "longest": "2s", "give_up": "5m"},
                **sending,
            },
        }
    )


def searching(**audience: object) -> CampaignSpec:
    """A campaign whose people are searched for on GitHub; `audience` overrides its fields."""
    plain = spec().model_dump(mode="json", by_alias=True, exclude_defaults=True)
    about = {
        "subject": "{{ repository.name }}",
        "body": "Hello {{ lead.first_name or lead.login }},\n\nyou made {{ repository.commits }} commits to "
        "{{ repository.full_name }} in {{ audience.active_within_days }} days.\n",
    }
    found = {"source": "github", "languages": ["python"], "topics": ["testing"], "max_leads": 50_000, **audience}
    return CampaignSpec.model_validate({**plain, "audience": found, "sequence": [about]})


def people(count: int) -> list[NewLead]:
    """So many people on an example domain."""
    return [
        NewLead(
            source_identity=f"person{index}@example.com",
            email=f"person{index}@example.com",
            name=f"Robin Example{index}",
            source="the list people.csv",
        )
        for index in range(1, count + 1)
    ]


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    """Wait until something in another process holds; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 another process sets no event
            await asyncio.sleep(0.05)


async def sent_so_far(client: CampaignClient, campaign_id: str, at_least: int) -> Progress:
    """Wait until so many messages are sent."""
    async for progress in client.follow(campaign_id, every=0.02):
        if progress.messages.sent >= at_least:
            return progress
    raise AssertionError(f"the campaign ended with fewer than {at_least} sent")


async def assert_promise(world: World, client: CampaignClient, campaign_id: str, *, most_doubts: int) -> Progress:
    """Nobody lost, nobody twice, and what cannot be known is listed: the ledger held against the inbox.

    The inbox must hold exactly the mails that the ledger calls sent, and of the doubtful ones any part.
    """
    progress = await client.progress(campaign_id)
    report = await client.result(campaign_id)
    assert report.adds_up, report.as_markdown()
    assert progress.leads.get("open", 0) == 0
    assert sum(progress.leads.values()) == report.lead_total
    ledger = {row["message_id"]: row async for row in client.export(campaign_id, "ledger")}
    held = world.inbox.held()
    assert len(held) == len(set(held)), "somebody was written to twice"
    sent = {(row["message_id"], row["recipient"]) for row in ledger.values() if row["state"] == "sent"}
    doubtful = {(row["message_id"], row["recipient"]) for row in ledger.values() if row["state"] == "in_doubt"}
    assert sent <= set(held), "the ledger calls sent what nobody got"
    assert set(held) - sent <= doubtful, "somebody got what the ledger does not know"
    assert len(doubtful) <= most_doubts
    assert {doubt.message_id for doubt in progress.in_doubt} == {message_id for message_id, _ in doubtful}
    return progress
