"""A campaign's spans as somebody looks for them in Jaeger: by campaign, stage, lead and error, all parts being real."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from campaign_script import carried_by_script
from collector import Collector
from jaeger import Jaeger, Trace
from local_world import World, people, searching, spec

from domain.campaign import Stage

WORKER = "outrider-worker"
SCRIPT = "outrider-cli"
STAGES = [Stage.DISCOVERY, Stage.ENRICHMENT, Stage.PERSONALIZATION, Stage.SENDING]

pytestmark = [pytest.mark.go_tools, pytest.mark.timeout(120)]

Span = dict[str, Any]
Attempt = tuple[str, str, int]
"""Stage, window, number of the attempt."""


def said(span: Span) -> dict[str, Any]:
    """The attributes of a span."""
    return {tag["key"]: tag["value"] for tag in span["tags"]}


def found(jaeger: Jaeger, service: str = WORKER, **tags: str) -> dict[str, Trace]:
    """What the search page shows for these tags, by trace id; `_` stands for the point in their names."""
    asked = json.dumps({name.replace("_", "."): value for name, value in tags.items()})
    return {trace["traceID"]: trace for trace in jaeger.traces(service, limit=1000, tags=asked)}


def spans(traces: Iterable[Trace], **wanted: str) -> list[Span]:
    """Those that say all of this; `_` as above."""
    asked = {name.replace("_", "."): value for name, value in wanted.items()}
    return [span for trace in traces for span in trace["spans"] if asked.items() <= texts(span).items()]


def texts(span: Span) -> dict[str, str]:
    """Attributes as a search spells them."""
    return {name: str(value).lower() if value is True else str(value) for name, value in said(span).items()}


def attempts(traces: Iterable[Trace], begins: str) -> dict[Attempt, list[Span]]:
    """The attempts that spans of such a name tell of: a slice that was put aside is begun again, with attempt 1."""
    told: dict[Attempt, list[Span]] = {}
    for span in (span for trace in traces for span in trace["spans"] if span["operationName"].startswith(begins)):
        about = said(span)
        if "window" in about:
            told.setdefault((about["stage"], about["window"], about["attempt"]), []).append(span)
    return told


async def ended(world: World, directory: Path) -> str:
    """A searched campaign with trouble on its way, carried by a script and a worker that have both ended."""
    github = world.start_github("--people", "300", "--repositories", "200", "--focus", "0.5")
    github.faults({"action": "reply", "status": 500, "operation": "Enrich", "first": 1})
    world.inbox.faults({"at": "rcpt", "action": "reply", "code": 550, "enhanced": "5.1.1", "every": 25})
    worker = world.start_worker()
    campaign_id = await carried_by_script(world, directory, searching(max_leads=150))
    await carried_by_script(world, directory, spec(), people(10))  # somebody else's, with the same lead numbers
    worker.terminate()
    assert worker.wait(30) == 0
    return campaign_id


async def test_spans_are_found_by_campaign_stage_lead_and_error(
    world: World,
    running_jaeger: Jaeger,
    running_collector: Collector,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in running_collector.environment.items():
        monkeypatch.setenv(name, value)
    campaign_id = await ended(world, tmp_path)
    async with world.client() as client:
        events = [row async for row in client.export(campaign_id, "events")]
    refused = {row["lead_number"]: row for row in events if row["state"] == "failed"}
    assert refused

    # By campaign: the trace of the script that started it, and the trace of each attempt at a window.
    def all_there(jaeger: Jaeger) -> bool:
        (begun,) = found(jaeger, SCRIPT, campaign_id=campaign_id).values() or [{"spans": []}]
        told = attempts([begun], "RunActivity:")
        seen = attempts(found(jaeger, campaign_id=campaign_id).values(), "window.")
        return bool(told) and {each: len(told[each]) for each in told} == {each: len(seen[each]) for each in seen}

    running_jaeger.wait_for(all_there)
    (campaign,) = found(running_jaeger, SCRIPT, campaign_id=campaign_id).values()
    assert {process["serviceName"] for process in campaign["processes"].values()} == {SCRIPT, WORKER}
    assert {"campaign.create", "RunWorkflow:CampaignWorkflow", "RunActivity:write_report"} <= {
        span["operationName"] for span in campaign["spans"]
    }
    everything = found(running_jaeger, campaign_id=campaign_id)
    windows = {trace_id: trace for trace_id, trace in everything.items() if trace_id != campaign["traceID"]}
    assert campaign["traceID"] in everything
    assert len(spans(windows.values())) == len(spans(windows.values(), campaign_id=campaign_id)), "nobody else's"
    firsts = attempts(windows.values(), "window.")
    for attempt, activities in attempts([campaign], "RunActivity:").items():
        linked = {one["traceID"] for activity in activities for one in activity["references"]}
        assert linked - {campaign["traceID"]} == {first["traceID"] for first in firsts[attempt]}, "links to the windows"
        for first in firsts[attempt]:
            assert campaign["traceID"] in {one["traceID"] for one in first["references"]}, "a link back"

    # By stage.
    assert {said(span)["stage"] for span in spans(windows.values())} == set(STAGES)
    for stage in STAGES:
        at_it = found(running_jaeger, campaign_id=campaign_id, stage=stage).keys() - {campaign["traceID"]}
        assert at_it == {span["traceID"] for span in spans(windows.values(), stage=stage)}
        assert at_it

    # By lead number: the trace that the ledger names.
    for number, event in refused.items():
        ((trace_id, trace),) = found(running_jaeger, campaign_id=campaign_id, lead_number=str(number)).items()
        assert trace_id == event["trace_id"]
        (call,) = spans([trace], lead_number=str(number))
        assert (call["operationName"], said(call)["smtp.reply_code"]) == ("smtp.transaction", 550)
    assert found(running_jaeger, campaign_id=campaign_id, lead_number="9999") == {}

    # By error: what the relay refused, and what GitHub did not do. Jaeger shows both in red; it cannot search for that.
    for outcome, provider, told in (("refused", "smtp", refused.keys()), ("failed", "github", {None})):
        in_error = spans(found(running_jaeger, campaign_id=campaign_id, outcome=outcome).values(), outcome=outcome)
        assert {said(span).get("lead.number") for span in in_error} == told
        assert {said(span)["tool.provider"] for span in in_error} == {provider}
        assert all(said(span)["error"] for span in in_error)
        assert {span["spanID"] for span in spans(windows.values(), error="true", tool_provider=provider)} == {
            span["spanID"] for span in in_error
        }
