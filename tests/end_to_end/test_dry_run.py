"""A rehearsal: the same ledger and report, and not one connection to the outside."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from local_world import World, people, spec

from client.spec_file import template_of_leads, template_of_new_spec
from client.specs import prepare
from domain.campaign.values import WEEKDAYS

LISTENING_WORKER = str(Path(__file__).with_name("listening_worker.py"))


async def test_a_dry_run_makes_no_outbound_connection(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTRIDER_SMTP_URL", "smtp://dana:password@relay.example.com:587")
    heard = world.home / "heard.txt"
    world.start_worker(LISTENING_WORKER, str(heard))
    async with world.client() as client:
        started = await client.create(spec().model_copy(update={"dry_run": True}), people(200))
        report = await client.result(started.campaign_id)
        again = await client.create(spec().model_copy(update={"dry_run": True}), people(200))
        leads = (await client.result(again.campaign_id)).leads
    assert report.adds_up
    assert report.messages.sent == 200
    assert "rehearsal" in report.as_markdown()
    assert heard.read_text() == ""
    assert world.inbox.counts()["connections_total"] == 0
    assert leads == {"contacted": 200}, "nobody counts as contacted by a rehearsal"


async def test_a_dry_run_waits_for_no_window(world: World, tmp_path: Path) -> None:
    closed = WEEKDAYS[(datetime.now(UTC) + timedelta(days=3)).weekday()]
    campaign = tmp_path / "campaign.yaml"
    campaign.write_text(template_of_new_spec().replace("days: mon-fri", f"days: {closed}"), encoding="utf-8")
    campaign.with_name("leads.csv").write_text(template_of_leads(), encoding="utf-8")
    prepared = prepare(str(campaign), dry_run=True)
    world.start_worker()
    async with world.client() as client:
        started = await client.create(prepared.spec, prepared.new_leads())
        report = await client.result(started.campaign_id)
    assert report.leads == {"contacted": 2}
    assert world.inbox.counts()["connections_total"] == 0
    assert prepare(str(campaign)).spec.sending.window.days == closed, "a real run waits for it"


async def test_the_listener_hears_a_real_run(world: World) -> None:
    """The proof above is worth something only if it would have heard."""
    heard = world.home / "heard.txt"
    world.start_worker(LISTENING_WORKER, str(heard))
    async with world.client() as client:
        started = await client.create(spec(), people(20))
        await client.result(started.campaign_id)
    assert "socket.connect ('127.0.0.1'" in heard.read_text()
