"""Campaigns whose people are searched for on the local GitHub, up to their drafts: nobody gave permission to send."""

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from harness.campaign import spec
from harness.engine import Engine, polling
from harness.local_github import LANGUAGE, TOPIC, LocalGitHub
from harness.processes import cpu_seconds, watched
from sqlalchemy import Column, func, select

from client.adapters import migrate
from client.campaigns import CampaignClient
from client.connection import connect
from client.settings import Settings
from domain.campaign import CampaignSpec, CampaignStatus
from storage.database import Database
from storage.schema import drafts

_NO_SMTP_PORT = 1
_MOST_LEADS = 50_000
_SUBJECT = "{{ repository.name }}"
_BODY = """Hello {{ lead.first_name or lead.login }},

you made {{ repository.commits }} commits to {{ repository.full_name }} in {{ audience.active_within_days }} days.
Flakewatch 2.4 finds tests that fail now and then, while they are being written.

Answers to this mail reach the people who wrote it.
"""


@dataclass(frozen=True)
class Searched:
    """One campaign from its start to its last draft."""

    leads: int
    """Everybody who was found."""
    read: int
    """Those whose profile was there to be read."""
    reachable: int
    """Those who can be written to; each has a draft."""
    seconds: float
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    """By part, from the campaign's start to its end."""
    megabytes: list[float] = field(default_factory=list)
    """Of the workers together, over time."""

    @property
    def per_second(self) -> float:
        """Leads."""
        return self.leads / self.seconds


def searching(*, permitted: bool = False) -> CampaignSpec:
    """As many people are looked for as a campaign can have; unless `permitted`, nothing is sent to them."""
    given = spec().model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude=set() if permitted else {"permission"}
    )
    audience = {"source": "github", "languages": [LANGUAGE.lower()], "topics": [TOPIC], "max_leads": _MOST_LEADS}
    return CampaignSpec.model_validate(
        {**given, "audience": audience, "sequence": [{"subject": _SUBJECT, "body": _BODY}]}
    )


async def search(
    home: Path, github: LocalGitHub, *, workers: int = 1, database: tuple[str, int] | None = None
) -> Searched:
    """Carry one campaign in an empty directory; `database` is a server's URL and process id, where rows are on one."""
    url, server_pid = database or (None, None)
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(Engine(home, _NO_SMTP_PORT, github_url=github.url, database_url=url))
        await migrate(engine.settings)
        started = [engine.start_worker() for _ in range(workers)]
        temporal = await connect(engine.settings)
        for worker in started:
            await polling(temporal, worker)
        client = await stack.enter_async_context(CampaignClient.open(engine.settings))
        parts = {"worker": [worker.pid for worker in started], "local GitHub": [github.pid]}
        parts["Temporal server"] = [engine.temporal_pid]
        if server_pid is not None:
            parts["PostgreSQL"] = [server_pid]
        before = _used(parts)
        with watched(parts["worker"]) as megabytes:
            begun = time.time()
            campaign = await client.create(searching(), [])
            await client.result(campaign.campaign_id)
        used = {part: seconds - before[part] for part, seconds in _used(parts).items()}
        progress = await client.progress(campaign.campaign_id)
        if progress.status is not CampaignStatus.COMPLETED or progress.messages.sent:
            raise RuntimeError(f"{campaign.campaign_id} did not come to its end, or mails left")
        drafted, last = await rows(engine.settings, drafts.c.created_at)
        leads = sum(progress.leads.values())
        read = leads - progress.leads.get("skipped:account_gone", 0)
        return Searched(leads, read, drafted, last - begun, used, megabytes)


def _used(parts: dict[str, list[int]]) -> dict[str, float]:
    return {part: sum(map(cpu_seconds, pids)) for part, pids in parts.items()}


async def rows(settings: Settings, at: Column[datetime]) -> tuple[int, float]:
    """How many rows of a table there are, and when the last one was made, in seconds since 1970."""
    database = Database(settings.database())
    try:
        async with database.read() as connection:
            count, last = (await connection.execute(select(func.count(), func.max(at)))).one()
    finally:
        await database.close()
    if last is None:
        raise RuntimeError(f"{at.table} has no rows")
    return int(count), float(last.timestamp())
