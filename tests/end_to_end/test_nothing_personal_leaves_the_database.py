"""No address, name, line of a draft, reply text or secret in any history, log line or span."""

import base64
import json
import sqlite3
import subprocess
from collections.abc import Iterator

import pytest
from local_world import World, spec
from otlp_sink import OtlpSink, otlp_sink
from temporalio.client import Client

from client.campaigns import CampaignClient
from client.connection import connect
from domain.lead import NewLead

SENTINELS = {
    "address": "kimsentinel",
    "name": "Quillfeather",
    "company": "Sentinelworks",
    "draft line": "a line that only this draft has",
    "reply text": "replytextsentinel",
    "extra column": "extrasentinel",
    "postal address": "Sentinel Street",
}


def _people(count: int) -> list[NewLead]:
    return [
        NewLead(
            source_identity=f"kimsentinel{index}@example.com",
            email=f"kimsentinel{index}@example.com",
            name=f"Kim{index} Quillfeather",
            company="Sentinelworks",
            extra={"plan": "extrasentinel"},
            source="the list people.csv",
        )
        for index in range(count)
    ]


def _decoded(value: object) -> list[str]:
    """Every payload of a history in the clear, wherever in the document it stands."""
    if isinstance(value, dict):
        found = [text for part in value.values() for text in _decoded(part)]
        if isinstance(data := value.get("data"), str):
            found.append(base64.b64decode(data).decode(errors="replace"))
        return found
    if isinstance(value, list):
        return [text for part in value for text in _decoded(part)]
    return []


async def _history(temporal: Client, campaign_id: str) -> str:
    history = await temporal.get_workflow_handle(campaign_id).fetch_history()
    raw = history.to_json()
    return raw + "\n".join(_decoded(json.loads(raw)))


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpSink]:
    """Where workers hand their spans over."""
    with otlp_sink() as sink:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
        yield sink


def _stop(worker: subprocess.Popen[bytes]) -> None:
    """End a worker, which hands over what it has seen."""
    worker.terminate()
    assert worker.wait(30) == 0


async def test_histories_logs_and_spans_hold_ids_and_counts_only(
    world: World, monkeypatch: pytest.MonkeyPatch, sink: OtlpSink
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    secret = world.settings.secret()
    world.inbox.faults(
        {"at": "rcpt", "action": "reply", "code": 451, "text": "replytextsentinel try later", "first": 5},
        {"at": "reply", "action": "reply", "code": 554, "text": "replytextsentinel kimsentinel", "every": 40},
        {"at": "reply", "action": "drop", "every": 70},
    )
    campaign = spec()
    step = campaign.sequence[0].model_copy(update={"body": "Hello {{ lead.name }}, a line that only this draft has."})
    assert campaign.sender is not None
    sender = campaign.sender.model_copy(update={"postal_address": "1 Sentinel Street"})
    campaign = campaign.model_copy(update={"sequence": (step,), "sender": sender})
    worker = world.start_worker()
    async with world.client() as client:
        started = await client.create(campaign, _people(200))
        report = await client.result(started.campaign_id)
    _stop(worker)
    assert report.messages.failed
    assert report.messages.in_doubt
    assert report.relay_deferrals
    history = await _history(await connect(world.settings), started.campaign_id)
    assert '"campaign_id"' in history, "payloads are decoded"
    for what, sentinel in {**SENTINELS, "secret key": secret}.items():
        assert sentinel not in history, f"{what} in the history"
        assert sentinel not in world.log, f"{what} in the log"
        assert sentinel not in sink.text(), f"{what} in a span"
    assert {"smtp.session", "smtp.transaction", "RunActivity:write_report"} <= set(sink.names())


async def test_the_password_of_a_relay_that_refuses_it_is_in_no_history_log_or_span(
    world: World, monkeypatch: pytest.MonkeyPatch, sink: OtlpSink
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    inbox_port = world.inbox.smtp_url.rpartition(":")[2]
    monkeypatch.setenv("OUTRIDER_SMTP_URL", f"smtp://loginsentinel:passwordsentinel@127.0.0.1:{inbox_port}")
    worker = world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(connections=2), _people(5))
        async for progress in client.follow(started.campaign_id, every=0.2):
            if progress.waiting_for:
                break
    _stop(worker)
    assert "smtp.connect" in sink.names()
    history = await _history(await connect(world.settings), started.campaign_id)
    for sentinel in ("loginsentinel", "passwordsentinel"):
        assert sentinel not in history
        assert sentinel not in world.log
        assert sentinel not in progress.model_dump_json()
        assert sentinel not in sink.text()


async def test_an_error_that_quotes_a_person_is_recorded_without_the_quote(world: World, sink: OtlpSink) -> None:
    """A defect deep in an adapter must not carry values out: its text stays out of history, log and spans."""
    worker = world.start_worker()
    broken = '{"number": "kimsentinel is no number"}'
    async with world.client() as client:
        started = await _with_broken_row(client, world, broken)
        async for progress in client.follow(started, every=0.2):
            if "activity.failed" in world.log or progress.status == "failed":
                break
    history = await _history(await connect(world.settings), started)
    _stop(worker)
    assert "kimsentinel" not in history
    assert "kimsentinel" not in world.log
    assert "kimsentinel" not in sink.text()
    assert 'key: "error.type"' in sink.text()


async def _with_broken_row(client: CampaignClient, world: World, extra: str) -> str:
    """A campaign one of whose leads cannot be read back: its columns are no JSON object."""
    campaign = spec(window={"days": "mon-sun", "from": "00:00", "to": "24:00"})
    storage = client._storage
    await storage.campaigns.create("campaign-broken", campaign, _people(3), [])
    with sqlite3.connect(world.home / "outrider.db") as database:
        database.execute("UPDATE leads SET extra = ? WHERE number = 2", (f"[{extra}]",))
    database.close()
    await client.start("campaign-broken")
    return "campaign-broken"
