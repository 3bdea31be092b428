"""The delivered mail: headers, both parts, the footer, and an opt-out that works before the next mail."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import httpx
import pytest
from local_world import World, free_port, people, spec, wait_until_listening

from domain.campaign import Exclude


@pytest.fixture
def web(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The opt-out page in its own process, at the address that mails will name."""
    port = free_port()
    monkeypatch.setenv("OUTRIDER_HOME", str(world.home))
    monkeypatch.setenv("OUTRIDER_PUBLIC_URL", f"http://127.0.0.1:{port}")
    with (world.home / "web.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "web", "--port", str(port)], stdout=log, stderr=log)
    wait_until_listening(port)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


def _delivered(world: World, recipient: str) -> EmailMessage:
    found = httpx.get(f"{world.inbox.http_url}/api/messages", params={"recipient": recipient}).json()["messages"]
    assert len(found) == 1
    source = httpx.get(f"{world.inbox.http_url}/api/messages/{found[0]['id']}/source").content
    mail = message_from_bytes(source, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


async def test_the_mail_is_whole_and_its_opt_out_stops_the_next_one(world: World, web: str) -> None:
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(list_id="news.example.com"), people(3))
        await client.result(started.campaign_id)
        mail = _delivered(world, "person2@example.com")
        link = str(mail["List-Unsubscribe"])[1:-1]
        answer = await asyncio.to_thread(httpx.post, link, content=b"List-Unsubscribe=One-Click")
        assert answer.status_code == 200
        audience = spec().audience.model_copy(update={"exclude": Exclude(contacted_within_days=0)})
        second = await client.create(spec().model_copy(update={"audience": audience}), people(3))
        leads = (await client.result(second.campaign_id)).leads
        outcomes = (await client.progress(started.campaign_id)).outcomes
    assert link.startswith(f"{web}/u/")
    assert leads == {"contacted": 2, "skipped:suppressed": 1}
    assert outcomes.unsubscribed == 1

    assert not mail.defects
    assert str(mail["From"]) == "Dana Rivers <news@example.com>"
    assert str(mail["To"]) == "person2@example.com"
    assert str(mail["Reply-To"]) == "dana@example.com"
    assert str(mail["Subject"]) == "News for Robin Example2"
    assert str(mail["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    assert "news.example.com" in str(mail["List-Id"])
    assert parsedate_to_datetime(str(mail["Date"])).tzinfo is not None
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    for part in (text.get_content(), html.get_content()):
        assert "Robin Example2" in part
        assert "1 Example Street, 12345 Example City" in part
        assert "people.csv" in part
        assert link in part


async def test_an_opt_out_in_the_middle_of_a_campaign_takes_effect_before_the_next_mail(world: World, web: str) -> None:
    world.inbox.faults({"at": "rcpt", "action": "reply", "code": 451, "recipient": "person1@example.com", "first": 1})
    world.start_worker()
    deferred = {"first": "3s", "longest": "3s", "give_up": "1m"}
    async with world.client() as client:
        started = await client.create(spec(deferred=deferred), people(2))
        async for progress in client.follow(started.campaign_id, every=0.05):
            if progress.messages.sent == 1 and progress.messages.deferred == 1:
                break
        drafts = {row["recipient"]: row["text"] async for row in client.export(started.campaign_id, "drafts")}
        link = next(word for word in drafts["person1@example.com"].split() if word.startswith(f"{web}/u/"))
        assert (await asyncio.to_thread(httpx.post, link)).status_code == 200
        report = await client.result(started.campaign_id)
    assert report.leads == {"contacted": 1, "skipped:suppressed": 1}
    assert [recipient for _, recipient in world.inbox.held()] == ["person2@example.com"]
