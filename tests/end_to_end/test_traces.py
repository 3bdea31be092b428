"""What a trace shows of a campaign: from the command that started it to each call, once, and nothing of a person."""

import asyncio
import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from local_world import World, new_world, people, searching, sent_so_far, spec
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode
from seen_spans import SeenSpans, of, said, seen_spans
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from traced_world import working

from client.adapters import Ports, migrate
from client.campaigns import CampaignClient
from client.tracing import CampaignInterceptor
from domain.campaign import CampaignSpec, Stage
from domain.errors import Unreachable
from domain.lead import NewLead
from domain.ports import Reports
from domain.report import CampaignReport
from telemetry import tracing
from telemetry.names import Attribute, Command, Tool
from worker.build import workflow_runner
from workflows.campaign import CampaignWorkflow

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "traces.md").read_text(encoding="utf-8")
CAMPAIGN = """\
campaign.create
  campaign.start
    StartWorkflow:CampaignWorkflow
      CompleteWorkflow:CampaignWorkflow
      RunActivity:draft_messages
      RunActivity:plan_campaign
      RunActivity:send_messages
      RunActivity:write_report
      RunWorkflow:CampaignWorkflow"""
WINDOWED = set(Stage) - {Stage.PLANNING, Stage.REPORTING}
DRAFTS = "window.personalization"
MAILS = """\
window.sending
  ledger.claim
  smtp.connect
  smtp.session"""


@pytest.fixture
def spans() -> Iterator[SeenSpans]:
    with seen_spans() as seen:
        yield seen


async def carried(client: CampaignClient, given: CampaignSpec, leads: Sequence[NewLead]) -> str:
    """A campaign from its start to its end."""
    started = await client.create(given, leads)
    await client.result(started.campaign_id)
    return started.campaign_id


async def ended(temporal: Client, campaign_id: str) -> None:
    """Until its workflow has ended too: the rows say so a moment earlier."""
    await temporal.get_workflow_handle(campaign_id).result()


def drawn(spans: SeenSpans) -> list[str]:
    """All traces, without the statements that are slow on a busy machine."""
    trees = ["\n".join(line for line in tree if Tool.DATABASE_STATEMENT not in line) for tree in spans.trees().values()]
    return [tree for tree in trees if tree]


def linked(span: ReadableSpan) -> list[tuple[int, str]]:
    """The spans that it links to, and what they are called."""
    return [(link.context.span_id, str((link.attributes or {})[Attribute.LINK])) for link in span.links]


@pytest.mark.parametrize("cached", [1000, 0], ids=["cached", "replayed at every task"])
async def test_the_whole_tree_of_a_small_campaign(world: World, spans: SeenSpans, cached: int) -> None:
    async with working(world, max_cached_workflows=cached) as temporal, world.client() as client:
        campaign_id = await carried(client, spec(connections=1), people(5))
        await ended(temporal, campaign_id)
    assert drawn(spans) == [CAMPAIGN, DRAFTS, MAILS]
    (session,) = spans.named(Tool.SMTP_SESSION)
    assert said(session) == {
        "campaign.id": campaign_id,
        "stage": "sending",
        "window": "1-5",
        "attempt": 1,
        "tool.provider": "smtp",
        "tool.operation": "session",
        "outcome": "ok",
        "mails": 5,
        "mails.ok": 5,
    }


async def test_an_attempt_and_its_window_link_to_each_other(world: World, spans: SeenSpans) -> None:
    async with working(world), world.client() as client:
        campaign_id = await carried(client, spec(), people(250))
    roots = {of(span).span_id: span for span in spans.all() if span.name.startswith("window.")}
    attempts = {of(span).span_id: span for span in spans.all() if span.name.startswith("RunActivity:")}
    assert {said(root)["window"] for root in roots.values()} >= {"1-50", "51-150", "151-250"}
    for span_id, root in roots.items():
        ((attempt_id, kind),) = linked(root)
        assert kind == "activity"
        assert linked(attempts[attempt_id]) == [(span_id, "window")]
        assert root.parent is None
        assert said(root).items() <= said(attempts[attempt_id]).items()
    assert len(roots) == len({of(root).trace_id for root in roots.values()}), "a trace for each window"
    assert {said(one)["campaign.id"] for one in attempts.values()} == {campaign_id}


async def test_replay_adds_no_span(world: World, spans: SeenSpans) -> None:
    async with working(world) as temporal, world.client() as client:
        campaign_id = await carried(client, spec(), people(5))
        await ended(temporal, campaign_id)
        history = await temporal.get_workflow_handle(campaign_id).fetch_history()
    before = len(spans.all())
    tracer = tracing.tracer()
    assert tracer is not None
    replayer = Replayer(
        workflows=[CampaignWorkflow],
        workflow_runner=workflow_runner(),
        data_converter=pydantic_data_converter,
        interceptors=[CampaignInterceptor(tracer)],
    )
    await replayer.replay_workflow(history)
    assert before > 5
    assert len(spans.all()) == before


class ForgetfulReports:
    """Fails at the first time."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._asked = 0
        self.keep = reports.keep

    async def read(self, campaign_id: str) -> CampaignReport:
        self._asked += 1
        if self._asked == 1:
            raise Unreachable("the database of kim@example.com is away")
        return await self._reports.read(campaign_id)


async def test_a_retried_attempt_is_a_span_of_its_own(world: World, spans: SeenSpans) -> None:
    def forgetful(ports: Ports) -> Ports:
        return dataclasses.replace(ports, reports=ForgetfulReports(ports.reports))

    async with working(world, changed=forgetful) as temporal, world.client() as client:
        campaign_id = await carried(client, spec(), people(3))
        await ended(temporal, campaign_id)
    first, second = spans.named("RunActivity:write_report")
    assert (said(first)["attempt"], said(second)["attempt"]) == (1, 2)
    assert (first.status.status_code, second.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)
    assert said(first)["error.type"] == "Unreachable"
    assert of(first).trace_id == of(second).trace_id
    assert first.parent == second.parent, "siblings"
    assert "kim@example.com" not in spans.texts()


async def test_pauses_and_new_runs_stay_in_the_trace(tmp_path: Path, spans: SeenSpans) -> None:
    flags = ("--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=40")
    with new_world(tmp_path, *flags) as world:
        await migrate(world.settings)
        world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.02})
        async with working(world) as temporal, world.client() as client:
            started = await client.create(spec(connections=20), people(1_500))
            await sent_so_far(client, started.campaign_id, 100)
            await client.pause(started.campaign_id, "kim@example.com asked for it")
            await client.resume(started.campaign_id)
            handle = temporal.get_workflow_handle(started.campaign_id)
            await handle.signal("pause", args=["look", "dana"])
            await handle.signal("resume")
            await client.result(started.campaign_id)
            await ended(temporal, started.campaign_id)
    (begin,) = spans.named("campaign.create")
    campaign = of(begin).trace_id
    inside = {span.name for span in spans.all() if of(span).trace_id == campaign}
    assert len(spans.named("RunWorkflow:CampaignWorkflow")) > 1
    strangers = [
        span.name
        for span in spans.all()
        if span.name.startswith(("RunWorkflow", "RunActivity", "Handle", "Validate", "CompleteWorkflow"))
        and of(span).trace_id != campaign
    ]
    assert strangers == []
    assert {"HandleUpdate:pause", "HandleUpdate:resume", "HandleSignal:pause", "HandleSignal:resume"} <= inside
    (paused,) = spans.named("campaign.pause")
    (handled,) = spans.named("HandleUpdate:pause")
    assert of(paused).trace_id != campaign
    assert [link.context.trace_id for link in handled.links] == [of(paused).trace_id]
    assert "kim@example.com" not in spans.texts()
    assert "QueryWorkflow" not in spans.texts(), "screens ask twice a second"


async def test_what_was_not_simply_accepted_has_a_span(world: World, spans: SeenSpans) -> None:
    world.inbox.faults(
        {
            "at": "rcpt",
            "action": "reply",
            "code": 550,
            "enhanced": "5.1.1",
            "text": "No kim here",
            "recipient": "*n2@*",
        },
        {"at": "rcpt", "action": "reply", "code": 451, "text": "Later, kim", "recipient": "*n3@*", "first": 1},
        {"at": "reply", "action": "drop", "recipient": "*n4@*", "first": 1},
        {"at": "data", "action": "drop", "recipient": "*n5@*", "first": 1},
    )
    async with working(world), world.client() as client:
        campaign_id = await carried(client, spec(connections=1), people(6))
        rows = [row async for row in client.export(campaign_id, "events")]
    mails = {said(span)["lead.number"]: span for span in spans.named(Tool.SMTP_TRANSACTION)}
    known = ("outcome", "smtp.phase", "smtp.reply_code", "smtp.enhanced_code")
    assert {number: tuple(said(span).get(name) for name in known) for number, span in sorted(mails.items())} == {
        2: ("refused", "recipient", 550, "5.1.1"),
        3: ("retry", "recipient", 451, None),
        4: ("unknown", "content", None, None),
        5: ("failed", "data", None, None),
    }
    errors = {number for number, span in mails.items() if span.status.status_code is StatusCode.ERROR}
    assert errors == {2, 4, 5}
    assert "kim" not in spans.texts()
    sessions = spans.named(Tool.SMTP_SESSION)
    assert sum(said(span).get("mails.ok", 0) for span in sessions) == 4
    assert sum(said(span)["mails"] for span in sessions) == 8, "and two that were tried again"
    # Each event says where it happened.
    traces = {f"{of(span).trace_id:032x}" for span in spans.all() if span.name.startswith("window.")}
    assert {row["trace_id"] for row in rows} == traces
    here = {f"{of(span).span_id:016x}" for span in spans.all()}
    assert {row["span_id"] for row in rows} <= here
    at = {row["span_id"] for row in rows if row["state"] == "transmitting"}
    assert at == {f"{of(span).span_id:016x}" for span in sessions if said(span)["mails"]}


async def test_a_search_shows_each_request_and_what_it_cost(world: World, spans: SeenSpans) -> None:
    github = world.start_github("--people", "300", "--repositories", "200")
    async with working(world), world.client() as client:
        campaign_id = await carried(client, searching(max_leads=40), [])
        leads = [row async for row in client.export(campaign_id, "leads")]
    requests = spans.named(Tool.GITHUB_GRAPHQL)
    assert {said(span)["github.query"] for span in requests} >= {"discover", "enrich"}
    assert all(said(span)["http.response.status_code"] == 200 for span in requests)
    assert sum(said(span)["github.points"] for span in requests) > 0
    assert {said(span)["stage"] for span in requests} == {"discovery", "enrichment"}
    texts = spans.texts()
    assert github.url not in texts
    for row in leads:
        for private in (row["login"], row["email"], row["name"]):
            assert not private or f'"{private}' not in texts
            assert len(private or "") < 5 or private not in texts


def first_column(section: str) -> set[str]:
    """The names in the first column of a table of the page."""
    rows = re.findall(r"(?m)^\| (`.*?) \|", PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0])
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_the_reference_lists_every_name_and_no_other() -> None:
    of_temporal = {name for name in first_column("Spans") if name.endswith(":…")}
    assert first_column("Spans") - of_temporal == {*Tool, *Command, *(f"window.{stage}" for stage in WINDOWED)}
    assert {name for name in first_column("Attributes") if not name.startswith("temporal")} == {*Attribute}


async def test_every_name_is_in_the_reference(world: World, spans: SeenSpans) -> None:
    world.inbox.faults({"at": "rcpt", "action": "reply", "code": 451, "recipient": "*n3@*", "first": 1})
    world.start_github("--people", "300", "--repositories", "200")
    async with working(world), world.client() as client:
        await carried(client, searching(max_leads=20), [])
        started = await client.create(spec(review={"mode": "all"}), people(4))
        await asyncio.sleep(1)
        await client.pause(started.campaign_id)
        await client.resume(started.campaign_id)
        await client.approve(started.campaign_id)
        await client.result(started.campaign_id)
    listed = {re.sub(r"…$", "", name) for name in re.findall(r"`([^`]+)`", PAGE)}
    unknown = {
        name
        for span in spans.all()
        for name in (re.sub(r"^(\w+:).*", r"\1", span.name), *said(span))
        if name not in listed
    }
    assert unknown == set()
