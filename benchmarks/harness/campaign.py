"""The campaign that scenarios send: invented people on an example domain, mails of about 3.5 kB."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from temporalio.testing import ActivityEnvironment

from activities.personalization import PersonalizationActivities
from client.adapters import migrate, open_ports, open_storage
from client.settings import Settings
from domain.campaign import CampaignSpec, Stage
from domain.lead import NewLead
from domain.wire import CampaignPlan, WindowResult, WindowTask

CAMPAIGN = "campaign-benchmark"
MAILBOX = "relay"
CONNECTIONS = 20

_BODY = """Hello {{ lead.first_name }},

{{ offer.product }} {{ offer.summary }}, and version 2.4 does it in half the time on the same two cores.

What is new: flaky tests are found while they are being written, before anybody has to read a red build twice; the
reports of all your repositories are on one page, with the commits that made them worse; and a run that was broken off
goes on where it stopped, instead of beginning again from the first test.

How to update: change the version in your lock file and run the check once. Nothing in your configuration has to be
touched, and the old reports stay readable. If something does not work as you expect, an answer to this mail reaches
the people who wrote it.

{{ offer.link }}

{{ sender.name }}
"""


def spec() -> CampaignSpec:
    """A campaign that may be sent at once, as fast as the relay takes it."""
    return CampaignSpec.model_validate(
        {
            "version": 1,
            "name": "benchmark",
            "owner": "dana",
            "audience": {"source": "csv"},
            "permission": {"basis": "consent"},
            "sender": {
                "name": "Dana Rivers",
                "organization": "Example Labs",
                "postal_address": "1 Example Street, 12345 Example City",
                "reply_to": "dana@example.com",
            },
            "offer": {
                "product": "Flakewatch",
                "summary": "finds tests that fail now and then",
                "link": "https://example.com/flakewatch",
            },
            "sequence": [{"subject": "Flakewatch 2.4 for {{ lead.name }}", "body": _BODY}],
            "review": {"mode": "none"},
            "sending": {
                "provider": "smtp",
                "mailboxes": [
                    {"name": MAILBOX, "address": "news@example.com", "pace": "none", "connections": CONNECTIONS}
                ],
            },
        }
    )


def people(count: int, who: str = "person") -> list[NewLead]:
    """So many people; `who` begins their addresses. Whoever was written to by another campaign would be skipped."""
    return [
        NewLead(
            source_identity=f"{who}{number}@example.com",
            email=f"{who}{number}@example.com",
            name=f"Robin Example{number}",
            source="the list people.csv",
        )
        for number in range(1, count + 1)
    ]


def settings(home: Path, smtp_port: int) -> Settings:
    """Settings for a home directory and a relay on this machine."""
    return Settings(
        home=home,
        smtp_url=f"smtp://127.0.0.1:{smtp_port}",  # type: ignore[arg-type]  # pydantic makes the secret
        public_url="http://127.0.0.1:8026",
        _env_file=None,
    )


async def store_drafted(chosen: Settings, leads: int, plan: CampaignPlan) -> None:
    """A campaign whose messages are all scheduled, as the product's own drafting leaves it."""
    await migrate(chosen)
    async with open_storage(chosen) as storage:
        await storage.campaigns.create(CAMPAIGN, spec(), people(leads), [])
    async with open_ports(chosen) as ports:
        drafting = PersonalizationActivities(ports.campaigns, ports.leads, ports.people, ports.writer, ports.public_url)
        await run_windows(drafting.draft_messages, Stage.PERSONALIZATION, plan)


async def run_windows(
    work: Callable[[WindowTask], Awaitable[WindowResult]], stage: Stage, plan: CampaignPlan
) -> list[WindowResult]:
    """One activity over all windows, as many in flight as the plan says, without a Temporal server."""
    room = asyncio.Semaphore(plan.width)
    size = plan.draft_window if stage is Stage.PERSONALIZATION else plan.send_window

    async def one(first: int) -> WindowResult:
        task = WindowTask(campaign_id=CAMPAIGN, stage=stage, first=first, last=min(first + size - 1, plan.leads))
        async with room:
            return await ActivityEnvironment().run(work, task)

    return await asyncio.gather(*(one(first) for first in range(1, plan.leads + 1, size)))
