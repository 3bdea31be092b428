"""Every transition of the send ledger happens where it may, and nowhere else."""

import asyncio
from datetime import UTC, datetime, timedelta

from stored_campaigns import CAMPAIGN, StoredCampaigns, deferred, doubtful, failed, rules, sent, settlement, soon

from domain.message import ClaimedMessage, MessageKey, MessageState
from storage.ledger import GroupingLedger

HOUR = timedelta(hours=1)


async def claim_all(ledger: GroupingLedger, attempt: str = "one", *, resend: bool = False) -> list[ClaimedMessage]:
    return await ledger.claim(CAMPAIGN, 1, 100, attempt, rules(resend_doubts=resend))


async def test_a_claim_owns_every_due_message_of_its_window_and_brings_what_is_to_be_sent(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=5)
    claimed = await ledger.claim(CAMPAIGN, 2, 4, "one", rules())
    assert [message.key for message in claimed] == [MessageKey(CAMPAIGN, number, 1) for number in (2, 3, 4)]
    assert stored.states() == ["scheduled", "claimed", "claimed", "claimed", "scheduled"]
    first = claimed[0]
    assert (first.token, first.attempts, first.refused_before) == ("one", 1, "")
    assert (first.recipient, first.subject, first.text) == ("person2@example.com", "Subject 2", "Text 2\n")
    assert (first.html, first.opt_out_url) == ("<p>Text 2</p>", "http://127.0.0.1:8026/u/2")
    assert first.message_id == stored.message(2)["message_id"]
    assert stored.message(2)["token"] == "one"
    assert stored.trail(2) == [("scheduled", "drafted"), ("claimed", "claim")]


async def test_begin_is_committed_as_transmitting_and_counts_the_attempt(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim_all(ledger)
    assert stored.message()["attempts"] == 0
    assert await ledger.advance(None, message)
    row = stored.message()
    assert (row["state"], row["attempts"], row["next_at"]) == ("transmitting", 1, None)
    assert row["began_at"] == row["first_attempt_at"]
    assert abs(row["began_at"] / 1000 - datetime.now(UTC).timestamp()) < 10


async def test_the_250_makes_it_sent(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim_all(ledger)
    await ledger.advance(None, message)
    assert await ledger.advance(sent(message), None) is False
    row = stored.message()
    assert (row["state"], row["reason"], row["reply_code"], row["reply_enhanced"]) == ("sent", "", 250, "2.0.0")
    assert row["sent_at"] >= row["began_at"]
    assert stored.trail() == [
        ("scheduled", "drafted"),
        ("claimed", "claim"),
        ("transmitting", "begin"),
        ("sent", "confirm"),
    ]
    (event,) = stored.rows("SELECT reply_code, reply_text, token FROM message_events WHERE state = 'sent'")
    assert event == {"reply_code": 250, "reply_text": "said", "token": "one"}


async def test_what_is_sent_is_never_claimed_begun_or_settled_again(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim_all(ledger)
    await ledger.advance(None, message)
    await ledger.advance(sent(message), None)
    before = stored.message()
    assert await claim_all(ledger, "two") == []
    assert await ledger.advance(None, message) is False
    for again in (sent(message), failed(message), deferred(message, HOUR), doubtful(message)):
        await ledger.advance(again, None)
    assert stored.message() == before
    assert len(stored.trail()) == 4


async def test_a_takeover_is_at_once_and_the_zombies_begin_hits_zero_rows(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    (zombies,) = await claim_all(ledger, "zombie")
    (message,) = await claim_all(ledger, "heir")
    assert await ledger.advance(None, zombies) is False
    assert stored.states() == ["claimed"]
    assert await ledger.advance(None, message)
    assert await ledger.advance(None, zombies) is False
    assert stored.message()["token"] == "heir"
    assert stored.message()["attempts"] == 1


async def test_two_attempts_that_begin_one_message_in_one_commit_do_not_both_send_it(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    (zombies,) = await claim_all(ledger, "zombie")
    (message,) = await claim_all(ledger, "heir")
    zombie_may, heir_may = await asyncio.gather(ledger.advance(None, zombies), ledger.advance(None, message))
    assert heir_may
    assert not zombie_may
    assert stored.message()["token"] == "heir"


async def test_two_attempts_that_settle_one_message_in_one_commit_leave_one_record(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    (zombies,) = await claim_all(ledger, "zombie")
    (message,) = await claim_all(ledger, "heir")
    await ledger.advance(None, message)
    await asyncio.gather(ledger.advance(failed(zombies, suppress=True), None), ledger.advance(sent(message), None))
    assert stored.trail()[-2:] == [("transmitting", "begin"), ("sent", "confirm")]
    assert stored.rows("SELECT * FROM suppressions") == []


async def test_what_another_attempt_left_in_the_air_is_in_doubt_at_once(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2)
    (message, _) = await claim_all(ledger, "dead")
    await ledger.advance(None, message)
    claimed = await claim_all(ledger, "heir")
    assert [one.key.number for one in claimed] == [2]
    row = stored.message()
    assert (row["state"], row["reason"], row["token"]) == ("in_doubt", "attempt_died", "dead")
    assert stored.trail()[-1] == ("in_doubt", "attempt_died")


async def test_an_attempts_own_transmission_is_no_doubt_to_itself(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim_all(ledger)
    await ledger.advance(None, message)
    assert await claim_all(ledger) == []
    assert stored.states() == ["transmitting"]


async def test_a_late_250_of_a_zombie_still_wins_with_its_own_token_and_with_no_other(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim_all(ledger, "zombie")
    await ledger.advance(None, message)
    await claim_all(ledger, "heir")
    await ledger.advance(sent(message.model_copy(update={"token": "heir"})), None)
    assert stored.states() == ["in_doubt"]
    await ledger.advance(sent(message), None)
    assert stored.states() == ["sent"]
    assert stored.trail()[-2:] == [("in_doubt", "attempt_died"), ("sent", "confirm")]


async def test_only_a_250_settles_a_doubt(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim_all(ledger, "zombie")
    await ledger.advance(None, message)
    await claim_all(ledger, "heir")
    for not_settling in (failed(message, suppress=True), deferred(message, HOUR), doubtful(message)):
        await ledger.advance(not_settling, None)
    assert stored.states() == ["in_doubt"]
    assert stored.rows("SELECT * FROM suppressions") == []


async def test_no_answer_after_the_final_dot_is_a_doubt_that_no_claim_touches(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim_all(ledger)
    await ledger.advance(None, message)
    await ledger.advance(doubtful(message), None)
    assert await claim_all(ledger, "two", resend=True) == []
    assert (stored.message()["state"], stored.message()["reason"]) == ("in_doubt", "connection_lost")


async def test_policy_resend_schedules_a_doubt_again_and_says_why(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim_all(ledger, "dead")
    await ledger.advance(None, message)
    (again,) = await claim_all(ledger, "heir", resend=True)
    assert (again.attempts, again.refused_before, again.message_id) == (2, "resent_in_doubt", message.message_id)
    assert await ledger.advance(None, again)
    await ledger.advance(sent(again), None)
    assert [state for state, _ in stored.trail()] == [
        "scheduled",
        "claimed",
        "transmitting",
        "scheduled",
        "claimed",
        "transmitting",
        "sent",
    ]


async def test_a_deferred_message_is_due_at_its_time_and_remembers_its_attempts(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2)
    first, second = await claim_all(ledger)
    await ledger.advance(None, first)
    await ledger.advance(deferred(first, HOUR), second)
    await ledger.advance(deferred(second, -timedelta(seconds=1)), None)
    early = stored.message(1)
    assert (early["state"], early["reason"], early["reply_code"]) == ("deferred", "deferred_by_relay", 451)
    assert abs(early["next_at"] / 1000 - (datetime.now(UTC) + HOUR).timestamp()) < 10
    (again,) = await claim_all(ledger, "two")
    assert (again.key.number, again.attempts, again.refused_before) == (2, 2, "deferred_by_relay")
    assert again.first_attempt_at.timestamp() * 1000 == stored.message(2)["first_attempt_at"]
    assert await ledger.advance(None, again)
    assert stored.message(2)["attempts"] == 2
    assert stored.message(2)["reason"] == ""


async def test_what_never_left_is_scheduled_again(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim_all(ledger)
    await ledger.advance(None, message)
    lost = settlement(message, MessageState.SCHEDULED, reason="connection_lost", code=None, next_at=soon(HOUR))
    await ledger.advance(lost, None)
    assert (stored.message()["state"], stored.message()["reason"]) == ("scheduled", "connection_lost")
    assert await claim_all(ledger, "two") == []


async def test_whatever_a_relay_says_can_be_stored(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    """One reply with a NUL in it must not cost all those that are committed with it."""
    await stored.schedule(leads=1)
    (message,) = await claim_all(ledger)
    await ledger.advance(None, message)
    taken = sent(message)
    odd = taken.transmission.model_copy(update={"text": "2.0.0 \0ok \N{SNOWMAN} '; --"})
    await ledger.advance(taken.model_copy(update={"transmission": odd}), None)
    assert stored.states() == ["sent"]
    (row,) = stored.rows("SELECT reply_text FROM message_events WHERE state = 'sent'")
    assert row["reply_text"].endswith("ok \N{SNOWMAN} '; --")


async def test_a_final_refusal_is_failed(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim_all(ledger)
    await ledger.advance(None, message)
    await ledger.advance(failed(message), None)
    assert (stored.message()["state"], stored.message()["reason"]) == ("failed", "refused_content")
    assert await claim_all(ledger, "two") == []
    assert stored.trail()[-1] == ("failed", "refused_content")


async def test_a_text_that_cannot_be_a_mail_fails_without_having_begun(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim_all(ledger)
    unsendable = settlement(message, MessageState.FAILED, reason="unsendable_headers", code=None)
    await ledger.advance(unsendable, None)
    row = stored.message()
    assert (row["state"], row["reason"], row["attempts"]) == ("failed", "unsendable_headers", 0)


async def test_what_is_only_claimed_cannot_become_sent(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim_all(ledger)
    for impossible in (sent(message), deferred(message, HOUR), doubtful(message)):
        await ledger.advance(impossible, None)
    assert stored.states() == ["claimed"]


async def test_release_gives_back_only_what_this_attempt_claimed_and_did_not_begin(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=4)
    await ledger.claim(CAMPAIGN, 3, 4, "other", rules())
    mine = await ledger.claim(CAMPAIGN, 1, 2, "one", rules())
    await ledger.advance(None, mine[0])
    await ledger.release(CAMPAIGN, 1, 4, "one")
    assert stored.states() == ["transmitting", "scheduled", "claimed", "claimed"]
    assert stored.message(2)["token"] is None
    assert stored.trail(2)[-1] == ("scheduled", "release")
    assert await ledger.advance(None, mine[1]) is False


async def test_a_tally_counts_every_state_and_says_when_the_first_open_message_is_due(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=6)
    messages = await ledger.claim(CAMPAIGN, 1, 5, "one", rules())
    for message in messages[:4]:
        await ledger.advance(None, message)
    await ledger.advance(sent(messages[0]), None)
    await ledger.advance(failed(messages[1]), None)
    await ledger.advance(doubtful(messages[2]), None)
    await ledger.advance(deferred(messages[3], HOUR), None)
    whole = await ledger.tally(CAMPAIGN, 1, 6)
    assert whole.counts == dict.fromkeys(("sent", "failed", "in_doubt", "deferred", "claimed", "scheduled"), 1)
    assert whole.open == 3
    assert whole.next_at is not None
    assert whole.next_at <= datetime.now(UTC)
    later = await ledger.tally(CAMPAIGN, 4, 4)
    assert later.next_at is not None
    assert later.next_at > datetime.now(UTC) + HOUR / 2
    done = await ledger.tally(CAMPAIGN, 1, 3)
    assert (done.open, done.next_at) == (0, None)
    assert (await ledger.tally(CAMPAIGN, 50, 60)).counts == {}
