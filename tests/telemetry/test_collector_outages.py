"""A collector that is not there, stands still or comes back: no campaign notices, and no process waits for it."""

import asyncio
import itertools
import json
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from collector import Collector, collector
from free_ports import free_ports
from jaeger import Jaeger
from local_world import World, people, spec

from client.campaigns import CampaignClient

LEADS = 600
ROUNDS = 5
SLOWER_AT_MOST = 1.25
"""Of the medians. What a collector's absence costs is measured elsewhere; here is held that nothing waits for it."""
LONGEST_END_SECONDS = 4.0
"""Three for the collector, the rest for a worker that has nothing in hand, on a machine that is busy."""

_numbers = itertools.count(1)

pytestmark = [pytest.mark.go_tools, pytest.mark.timeout(180)]


@pytest.fixture(params=["grpc", "http/protobuf"])
def place_of_a_collector(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Where workers look for a collector, and what makes one listen there."""
    ports = dict(zip(("COLLECTOR_GRPC_PORT", "COLLECTOR_HTTP_PORT"), map(str, free_ports(2)), strict=True))
    wanted = ports["COLLECTOR_GRPC_PORT" if request.param == "grpc" else "COLLECTOR_HTTP_PORT"]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{wanted}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", request.param)
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "1000")
    return ports


@contextmanager
def frozen(collector: Collector) -> Iterator[None]:
    """It takes connections and says nothing."""
    os.kill(collector.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(collector.pid, signal.SIGCONT)


async def started(client: CampaignClient) -> str:
    """A campaign to people who have got no mail yet."""
    number = next(_numbers)
    return (await client.create(spec(), people(number * LEADS)[-LEADS:])).campaign_id


async def carried(client: CampaignClient) -> str:
    """A campaign from its start to its end."""
    campaign_id = await started(client)
    report = await client.result(campaign_id)
    assert report.messages.sent == LEADS
    return campaign_id


async def seconds_of(client: CampaignClient) -> float:
    """By the rows: whoever waits for the end looks for it twice a second."""
    progress = await client.progress(await carried(client))
    assert progress.started_at is not None
    assert progress.finished_at is not None
    return (progress.finished_at - progress.started_at).total_seconds()


async def end_of(worker: "subprocess.Popen[bytes]") -> float:
    """The seconds from SIGTERM to the end."""
    began = time.monotonic()
    worker.terminate()
    assert await asyncio.to_thread(worker.wait, 30) == 0
    return time.monotonic() - began


def arrived(jaeger: Jaeger, campaign_id: str) -> bool:
    """Whether the end of a campaign is in Jaeger."""
    tags = json.dumps({"campaign.id": campaign_id})
    return bool(jaeger.traces("outrider-worker", operation="RunActivity:write_report", tags=tags))


@pytest.mark.usefixtures("place_of_a_collector")
async def test_a_collector_that_is_never_there(world: World) -> None:
    worker = world.start_worker()
    async with world.client() as client:
        await carried(client)
    assert await end_of(worker) < LONGEST_END_SECONDS
    assert "Traceback" not in world.log


async def test_a_collector_that_stands_still_slows_nothing_down(
    world: World, running_jaeger: Jaeger, tmp_path: Path, place_of_a_collector: Mapping[str, str]
) -> None:
    there: list[float] = []
    away: list[float] = []
    with collector(tmp_path, running_jaeger.otlp_url, place_of_a_collector) as running:
        worker = world.start_worker()
        async with world.client() as client:
            first = await carried(client)
            assert running_jaeger.wait_for(lambda jaeger: arrived(jaeger, first))
            for _ in range(ROUNDS):
                there.append(await seconds_of(client))
                with frozen(running):
                    away.append(await seconds_of(client))
            last = await carried(client)
            assert running_jaeger.wait_for(lambda jaeger: arrived(jaeger, last), seconds=60)
            with frozen(running):
                await carried(client)
                assert await end_of(worker) < LONGEST_END_SECONDS
    assert statistics.median(away) < SLOWER_AT_MOST * statistics.median(there), (there, away)


async def test_spans_arrive_again_at_a_collector_that_was_killed(
    world: World, running_jaeger: Jaeger, tmp_path: Path, place_of_a_collector: Mapping[str, str]
) -> None:
    worker = world.start_worker()
    async with world.client() as client:
        with collector(tmp_path, running_jaeger.otlp_url, place_of_a_collector) as running:
            first = await carried(client)
            assert running_jaeger.wait_for(lambda jaeger: arrived(jaeger, first))
            under_way = await started(client)
            os.kill(running.pid, signal.SIGKILL)
            await client.result(under_way)
        await carried(client)
        with collector(tmp_path, running_jaeger.otlp_url, place_of_a_collector):
            last = await carried(client)
            assert running_jaeger.wait_for(lambda jaeger: arrived(jaeger, last), seconds=60)
            assert await end_of(worker) < LONGEST_END_SECONDS
