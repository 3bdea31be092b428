"""However many people a search finds, its campaign's trace stays small enough to open; one lead's calls are found."""

import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from campaign_script import carried_by_script
from collector import Collector
from jaeger import Jaeger, Trace
from local_world import World, searching

LEADS = 10_000
MANY = ("--people", "31000", "--repositories", "15600", "--focus", "0.7")
UNLIMITED = ("--points-per-hour", "100000", "--no-secondary")
MOST_SPANS = 300
LONGEST_OPENING_SECONDS = 0.1
LONGEST_SEARCH_SECONDS = 1.0

pytestmark = [pytest.mark.go_tools, pytest.mark.timeout(180)]


def median_seconds(ask: Callable[[], object], times: int = 7) -> float:
    """How long an answer takes."""

    def once() -> float:
        began = time.perf_counter()
        ask()
        return time.perf_counter() - began

    return statistics.median(once() for _ in range(times))


async def test_the_trace_of_ten_thousand_leads_opens_at_once(
    world: World,
    running_jaeger: Jaeger,
    running_collector: Collector,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in running_collector.environment.items():
        monkeypatch.setenv(name, value)
    world.start_github(*MANY, *UNLIMITED)
    world.inbox.faults({"at": "rcpt", "action": "reply", "code": 451, "first": 1})
    worker = world.start_worker()
    campaign_id = await carried_by_script(world, tmp_path, searching())
    worker.terminate()
    assert worker.wait(30) == 0
    async with world.client() as client:
        progress = await client.progress(campaign_id)
        (late,) = [
            row["lead_number"] async for row in client.export(campaign_id, "events") if row["state"] == "deferred"
        ]
    assert sum(progress.leads.values()) > LEADS
    tags = {"campaign.id": campaign_id}

    def whole(jaeger: Jaeger) -> Trace | None:
        for trace in jaeger.traces("outrider-cli", tags=json.dumps(tags)):
            if any(span["operationName"] == "RunActivity:write_report" for span in trace["spans"]):
                return trace
        return None

    trace = running_jaeger.wait_for(whole)
    names = [span["operationName"] for span in trace["spans"]]
    assert names.count("RunActivity:enrich_leads") >= LEADS / 200, "all of it has arrived"
    assert len(trace["spans"]) < MOST_SPANS, Counter(names)

    assert median_seconds(lambda: running_jaeger.trace(trace["traceID"])) < LONGEST_OPENING_SECONDS
    number = json.dumps({**tags, "lead.number": str(late)})
    assert median_seconds(lambda: running_jaeger.traces("outrider-worker", tags=number)) < LONGEST_SEARCH_SECONDS
    ((call,),) = [
        [span for span in one["spans"] if {"key": "lead.number", "type": "int64", "value": late} in span["tags"]]
        for one in running_jaeger.traces("outrider-worker", tags=number)
    ]
    assert call["operationName"] == "smtp.transaction"
