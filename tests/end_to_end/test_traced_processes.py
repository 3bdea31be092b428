"""Scripts, workers and commands in one trace, and log lines that say in which: each its own process, over real OTLP.

The shipped collector and a real Jaeger are not here: what is shown is what leaves our processes.
"""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from campaign_script import LIST, SPEC, carried_by_script, write
from command_line import CommandLine
from local_world import World, people, spec, until
from otlp_sink import OtlpSink, otlp_sink

from client.campaigns import CampaignClient
from client.cli.entry import execute
from telemetry.names import Tool

FIRST = ["timestamp", "level", "event", "campaign_id"]
PAIRS = {"stage.waits": "stage.goes_on", "campaign.paused": "campaign.resumed"}

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpSink]:
    """Where every process that starts from now on hands its spans over."""
    with otlp_sink() as sink:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
        yield sink


def lines(world: World) -> list[dict[str, Any]]:
    """What the workers have logged."""
    return [json.loads(line) for line in world.log.splitlines()]


async def run(*arguments: str) -> None:
    """A command, in a thread: it has an event loop of its own."""
    assert await asyncio.to_thread(execute, arguments) == 0


def stop(worker: subprocess.Popen[bytes]) -> None:
    worker.terminate()
    assert worker.wait(30) == 0


async def test_a_script_begins_the_trace_that_its_worker_goes_on_with(
    world: World, sink: OtlpSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OUTRIDER_HOME", str(world.home))
    monkeypatch.chdir(tmp_path)
    worker = world.start_worker()
    campaign_id = await carried_by_script(world, tmp_path, spec(), people(120))
    stop(worker)

    traces = sink.traces()
    (campaign,) = [names for names in traces.values() if "outrider-cli campaign.create" in names]
    assert {
        "outrider-cli StartWorkflow:CampaignWorkflow",
        "outrider-worker RunWorkflow:CampaignWorkflow",
        "outrider-worker RunActivity:send_messages",
    } <= campaign
    assert not {name for name in campaign if "smtp" in name}, "those are in the traces of the windows"

    logged = lines(world)
    assert {line["trace_id"] for line in logged if "trace_id" in line} <= traces.keys()
    about = [line for line in logged if line.get("campaign_id") == campaign_id]
    assert about
    for line in about:
        assert list(line)[:4] == FIRST
        assert {"worker_id", "attempt", "trace_id", "span_id"} <= line.keys()
    assert len(logged) < 15, "no line for each person"

    await run("show", campaign_id, "--lead", "7", "--json")
    trace = json.loads(capsys.readouterr().out)["trace"]
    assert f"outrider-worker {Tool.SMTP_SESSION}" in traces[trace["trace_id"]]
    assert trace["url"] is None
    monkeypatch.setenv("OUTRIDER_JAEGER_URL", "http://127.0.0.1:16686/")
    await run("show", campaign_id, "--lead", "7")
    link = f"http://127.0.0.1:16686/trace/{trace['trace_id']}?uiFind={trace['span_id']}"
    assert link in capsys.readouterr().out
    await run("show", campaign_id)
    assert "http://127.0.0.1:16686/search?service=outrider-worker" in capsys.readouterr().out


async def test_a_command_begins_the_trace_that_a_worker_goes_on_with(
    world: World, sink: OtlpSink, tmp_path: Path
) -> None:
    write(tmp_path, spec(), people(5))
    worker = world.start_worker()
    carried = await asyncio.to_thread(CommandLine(tmp_path, world.home), "run", SPEC, "--leads", LIST)
    stop(worker)
    assert carried.returncode == 0, carried.stderr
    (campaign,) = [names for names in sink.traces().values() if "outrider-cli campaign.create" in names]
    assert {"outrider-worker RunWorkflow:CampaignWorkflow", "outrider-worker RunActivity:write_report"} <= campaign


async def test_waits_and_pauses_are_logged_with_their_ends(world: World) -> None:
    worker = world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(review={"mode": "all"}), people(3))

        async def waits() -> bool:
            return any(line["event"] == "stage.waits" for line in lines(world))

        await until(waits)
        await client.pause(started.campaign_id, "kim@example.com wants it")
        await client.resume(started.campaign_id)
        await client.approve(started.campaign_id)
        await client.result(started.campaign_id)
    stop(worker)
    logged = [line for line in lines(world) if line["event"] in {*PAIRS, *PAIRS.values()}]
    for began, over in PAIRS.items():
        events = [line["event"] for line in logged if line["event"] in (began, over)]
        assert events == [began, over] * (len(events) // 2), f"{began} and {over} by turns"
    (waited,) = [line for line in logged if line["event"] == "stage.waits"]
    assert (waited["campaign_id"], waited["stage"], waited["reason"]) == (started.campaign_id, "review", "review")
    assert "worker_id" in waited
    assert "kim" not in world.log


async def seconds_of(client: CampaignClient) -> float:
    """How long a campaign takes."""
    began = time.monotonic()
    started = await client.create(spec(), people(600))
    report = await client.result(started.campaign_id)
    assert report.messages.sent == 600
    return time.monotonic() - began


async def test_a_collector_that_is_slow_keeps_no_campaign_waiting(world: World, sink: OtlpSink) -> None:
    sink.delay = 30.0
    worker = world.start_worker()
    async with world.client() as client:
        assert await seconds_of(client) < sink.delay / 2
    began = time.monotonic()
    stop(worker)
    assert time.monotonic() - began < 10.0
    assert sink.taken == [], "it has not answered once"
