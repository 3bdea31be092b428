"""Everything that the collector receives, looked through for secrets and people; what processes log as well."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from campaign_script import carried_by_script
from collector import CONFIGURATION, Collector, collector
from databases import postgres_databases
from google.protobuf.json_format import MessageToJson
from jaeger import Jaeger
from local_github import LocalGitHub
from local_world import SHARED_KEY, World, new_world, people, searching, spec, until
from otlp_sink import OtlpSink, otlp_sink
from truth_table import truth

from client.adapters import migrate
from domain.campaign import CampaignSpec
from domain.ports import Campaign
from telemetry.metric_names import Metric
from telemetry.names import Attribute, Command, Tool

TOKENS = ("tokensentinelone", "tokensentineltwo")
SECRETS = {
    "OUTRIDER_GITHUB_TOKEN": ",".join(TOKENS),
    "OUTRIDER_MAILBOX_OTHER_SMTP_URL": "smtp://othersentinel:otherpassword@127.0.0.1:9",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=headersentinel",
}
DATABASE_PASSWORD = "databasesentinel"
RELAY = ("loginsentinel", "passwordsentinel")
WRITTEN = {"draft line": "a line that only this draft has", "address": "Sentinel Street", "reply": "replysentinel"}
PRIVATE = ("login", "name", "email", "company", "location", "id")
"""What the local GitHub knows of a person. Node ids are as private as logins: they lead to the person."""
TOOLS: set[str] = {
    *(Command.CREATE, Tool.GITHUB_GRAPHQL, Tool.LEDGER_CLAIM),
    *(Tool.SMTP_CONNECT, Tool.SMTP_SESSION, Tool.SMTP_TRANSACTION),
}
METRICS: set[str] = {Metric.MAILS, Metric.TOOL_CALLS, Metric.LEADS}
SHORTEST = 6
"""What is shorter may be part of a word of ours: it is looked for as a whole value."""

pytestmark = [pytest.mark.go_tools, pytest.mark.timeout(180)]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world whose database has a password."""
    with postgres_databases() as databases, databases.new() as url:
        known = url.replace("postgres@", f"postgres:{DATABASE_PASSWORD}@")
        assert known != url
        with new_world(tmp_path, database_url=known) as world:
            await migrate(world.settings)
            yield world


@pytest.fixture
def sink() -> Iterator[OtlpSink]:
    with otlp_sink() as sink:
        yield sink


@pytest.fixture
def watched(sink: OtlpSink, running_jaeger: Jaeger, tmp_path: Path) -> Iterator[Collector]:
    """A collector with the shipped pipelines, which hands all that goes through them to the sink too."""
    shipped = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))["service"]["pipelines"]
    also = {
        "exporters": {"otlp_http/seen": {"endpoint": sink.url, "compression": "none"}},
        "service": {
            "pipelines": {
                name: {"exporters": [*pipeline["exporters"], "otlp_http/seen"]} for name, pipeline in shipped.items()
            }
        },
    }
    with collector(tmp_path, running_jaeger.otlp_url, laid_over=yaml.safe_dump(also)) as running:
        yield running


def received(sink: OtlpSink) -> str:
    """All of it as JSON, in which a text stands as somebody wrote it, in small letters."""
    messages = [*sink.taken, *sink.measured]
    return "\n".join(MessageToJson(one, ensure_ascii=False, indent=None) for one in messages).casefold()


def says(text: str, value: str) -> bool:
    """Whether this is in the JSON."""
    wanted = json.dumps(value, ensure_ascii=False).casefold()
    return (wanted if len(value) < SHORTEST else wanted[1:-1]) in text


def sentinel_campaign() -> CampaignSpec:
    """A searched campaign whose own texts are known too."""
    campaign = searching(max_leads=150)
    step = campaign.sequence[0].model_copy(update={"body": f"Hello {{{{ lead.login }}}}, {WRITTEN['draft line']}."})
    assert campaign.sender is not None
    sender = campaign.sender.model_copy(update={"postal_address": f"1 {WRITTEN['address']}"})
    return campaign.model_copy(update={"sequence": (step,), "sender": sender})


def trouble(world: World, github: LocalGitHub) -> None:
    """Whoever is asked repeats secrets and names in what they answer."""
    quoted = {"action": "reply", "text": f"bad token {TOKENS[0]} {TOKENS[1]}"}
    github.faults(
        {**quoted, "status": 401, "operation": "Discover", "first": 1},
        {**quoted, "status": 500, "operation": "Enrich", "first": 2},
        {"action": "partial", "operation": "Enrich", "first": 3},
    )
    reply = {"action": "reply", "text": WRITTEN["reply"]}
    world.inbox.faults(
        {**reply, "at": "rcpt", "code": 451, "first": 5},
        {**reply, "at": "reply", "code": 554, "first": 1},
        {"at": "reply", "action": "drop", "every": 30},
    )


def private_values(github: LocalGitHub, campaign: Campaign) -> set[str]:
    """Everything about everybody who was looked at, and the repositories that they were found by."""
    found = truth(github, campaign)
    told = {one[name] for one in found for name in PRIVATE if one[name]}
    return told | {repository for one in found for repository in one["commits"]}


async def refused_by_its_relay(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that logs in where that cannot be done, until it says that it waits."""
    address = world.inbox.smtp_url.removeprefix("smtp://")
    monkeypatch.setenv("OUTRIDER_SMTP_URL", f"smtp://{':'.join(RELAY)}@{address}")
    worker = world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(connections=2), people(5))

        async def waits() -> bool:
            return bool((await client.progress(started.campaign_id)).waiting_for)

        await until(waits)
    worker.terminate()
    assert worker.wait(30) == 0


async def test_no_secret_and_nobody_is_in_what_the_collector_receives(
    world: World, watched: Collector, sink: OtlpSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    github = world.start_github("--people", "300", "--repositories", "200", "--focus", "0.5")
    environment: Mapping[str, str] = {
        **watched.environment,
        **SECRETS,
        "OUTRIDER_GITHUB_API_URL": github.url,
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        "LOG_LEVEL": "DEBUG",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    trouble(world, github)
    worker = world.start_worker()
    campaign_id = await carried_by_script(world, tmp_path, sentinel_campaign())
    worker.terminate()
    assert worker.wait(30) == 0
    async with world.client() as client:
        private = private_values(github, await client.get(campaign_id))
        report = await client.result(campaign_id)
    assert report.messages.failed
    assert report.messages.in_doubt
    assert report.relay_deferrals
    await refused_by_its_relay(world, monkeypatch)

    async def all_through() -> bool:
        return not (TOOLS - set(sink.names()) or METRICS - sink.metrics().keys())

    await until(all_through)
    seen = {
        "what the collector received": received(sink),
        "what Prometheus reads": watched.metrics().casefold(),
        "the collector's log": watched.log.read_text(encoding="utf-8").casefold(),
        "the workers' log": world.log.casefold(),
    }
    assert str(Attribute.LEAD_NUMBER) in seen["what the collector received"]
    assert len(private) > 300
    secrets = {*TOKENS, *RELAY, DATABASE_PASSWORD, SHARED_KEY, "headersentinel", "othersentinel", "otherpassword"}
    for where, text in seen.items():
        for value in {*secrets, *WRITTEN.values(), *private}:
            assert not says(text, value), f"{value} in {where}"
