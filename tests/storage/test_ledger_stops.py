"""What must not be sent is stopped in the claim, and once more between the claim and the first byte."""

import asyncio
from datetime import timedelta

import pytest
from local_world import people
from stored_campaigns import CAMPAIGN, OTHER, StoredCampaigns, deferred, doubtful, failed, rules, sent, settlement

from domain.message import ClaimedMessage, MessageState
from storage.ledger import GroupingLedger, ledger_of

HOUR = timedelta(hours=1)
QUARTER = timedelta(days=90)


async def claim(
    ledger: GroupingLedger, campaign_id: str = CAMPAIGN, attempt: str = "one", *, cool_down: timedelta = timedelta(0)
) -> list[ClaimedMessage]:
    return await ledger.claim(campaign_id, 1, 100, attempt, rules(cool_down=cool_down))


def claimed_at(stored: StoredCampaigns) -> int:
    """When the first campaign's message was claimed, in milliseconds since the epoch."""
    (event,) = stored.rows("SELECT at FROM message_events WHERE campaign_id = ? AND state = 'claimed'", CAMPAIGN)
    at: int = event["at"]
    return at


def control(stored: StoredCampaigns, wish: str) -> None:
    stored.execute("UPDATE campaigns SET control = ?", wish)


@pytest.mark.parametrize("wish", ["hold", "end"])
async def test_a_control_other_than_run_stops_claims_and_begins(
    stored: StoredCampaigns, ledger: GroupingLedger, wish: str
) -> None:
    await stored.schedule(leads=2)
    first, _ = await claim(ledger)
    control(stored, wish)
    assert await ledger.advance(None, first) is False
    assert await claim(ledger, attempt="two") == []
    assert stored.states() == ["claimed", "claimed"]
    control(stored, "run")
    assert await ledger.advance(None, first)


@pytest.mark.parametrize("entry", ["person1@example.com", "PERSON1@Example.COM", "example.com"])
async def test_who_opts_out_between_claim_and_begin_gets_no_mail(
    stored: StoredCampaigns, ledger: GroupingLedger, entry: str
) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim(ledger)
    await stored.suppressions.add([entry], "unsubscribed", "a person")
    assert await ledger.advance(None, message) is False
    await ledger.release(CAMPAIGN, 1, 1, "one")
    assert await claim(ledger, attempt="two") == []
    row = stored.message()
    assert (row["state"], row["reason"], row["token"]) == ("skipped", "suppressed", None)
    assert stored.trail()[-1] == ("skipped", "suppressed")


async def test_a_suppression_skips_nobody_else(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=3)
    await stored.suppressions.add(["person2@example.com", "example.org"], "asked", "a person")
    assert [message.key.number for message in await claim(ledger)] == [1, 3]
    assert stored.states() == ["claimed", "skipped", "claimed"]


async def test_a_stopped_mailbox_lets_nothing_leave_until_a_person_resumes_it(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim(ledger)
    await stored.mailboxes.stop("relay", "refused_sender")
    assert await ledger.advance(None, message) is False
    assert await claim(ledger, attempt="two") == []
    await stored.mailboxes.resume("relay")
    (again,) = await claim(ledger, attempt="three")
    assert await ledger.advance(None, again)


async def test_a_reply_that_blames_the_sender_stops_the_mailbox_in_the_same_commit(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2)
    first, second = await claim(ledger)
    await ledger.advance(None, first)
    blamed = settlement(first, MessageState.SCHEDULED, reason="refused_sender", code=550, stop_mailbox=True)
    assert await ledger.advance(blamed, second) is False
    assert stored.states() == ["scheduled", "claimed"]
    assert (await stored.mailboxes.get("relay")).stopped_reason == "refused_sender"


async def test_the_first_reason_for_a_stop_stays(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=2)
    messages = await claim(ledger)
    await asyncio.gather(*(ledger.advance(None, message) for message in messages))
    for message, reason in zip(messages, ("refused_sender", "refused_policy"), strict=True):
        await ledger.advance(
            settlement(message, MessageState.SCHEDULED, reason=reason, code=550, stop_mailbox=True), None
        )
    assert (await stored.mailboxes.get("relay")).stopped_reason == "refused_sender"


async def test_a_hard_bounce_suppresses_the_address_in_the_same_commit(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    await stored.schedule(OTHER, leads=1)
    (message,) = await claim(ledger)
    (elsewhere,) = await claim(ledger, OTHER)
    await ledger.advance(None, message)
    assert await ledger.advance(failed(message, suppress=True), elsewhere) is False
    (entry,) = await stored.suppressions.check("person1@example.com")
    assert (entry.kind, entry.reason, entry.source) == ("address", "hard_bounce", CAMPAIGN)


async def test_a_settlement_that_is_not_its_own_has_no_consequences(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim(ledger)
    await ledger.advance(None, message)
    stranger = message.model_copy(update={"token": "stranger"})
    blamed = settlement(stranger, MessageState.FAILED, reason="x", code=550, suppress=True, stop_mailbox=True)
    await ledger.advance(blamed, None)
    assert stored.states() == ["transmitting"]
    assert await stored.suppressions.all() == []
    assert (await stored.mailboxes.get("relay")).stopped_reason == ""
    assert stored.contact() is not None


async def test_after_the_last_day_everything_that_has_not_left_is_skipped_and_doubts_are_cleared_up(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=4)
    messages = await claim(ledger, attempt="dead")
    for message in messages[:3]:
        await ledger.advance(None, message)
    await ledger.advance(deferred(messages[0], HOUR), None)
    await ledger.advance(sent(messages[1]), None)
    assert await ledger.claim(CAMPAIGN, 1, 4, "two", rules(expired=True)) == []
    assert stored.states() == ["skipped", "sent", "in_doubt", "skipped"]
    assert {stored.message(number)["reason"] for number in (1, 4)} == {"not_after"}
    assert await ledger.advance(None, messages[3]) is False
    contact = stored.contact("person4@example.com")
    assert contact is not None
    assert contact["contacted_at"] == 0


async def test_a_closed_window_starts_nothing_but_clears_up_after_the_dead(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=3)
    message, *_ = await claim(ledger, attempt="dead")
    await ledger.advance(None, message)
    await stored.suppressions.add(["person3@example.com"], "asked", "a person")
    assert await ledger.claim(CAMPAIGN, 1, 3, "two", rules(may_start=False)) == []
    assert stored.states() == ["in_doubt", "claimed", "skipped"]


async def test_a_message_without_permission_basis_is_never_claimed(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    stored.execute("UPDATE messages SET basis = ''")
    assert await claim(ledger) == []


async def test_another_campaign_does_not_write_to_a_person_within_the_cool_down(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2)
    await stored.schedule(OTHER, leads=3)
    first, _ = await claim(ledger, cool_down=QUARTER)
    await ledger.advance(None, first)
    await ledger.advance(sent(first), None)
    claimed = await claim(ledger, OTHER, "two", cool_down=QUARTER)
    assert [message.key.number for message in claimed] == [3]
    assert stored.states(OTHER) == ["skipped", "scheduled", "claimed"], "who is only claimed may never be written to"
    assert stored.message(1, OTHER)["reason"] == "contacted_recently"
    assert stored.trail(1, OTHER)[-1] == ("skipped", "contacted_recently")


async def test_the_cool_down_is_over_when_it_is_over(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=1)
    await stored.schedule(OTHER, leads=1)
    (first,) = await claim(ledger)
    await ledger.advance(None, first)
    await ledger.advance(sent(first), None)
    stored.execute("UPDATE contacts SET contacted_at = contacted_at - ?", 7 * 86_400_000)
    assert len(await claim(ledger, OTHER, "two", cool_down=timedelta(days=6))) == 1
    contact = stored.contact()
    assert contact is not None
    assert (contact["campaign_id"], contact["previous_at"]) == (OTHER, claimed_at(stored) - 7 * 86_400_000)


async def test_a_campaign_may_write_to_its_own_people_within_the_cool_down(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim(ledger, cool_down=QUARTER)
    await ledger.advance(None, message)
    await ledger.advance(deferred(message, -HOUR), None)
    assert len(await claim(ledger, attempt="two", cool_down=QUARTER)) == 1


async def test_of_two_campaigns_that_claim_at_once_one_writes_to_each_person(stored: StoredCampaigns) -> None:
    everybody = people(60)
    await stored.schedule(leads=everybody)
    await stored.schedule(OTHER, leads=everybody)
    async with ledger_of(stored.database) as one, ledger_of(stored.database) as two:
        windows = [(first, first + 9) for first in range(1, 61, 10)]
        claims = [
            process.claim(campaign_id, first, last, campaign_id, rules(cool_down=QUARTER))
            for first, last in windows
            for process, campaign_id in ((one, CAMPAIGN), (two, OTHER))
        ]
        claimed = [message.recipient for messages in await asyncio.gather(*claims) for message in messages]
    assert sorted(claimed) == sorted(person.email for person in everybody)
    both = zip(stored.states(), stored.states(OTHER), strict=True)
    assert all(sorted(states) == ["claimed", "scheduled"] for states in both), "the other waits for how it ends"


async def test_a_final_refusal_gives_the_person_back_to_other_campaigns(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    await stored.schedule(OTHER, leads=1)
    (message,) = await claim(ledger, cool_down=QUARTER)
    await ledger.advance(None, message)
    await ledger.advance(failed(message), None)
    assert len(await claim(ledger, OTHER, "two", cool_down=QUARTER)) == 1


async def test_what_was_claimed_and_given_back_does_not_count_as_contacted(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    await stored.schedule(OTHER, leads=1)
    await claim(ledger, cool_down=QUARTER)
    await ledger.release(CAMPAIGN, 1, 1, "one")
    assert len(await claim(ledger, OTHER, "two", cool_down=QUARTER)) == 1


async def test_a_refusal_restores_what_was_there_before_the_claim(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    await stored.schedule(OTHER, leads=1)
    (first,) = await claim(ledger)
    await ledger.advance(None, first)
    await ledger.advance(sent(first), None)
    reached = claimed_at(stored)
    (second,) = await claim(ledger, OTHER, "two")
    await ledger.advance(None, second)
    await ledger.advance(failed(second), None)
    contact = stored.contact()
    assert contact is not None
    assert contact["contacted_at"] == reached


async def test_a_mail_that_may_have_arrived_counts_as_a_contact(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2)
    await stored.schedule(OTHER, leads=2)
    held, resent = await claim(ledger, attempt="dead")
    await ledger.advance(None, held)
    await ledger.advance(doubtful(held), resent)
    (again,) = await ledger.claim(CAMPAIGN, 1, 2, "heir", rules(resend_doubts=True))
    await ledger.advance(None, again)
    await ledger.advance(failed(again), None)
    assert await claim(ledger, OTHER, "two", cool_down=QUARTER) == []


async def test_a_rehearsal_reserves_nobody_and_minds_no_cool_down(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    await stored.schedule(OTHER, leads=1)
    (message,) = await ledger.claim(OTHER, 1, 1, "rehearsal", rules(dry_run=True, cool_down=QUARTER))
    await ledger.advance(None, message)
    await ledger.advance(sent(message), None)
    assert stored.contact() is None
    assert len(await claim(ledger, cool_down=QUARTER)) == 1
    before = stored.contact()
    stored.execute("UPDATE messages SET state = 'scheduled', token = NULL WHERE campaign_id = ?", OTHER)
    (message,) = await ledger.claim(OTHER, 1, 1, "again", rules(dry_run=True, cool_down=QUARTER))
    await ledger.advance(None, message)
    await ledger.advance(failed(message), None)
    assert stored.contact() == before


async def test_a_reservation_that_came_to_nothing_does_not_hold_a_person_for_ever(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    """A campaign that was given up with people claimed; and when its zombie wakes up, they are no longer its own."""
    await stored.schedule(leads=1)
    await stored.schedule(OTHER, leads=1)
    (zombies,) = await claim(ledger, cool_down=QUARTER)
    assert await claim(ledger, OTHER, "two", cool_down=QUARTER) == []
    stored.execute("UPDATE contacts SET contacted_at = contacted_at - ?", 2 * 3_600_000)
    stored.execute("UPDATE messages SET next_at = NULL")
    (message,) = await claim(ledger, OTHER, "two", cool_down=QUARTER)
    assert await ledger.advance(None, zombies) is False
    assert await ledger.advance(None, message) is True


async def test_what_nobody_approved_is_neither_claimed_nor_reserved_nor_put_off(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=3, approved_by="")
    await stored.schedule(OTHER, leads=3)
    stored.execute("UPDATE drafts SET decision = 'rejected' WHERE campaign_id = ? AND number = 3", CAMPAIGN)
    (reached, *_) = await claim(ledger, OTHER, "other", cool_down=QUARTER)
    await ledger.advance(None, reached)
    await ledger.advance(sent(reached), None)
    stored.execute(
        "DELETE FROM contacts WHERE address_identity = ?", stored.keys.address_identity("person3@example.com")
    )
    before = stored.rows("SELECT * FROM messages WHERE campaign_id = ?", CAMPAIGN)
    assert await claim(ledger, cool_down=QUARTER) == []
    assert stored.rows("SELECT * FROM messages WHERE campaign_id = ?", CAMPAIGN) == before
    assert stored.contact("person3@example.com") is None
    assert stored.contact("person2@example.com")["campaign_id"] == OTHER  # type: ignore[index]


async def test_an_approval_lets_a_message_be_claimed_with_the_fingerprint_of_what_was_approved(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2, approved_by="")
    stored.execute("UPDATE drafts SET fingerprint = 'of what dana saw' WHERE number = 2")
    await stored.reviews.approve(CAMPAIGN, [(2, 2)], "dana")
    (message,) = await claim(ledger)
    assert (message.key.number, message.fingerprint) == (2, "of what dana saw")


async def test_a_window_says_what_waits_for_a_person_and_when_the_rest_is_due(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2)
    stored.execute("UPDATE drafts SET decision = NULL WHERE number = 1")
    (second,) = await claim(ledger)
    await ledger.advance(None, second)
    await ledger.advance(deferred(second, HOUR), None)
    tally = await ledger.tally(CAMPAIGN, 1, 2)
    assert (tally.open, tally.undecided) == (2, 1)
    assert tally.next_at is not None
    assert round(tally.next_at.timestamp() * 1000) == stored.message(2)["next_at"]
    alone = await ledger.tally(CAMPAIGN, 1, 1)
    assert (alone.open, alone.undecided, alone.next_at) == (1, 1, None)


async def test_who_waits_for_another_campaign_says_so_and_forgets_it_with_the_claim(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    await stored.schedule(OTHER, leads=1)
    await claim(ledger, cool_down=QUARTER)
    assert await claim(ledger, OTHER, "two", cool_down=QUARTER) == []
    waits = stored.message(1, OTHER)
    assert (waits["state"], waits["reason"]) == ("scheduled", "contact_claimed")
    await ledger.release(CAMPAIGN, 1, 1, "one")
    stored.execute("UPDATE messages SET next_at = NULL")
    (message,) = await claim(ledger, OTHER, "three", cool_down=QUARTER)
    assert (message.refused_before, stored.message(1, OTHER)["reason"]) == ("", "")
