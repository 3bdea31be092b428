"""An empty database for each test, and a sender with it and an empty inbox."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from local_world import Inbox
from stored_campaigns import StoredCampaigns
from window_sender import Sender

from client.adapters import SmtpRelays
from client.settings import Settings
from storage.database import Database
from storage.ledger import ledger_of


@pytest.fixture(scope="session")
def inbox_process() -> Iterator[Inbox]:
    running = Inbox()
    yield running
    running.close()


@pytest.fixture
def inbox(inbox_process: Inbox) -> Inbox:
    """Empty and without faults."""
    inbox_process.faults()
    httpx.delete(f"{inbox_process.http_url}/api/messages").raise_for_status()
    return inbox_process


@pytest.fixture
async def stored(tmp_path: Path) -> AsyncIterator[StoredCampaigns]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'outrider.db'}")
    await database.migrate()
    await database.close()
    opened = StoredCampaigns(tmp_path / "outrider.db")
    yield opened
    await opened.database.close()
    opened.assert_trail_is_whole()


@pytest.fixture
async def sender(
    inbox: Inbox, stored: StoredCampaigns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Sender]:
    monkeypatch.setenv("OUTRIDER_MAILBOX_RELAY_SMTP_URL", inbox.smtp_url)
    relays = SmtpRelays(Settings(home=tmp_path, _env_file=None))
    async with ledger_of(stored.database) as ledger:
        yield Sender(stored, ledger, inbox, relays)
        await relays.close()
