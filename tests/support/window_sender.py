"""One process that sends: the activity on a real ledger, a real SMTP client and a real inbox, without Temporal."""

import asyncio

import httpx
from local_world import Inbox, spec
from stored_campaigns import CAMPAIGN, StoredCampaigns
from temporalio.testing import ActivityEnvironment

from activities.sending import SendingActivities
from client.adapters import SmtpRelays
from domain.campaign import Stage
from domain.wire import WindowResult, WindowTask
from storage.ledger import GroupingLedger


class Sender:
    """One process that sends: its activities, its relays, its ledger."""

    def __init__(self, stored: StoredCampaigns, ledger: GroupingLedger, inbox: Inbox, relays: SmtpRelays) -> None:
        """All of it running."""
        self.stored = stored
        self.ledger = ledger
        self.inbox = inbox
        self.environment = ActivityEnvironment()
        self._activities = SendingActivities(stored.campaigns, ledger, relays, stored.mailboxes)

    async def schedule(self, leads: int, *, connections: int) -> None:
        """A campaign with so many messages that are due."""
        await self.stored.schedule(leads=leads, of=spec(connections=connections))

    async def send(self, first: int, last: int, *, holds: int = 0) -> WindowResult:
        """Run the activity for one window."""
        task = WindowTask(campaign_id=CAMPAIGN, stage=Stage.SENDING, first=first, last=last, holds=holds)
        return await self.environment.run(self._activities.send_messages, task)

    async def arrived(self, at_least: int) -> None:
        """Wait until the inbox has taken so many mails."""
        async with asyncio.timeout(20), httpx.AsyncClient(base_url=self.inbox.http_url) as http:
            while (await http.get("/api/counts")).json()["accepted"] < at_least:  # noqa: ASYNC110 another process
                await asyncio.sleep(0.01)

    def assert_ledger_and_inbox_agree(self) -> None:
        """What the ledger calls sent is in the inbox once, and nothing else is."""
        rows = self.stored.rows("SELECT message_id, recipient FROM messages WHERE state = 'sent'")
        assert sorted(self.inbox.held()) == sorted((row["message_id"], row["recipient"]) for row in rows)
