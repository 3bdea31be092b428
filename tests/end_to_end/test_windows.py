"""Nothing leaves outside the window or after the last day."""

import asyncio
from datetime import UTC, datetime, timedelta

from local_world import World, people, spec

from domain.campaign.values import WEEKDAYS


async def test_outside_the_window_nothing_leaves_and_the_wait_says_until_when(world: World) -> None:
    opens = datetime.now(UTC) + timedelta(days=3)
    window = {"days": WEEKDAYS[opens.weekday()], "from": "00:00", "to": "24:00", "timezone": "UTC"}
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(window=window), people(20))
        async for progress in client.follow(started.campaign_id, every=0.1):
            if progress.waiting_for:
                break
        await asyncio.sleep(2)
        messages = (await client.progress(started.campaign_id)).messages
    assert progress.status == "waiting"
    assert progress.waiting_for[0].reason == "window_closed"
    assert progress.waiting_for[0].until == opens.replace(hour=0, minute=0, second=0, microsecond=0)
    assert messages.scheduled == 20
    assert world.inbox.counts()["connections_total"] == 0


async def test_after_the_last_day_what_has_not_left_is_skipped_and_listed(world: World) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=2)).date()
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(not_after=yesterday.isoformat()), people(20))
        report = await client.result(started.campaign_id)
    assert report.leads == {"skipped:not_after": 20}
    assert report.adds_up
    assert world.inbox.counts()["connections_total"] == 0
