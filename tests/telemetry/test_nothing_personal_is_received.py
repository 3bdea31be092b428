"""Everything that the collector receives, looked through for secrets and people; what processes log as well."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import httpx
import pytest
import raw_rows
import yaml
from campaign_script import LIST, SPEC, carried_by_script, write
from collector import CONFIGURATION, Collector, collector
from command_line import CommandLine
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
WRITTEN |= {"reason": "reasonsentinel", "no campaign": "typedsentinel@example.com"}
PRIVATE = ("login", "name", "email", "company", "location", "id")
"""What the local GitHub knows of a person. Node ids are as private as logins: they lead to the person."""
TOOLS: set[str] = {
    *(Command.CREATE, Command.PAUSE, Command.RETRY, Tool.GITHUB_GRAPHQL, Tool.LEDGER_CLAIM),
    *(Tool.SMTP_CONNECT, Tool.SMTP_SESSION, Tool.SMTP_TRANSACTION),
}
SERVICES = {"outrider-cli", "outrider-web", "outrider-worker"}
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


async def opted_out(world: World, campaign_id: str) -> str:
    """Somebody opts out while the database is slow, and the page's process ends; returns what their link carried."""
    page = world.start_worker("-m", "web", "--port", "0")
    said = re.compile(r'"web\.started".*"port": (\d+)')

    async def listens() -> bool:
        return said.search(world.log) is not None

    await until(listens)
    (port,) = said.findall(world.log)
    database = world.settings.database()
    link = raw_rows.rows(database, "SELECT opt_out_token FROM leads WHERE campaign_id = ? AND number = 1", campaign_id)
    token: str = link[0]["opt_out_token"]
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        with raw_rows.other_writer(database):
            asked = asyncio.create_task(http.post(f"http://127.0.0.1:{port}/u/{token}"))
            await asyncio.sleep(0.5)
            assert not asked.done()
        assert (await asked).status_code == httpx.codes.OK
    page.terminate()
    assert page.wait(30) == 0
    return token


async def commanded(world: World, directory: Path, *arguments: str) -> tuple[str, str]:
    """A command and what it prints: its output, which is for whoever asked, and its log."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("OUTRIDER_")}
    outrider = CommandLine(directory, world.home)
    ended = await asyncio.to_thread(outrider, *arguments, **(ours | world.environment))
    return ended.stdout, ended.stderr


async def refused_by_its_relay(world: World, directory: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A worker that logs in where that cannot be done, and somebody at a keyboard; returns what the commands log."""
    address = world.inbox.smtp_url.removeprefix("smtp://")
    monkeypatch.setenv("OUTRIDER_SMTP_URL", f"smtp://{':'.join(RELAY)}@{address}")
    worker = world.start_worker()
    write(directory, spec(connections=2), people(5))
    started, log = await commanded(world, directory, "run", SPEC, "--leads", LIST, "--detach", "--json")
    campaign_id = json.loads(started)["campaign_id"]
    async with world.client() as client:

        async def waits() -> bool:
            return bool((await client.progress(campaign_id)).waiting_for)

        await until(waits)
    for arguments in (
        ("show", campaign_id, "--lead", "1"),
        ("pause", campaign_id, "--reason", WRITTEN["reason"]),
        ("cancel", campaign_id, "--reason", WRITTEN["reason"]),
    ):
        output, said = await commanded(world, directory, *arguments)
        assert output, said
        log += said
    await commanded(world, directory, "retry", WRITTEN["no campaign"])  # it answers with what was typed
    worker.terminate()
    assert worker.wait(30) == 0
    return log


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
    token = await opted_out(world, campaign_id)
    log = await refused_by_its_relay(world, tmp_path, monkeypatch)

    async def all_through() -> bool:
        return not (TOOLS - set(sink.names()) or METRICS - sink.metrics().keys() or SERVICES - sink.services())

    await until(all_through)
    seen = {
        "what the collector received": received(sink),
        "what Prometheus reads": watched.metrics().casefold(),
        "the collector's log": watched.log.read_text(encoding="utf-8").casefold(),
        "the log of workers and page": world.log.casefold(),
        "the commands' log": log.casefold(),
    }
    assert str(Attribute.LEAD_NUMBER) in seen["what the collector received"]
    assert len(private) > 300
    secrets = {*TOKENS, *RELAY, DATABASE_PASSWORD, SHARED_KEY, token}
    secrets |= {"headersentinel", "othersentinel", "otherpassword"}
    private |= {value for one in people(5) for value in (one.email, one.name)}
    for where, text in seen.items():
        for value in {*secrets, *WRITTEN.values(), *private}:
            assert not says(text, value), f"{value} in {where}"
