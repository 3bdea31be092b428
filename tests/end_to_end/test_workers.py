"""Several workers on one campaign: one may die or freeze, and the others go on."""

import asyncio
import json
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from frozen import freeze
from local_world import World, assert_promise, people, sent_so_far, spec, until
from otlp_sink import otlp_sink

from client.campaigns import CampaignClient
from client.connection import connect
from client.workers import workers

CONNECTIONS = 10
LEADS = 1_000
NEW_WORK = timedelta(seconds=8)
AS_PROCESS_1 = "import os, runpy; os.getpid = lambda: 1; runpy.run_module('worker', run_name='__main__')"
"""As in a container."""


async def all_work(world: World, client: CampaignClient, campaign_id: str, workers: int) -> None:
    """Until every worker has taken up a window of the campaign."""

    async def all_started() -> bool:
        return world.log.count("worker.started") >= workers

    await until(all_started)
    await sent_so_far(client, campaign_id, 100)


async def test_two_workers_one_killed(world: World) -> None:
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.1})
    doomed, _ = world.start_worker(), world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(connections=CONNECTIONS), people(LEADS))
        await all_work(world, client, started.campaign_id, 2)
        doomed.kill()
        await client.result(started.campaign_id)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=CONNECTIONS)
    assert progress.messages.sent + progress.messages.in_doubt == LEADS


async def test_two_workers_one_frozen_and_thawed(world: World) -> None:
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.1})
    frozen, _ = world.start_worker(), world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(connections=CONNECTIONS), people(LEADS))
        await all_work(world, client, started.campaign_id, 2)
        freeze(world, frozen)
        await asyncio.sleep(NEW_WORK.total_seconds())
        frozen.send_signal(signal.SIGCONT)
        await client.result(started.campaign_id)
        await asyncio.sleep(1)
        progress = await assert_promise(world, client, started.campaign_id, most_doubts=CONNECTIONS)
    assert progress.messages.sent + progress.messages.in_doubt == LEADS


async def test_after_a_kill_the_next_worker_has_new_work_within_seconds(world: World) -> None:
    """Every window is in the hands of the one that dies; the other has nothing until Temporal misses the heartbeat."""
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 1})
    doomed = world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(connections=CONNECTIONS), people(LEADS))
        await sent_so_far(client, started.campaign_id, 20)
        doomed.kill()
        killed_at = datetime.now(UTC)
        world.start_worker()

        async def begun_since() -> bool:
            begun = [row["at"] async for row in client.export(started.campaign_id, "events") if _begins(row)]
            return datetime.fromisoformat(max(begun)) > killed_at

        await until(begun_since)
        assert datetime.now(UTC) - killed_at < NEW_WORK
        world.inbox.faults()
        await client.result(started.campaign_id)
        await assert_promise(world, client, started.campaign_id, most_doubts=CONNECTIONS)


async def test_workers_with_the_same_process_number_and_host_are_told_apart(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with otlp_sink() as sink:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"{sink.url}/v1/metrics")
        started = [world.start_worker("-c", AS_PROCESS_1) for _ in range(2)]
        temporal = await connect(world.settings)

        async def both_poll() -> bool:
            return len(await workers(temporal)) == len(started)

        await until(both_poll)
        names = set(await workers(temporal))
        for worker in started:
            worker.terminate()
            assert worker.wait(30) == 0
    assert all(name.startswith("1@") for name in names)
    assert {json.loads(line)["worker_id"] for line in world.log.splitlines() if "worker.started" in line} == names
    assert sink.instances() == names


def _begins(event: dict[str, Any]) -> bool:
    return bool(event["state"] == "transmitting")
