"""A real web process on a migrated database with a campaign of 60 people in it."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

import web
from domain.campaign import CampaignSpec
from domain.lead import NewLead
from storage.campaigns import CampaignRows
from storage.database import Database
from storage.keys import Keys
from storage.suppression import SuppressionList

SECRET = "a secret of the tests, long enough"
CAMPAIGN = "release-notes-1"
PEOPLE = 60
SPEC = CampaignSpec.model_validate(
    {
        "version": 1,
        "name": "release-notes",
        "owner": "dana",
        "audience": {"source": "csv", "file": "leads.csv"},
        "permission": {"basis": "consent"},
        "sender": {
            "name": "Dana Rivers",
            "organization": "Example <Labs>",
            "postal_address": "1 Example Street",
            "reply_to": "dana@example.com",
        },
        "sequence": [{"subject": "News", "body": "Hello"}],
        "review": {"mode": "none"},
        "sending": {
            "provider": "smtp",
            "mailboxes": [{"name": "relay", "address": "news@example.com", "pace": "none"}],
        },
    }
)


@dataclass(frozen=True)
class Person:
    """A lead of the campaign, and what their mail carried."""

    number: int
    email: str
    token: str


class World:
    """The data directory that tests and process share."""

    def __init__(self, home: Path) -> None:
        """Nothing is made yet; see `fill`."""
        self.home = home
        self.campaign = CAMPAIGN
        self.keys = Keys(SECRET)
        self.database = Database(f"sqlite+aiosqlite:///{home / 'outrider.db'}")
        self.suppressions = SuppressionList(self.database, self.keys)
        self._met = 0

    async def fill(self) -> None:
        await self.database.migrate()
        people = [
            NewLead(source_identity=f"row {number}", email=f"person{number}@example.com")
            for number in range(1, PEOPLE + 1)
        ]
        await CampaignRows(self.database, self.keys).create(CAMPAIGN, SPEC, people, [])

    def person(self) -> Person:
        """Somebody no other test knows."""
        self._met += 1
        assert self._met <= PEOPLE
        token = self.keys.opt_out_token(CAMPAIGN, self._met)
        return Person(self._met, f"person{self._met}@example.com", token)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the database's write lock."""
        connection = sqlite3.connect(self.home / "outrider.db", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")
            connection.close()

    def execute(self, statement: str) -> None:
        """Change the database behind everybody's back."""
        with sqlite3.connect(self.home / "outrider.db") as connection:
            connection.execute(statement)
        connection.close()


class WebProcess:
    """`python -m web`, as its supervisor sees it."""

    def __init__(self, home: Path, *options: str, descriptors: int | None = None) -> None:
        """Start it, with a hard limit of open files if given; `port` waits until it listens."""
        home.mkdir(exist_ok=True)
        self._log = home / f"web-{time.monotonic_ns()}.log"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OUTRIDER_")}
        own = {"OUTRIDER_HOME": str(home), "OUTRIDER_SECRET_KEY": SECRET, "LOG_LEVEL": "DEBUG"}
        limited = ["/bin/sh", "-c", f'ulimit -n {descriptors} && exec "$0" "$@"'] if descriptors else []
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [*limited, sys.executable, "-W", "always", "-m", "web", *(options or ("--port", "0"))],
                cwd=home,  # no .env of the person who runs the tests
                env={**inherited, **own, "PYTHONPATH": str(Path(web.__file__).parents[1])},
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    async def port(self) -> int:
        async with asyncio.timeout(20):
            while self.process.poll() is None:
                for line in self.log.splitlines(keepends=True):
                    if line.endswith("\n") and '"web.started"' in line:
                        return int(json.loads(line)["port"])
                await asyncio.sleep(0.02)
        raise AssertionError(self.log)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code after a signal."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=20)


StartWeb = Callable[..., WebProcess]


@pytest.fixture(scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    made = World(tmp_path_factory.mktemp("web"))
    await made.fill()
    yield made
    await made.database.close()


@pytest.fixture(scope="session")
async def running(world: World) -> AsyncIterator[WebProcess]:
    process = WebProcess(world.home)
    try:
        await process.port()
        yield process
    finally:
        code = process.end()
    assert code == 0, process.log


@pytest.fixture
def start_web() -> Iterator[StartWeb]:
    """Start further processes; what a test leaves running is killed."""
    started: list[WebProcess] = []

    def start(home: Path, *options: str, descriptors: int | None = None) -> WebProcess:
        started.append(WebProcess(home, *options, descriptors=descriptors))
        return started[-1]

    yield start
    for process in started:
        process.end(signal.SIGKILL)


@pytest.fixture(scope="session")
async def http(running: WebProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{await running.port()}", timeout=20) as client:
        yield client
