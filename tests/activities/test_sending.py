"""A window can be stopped at any moment: what is in hand is finished and recorded, the rest is given back."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from local_world import spec
from stored_campaigns import CAMPAIGN
from window_sender import Sender

from domain.message import Draft
from domain.outgoing import fingerprint_of
from domain.wire import HoldReason

SLOW = {"at": "reply", "action": "delay", "seconds": 0.3}


async def test_a_window_is_sent(sender: Sender) -> None:
    await sender.schedule(25, connections=5)
    result = await sender.send(1, 25)
    assert (result.counts, result.open, result.again_at, result.hold) == ({"done": 25}, 0, None, None)
    sender.assert_ledger_and_inbox_agree()


async def test_only_the_leads_of_the_window_are_sent(sender: Sender) -> None:
    await sender.schedule(10, connections=2)
    assert (await sender.send(4, 6)).counts == {"done": 3}
    assert sender.stored.states() == ["scheduled"] * 3 + ["sent"] * 3 + ["scheduled"] * 4


async def test_a_cancelled_window_finishes_and_records_the_mails_in_hand_and_reraises(sender: Sender) -> None:
    await sender.schedule(40, connections=4)
    sender.inbox.faults(SLOW)
    window = asyncio.create_task(sender.send(1, 40))
    await sender.arrived(at_least=6)
    sender.environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await window
    states = sender.stored.states()
    assert set(states) == {"sent", "scheduled"}
    assert 6 <= states.count("sent") <= 14, "each connection finished what it had in hand and took nothing more"
    sender.assert_ledger_and_inbox_agree()


async def test_a_second_cancellation_does_not_cut_the_mails_in_hand_either(sender: Sender) -> None:
    await sender.schedule(20, connections=4)
    sender.inbox.faults(SLOW)
    window = asyncio.create_task(sender.send(1, 20))
    await sender.arrived(at_least=1)
    for _ in range(3):
        window.cancel()
        await asyncio.sleep(0.02)
    with pytest.raises(asyncio.CancelledError):
        await window
    assert set(sender.stored.states()) == {"sent", "scheduled"}
    sender.assert_ledger_and_inbox_agree()


async def test_a_worker_that_shuts_down_gives_the_window_back_with_what_is_open(sender: Sender) -> None:
    await sender.schedule(40, connections=4)
    sender.inbox.faults(SLOW)
    window = asyncio.create_task(sender.send(1, 40))
    await sender.arrived(at_least=6)
    sender.environment.worker_shutdown()
    result = await window
    sent = sender.stored.states().count("sent")
    assert 6 <= sent <= 14
    assert (result.counts, result.open, result.hold) == ({"done": sent}, 40 - sent, None)
    assert set(sender.stored.states()) == {"sent", "scheduled"}
    sender.assert_ledger_and_inbox_agree()


async def test_a_relay_that_stays_away_longer_than_the_patience_is_a_hold_that_people_can_see(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.lanes._PATIENCE_SECONDS", 0.5)
    await sender.schedule(10, connections=3)
    sender.inbox.faults({"at": "connect", "action": "refuse_connections", "seconds": 60, "close_open": True})
    began = datetime.now(UTC)
    result = await sender.send(1, 10)
    assert datetime.now(UTC) - began > timedelta(seconds=0.5)
    assert (result.counts, result.open) == ({}, 10)
    assert result.hold is not None
    assert result.hold.reason is HoldReason.RELAY_UNREACHABLE
    assert sender.stored.states() == ["scheduled"] * 10
    assert {row["attempts"] for row in sender.stored.rows("SELECT attempts FROM messages")} == {0}
    waits = (await sender.stored.campaigns.get(CAMPAIGN)).waits
    assert waits is not None
    assert waits.reason is HoldReason.RELAY_UNREACHABLE


async def test_a_relay_that_comes_back_within_the_patience_costs_nobody_anything(sender: Sender) -> None:
    await sender.schedule(10, connections=3)
    sender.inbox.faults({"at": "connect", "action": "refuse_connections", "seconds": 1, "close_open": True})
    result = await sender.send(1, 10)
    assert (result.counts, result.hold) == ({"done": 10}, None)
    sender.assert_ledger_and_inbox_agree()


async def test_waits_grow_with_holds_in_a_row_up_to_five_minutes(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.lanes._PATIENCE_SECONDS", 0.0)
    await sender.schedule(1, connections=1)
    sender.inbox.faults({"at": "connect", "action": "refuse_connections", "seconds": 60, "close_open": True})
    for holds, seconds in ((0, 5), (1, 10), (3, 40), (6, 300), (500, 300)):
        result = await sender.send(1, 1, holds=holds)
        assert result.hold is not None
        assert abs((result.hold.until - datetime.now(UTC)).total_seconds() - seconds) < 2


@pytest.mark.parametrize(
    ("at", "reason"), [("connect", "refused_at_connect:554"), ("mail", "refused_sender")], ids=["connect", "mail"]
)
async def test_a_5xx_that_blames_the_sender_stops_the_mailbox_and_not_one_person(
    sender: Sender, at: str, reason: str
) -> None:
    await sender.schedule(10, connections=3)
    sender.inbox.faults({"at": at, "action": "reply", "code": 554})
    result = await sender.send(1, 10)
    assert result.hold is not None
    assert result.hold.reason is HoldReason.MAILBOX_STOPPED
    assert (result.counts, result.open) == ({}, 10)
    assert sender.stored.states() == ["scheduled"] * 10
    assert (await sender.stored.mailboxes.get("relay")).stopped_reason == reason

    sender.inbox.faults()
    again = await sender.send(1, 10, holds=1)
    assert again.hold is not None
    assert again.hold.reason is HoldReason.MAILBOX_STOPPED, "it stays stopped until a person resumes it"
    assert sender.inbox.counts()["accepted"] == 0
    await sender.stored.mailboxes.resume("relay")
    assert (await sender.send(1, 10, holds=2)).counts == {"done": 10}


async def test_connections_pass_from_window_to_window(sender: Sender) -> None:
    await sender.schedule(60, connections=3)
    for first in (1, 21, 41):
        assert (await sender.send(first, first + 19)).counts == {"done": 20}
    assert sender.inbox.counts()["connections_total"] == 3


async def test_no_more_connections_are_open_than_the_mailbox_has_whatever_number_of_windows_run(
    sender: Sender,
) -> None:
    await sender.schedule(80, connections=5)
    sender.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.05})
    most = 0

    async def watch() -> None:
        nonlocal most
        async with httpx.AsyncClient(base_url=sender.inbox.http_url) as http:
            while True:
                most = max(most, (await http.get("/api/counts")).json()["connections_open"])
                await asyncio.sleep(0.01)

    watching = asyncio.create_task(watch())
    results = await asyncio.gather(*(sender.send(first, first + 19) for first in (1, 21, 41, 61)))
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert [result.counts for result in results] == [{"done": 20}] * 4
    assert most == 5
    assert sender.inbox.counts()["connections_total"] == 5
    sender.assert_ledger_and_inbox_agree()


async def test_what_the_relay_puts_off_for_a_moment_is_sent_by_the_same_window(sender: Sender) -> None:
    await sender.schedule(10, connections=2)
    sender.inbox.faults({"at": "rcpt", "action": "reply", "code": 451, "first": 4})
    result = await sender.send(1, 10)
    assert (result.counts, result.open) == ({"done": 10}, 0)
    assert sorted(row["attempts"] for row in sender.stored.rows("SELECT attempts FROM messages")) == [1] * 6 + [2] * 4


async def test_a_held_campaign_sends_nothing_and_says_why(sender: Sender) -> None:
    await sender.schedule(3, connections=1)
    sender.stored.execute("UPDATE campaigns SET control = 'hold'")
    result = await sender.send(1, 3)
    assert result.hold is not None
    assert (result.hold.reason, result.open, result.counts) == (HoldReason.CONTROL, 3, {})
    assert sender.inbox.counts()["accepted"] == 0


async def test_a_text_that_cannot_be_a_mail_fails_alone(sender: Sender) -> None:
    await sender.schedule(3, connections=1)
    draft = Draft(number=2, subject="Two\nlines", text="Text 2\n", html="<p>Text 2</p>", author="template", version="1")
    row = sender.stored.message(2)
    url = "http://127.0.0.1:8026/u/2"
    seen = fingerprint_of(spec(), spec().sending.mailboxes[0], draft, row["recipient"], url)
    sender.stored.execute("UPDATE drafts SET subject = ?, fingerprint = ? WHERE number = 2", draft.subject, seen)
    result = await sender.send(1, 3)
    assert result.counts == {"done": 2, "failed": 1}
    row = sender.stored.message(2)
    assert (row["reason"], row["attempts"]) == ("unsendable_headers", 0)
    sender.assert_ledger_and_inbox_agree()


@pytest.mark.parametrize("part", ["subject", "text", "html", "opt_out_url"])
async def test_a_mail_that_is_not_the_one_that_was_approved_never_leaves(sender: Sender, part: str) -> None:
    await sender.schedule(3, connections=1)
    sender.stored.execute(f"UPDATE drafts SET {part} = {part} || '.' WHERE number = 2")  # noqa: S608 names of the test
    result = await sender.send(1, 3)
    assert result.counts == {"done": 2, "failed": 1}
    row = sender.stored.message(2)
    assert (row["reason"], row["attempts"]) == ("changed_after_approval", 0)
    sender.assert_ledger_and_inbox_agree()


async def test_a_ledger_that_fails_stops_the_window_and_gives_the_rest_back(sender: Sender) -> None:
    await sender.schedule(20, connections=1)
    sender.stored.execute(
        "CREATE TRIGGER refused BEFORE UPDATE ON messages WHEN NEW.number = 5 AND NEW.state = 'transmitting'"
        " BEGIN SELECT RAISE(ABORT, 'refused by the test'); END"
    )
    with pytest.raises(Exception, match="IntegrityError"):
        await sender.send(1, 20)
    states = sender.stored.states()
    assert states[:3] == ["sent"] * 3
    assert states[4:] == ["scheduled"] * 16
    assert len(sender.inbox.held()) == 4, "the fourth was taken; its record was refused together with the fifth's begin"
    assert states[3] == "transmitting"
    sender.stored.execute("DROP TRIGGER refused")
    assert (await sender.send(1, 20)).counts == {"done": 19, "in_doubt": 1}
    assert len(sender.inbox.held()) == len(set(sender.inbox.held())) == 20
