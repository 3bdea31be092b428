"""A person settles what nobody else can know, and lets failures have another try."""

from datetime import timedelta

import pytest
from local_world import people
from stored_campaigns import (
    CAMPAIGN,
    OTHER,
    StoredCampaigns,
    change,
    deferred,
    doubtful,
    failed,
    new_message,
    rules,
    sent,
    settlement,
)

from domain.campaign import Stage
from domain.errors import InputError, NotFound
from domain.lead import LeadEnd, LeadState
from domain.message import ClaimedMessage, MessageState
from domain.wire import ChangeKind, Control
from storage.ledger import GroupingLedger
from storage.settling import Retried

QUARTER = timedelta(days=90)


async def doubt(stored: StoredCampaigns, ledger: GroupingLedger, number: int = 1) -> ClaimedMessage:
    """A message that was begun, and then the connection broke."""
    await stored.schedule(leads=number)
    (message,) = await ledger.claim(CAMPAIGN, number, number, "one", rules(cool_down=QUARTER))
    await ledger.advance(None, message)
    await ledger.advance(doubtful(message), None)
    return message


async def resolve(stored: StoredCampaigns, *, sent: bool, number: int = 1) -> MessageState:
    return await stored.settling.resolve(CAMPAIGN, number, 1, sent=sent, by="dana", reason="relay log")


async def test_a_doubt_that_had_arrived_is_sent_and_the_report_says_by_whose_word(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    message = await doubt(stored, ledger)
    (listed,) = await stored.settling.doubtful(CAMPAIGN)
    assert (listed.lead_number, listed.message_id) == (1, message.message_id)
    assert await resolve(stored, sent=True) is MessageState.SENT
    row = stored.message()
    assert (row["state"], row["reason"], row["sent_at"]) == ("sent", "", row["began_at"])
    assert stored.trail()[-1] == ("sent", "resolved_sent")
    assert stored.acts() == [("resolved", "dana", "relay log")]
    assert stored.rows("SELECT number, step FROM campaign_events") == [{"number": 1, "step": 1}]
    report = await stored.reports.read(CAMPAIGN)
    assert (report.messages.sent, report.confirmations, report.resolved_sent, report.adds_up) == (1, 0, 1, True)
    assert "- sent 1 in the ledger, 0 confirmations from the relay, 1 by a person's word  ✓" in report.as_markdown()
    assert await stored.settling.doubtful(CAMPAIGN) == []


async def test_a_doubt_that_had_not_arrived_is_sent_again(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await doubt(stored, ledger)
    assert await resolve(stored, sent=False) is MessageState.SCHEDULED
    row = stored.message()
    assert (row["state"], row["token"], row["attempts"], row["first_attempt_at"]) == ("scheduled", None, 1, None)
    assert stored.trail()[-1] == ("scheduled", "resolved_not_sent")
    (again,) = await ledger.claim(CAMPAIGN, 1, 1, "two", rules(cool_down=QUARTER))
    assert (again.attempts, again.refused_before) == (2, "")
    await ledger.advance(None, again)
    await ledger.advance(sent(again), None)
    report = await stored.reports.read(CAMPAIGN)
    assert (report.confirmations, report.resolved_sent, report.adds_up) == (1, 0, True)


async def test_who_got_nothing_does_not_count_as_contacted(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await doubt(stored, ledger)
    await stored.schedule(OTHER, leads=1)
    await resolve(stored, sent=False)
    assert len(await ledger.claim(OTHER, 1, 1, "two", rules(cool_down=QUARTER))) == 1


async def test_who_got_the_mail_counts_as_contacted(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await doubt(stored, ledger)
    await stored.schedule(OTHER, leads=1)
    await resolve(stored, sent=True)
    assert await ledger.claim(OTHER, 1, 1, "two", rules(cool_down=QUARTER)) == []
    assert stored.message(1, OTHER)["reason"] == "contacted_recently"


async def test_in_a_cancelled_campaign_a_doubt_that_had_not_arrived_is_cancelled_too(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await doubt(stored, ledger)
    await stored.write_control(Control.END, change(ChangeKind.CANCELLED))
    assert await resolve(stored, sent=False) is MessageState.SKIPPED
    assert (await stored.progress.read(CAMPAIGN)).leads == {"cancelled": 1}


@pytest.mark.parametrize("said", [True, False])
async def test_a_doubt_is_settled_once(stored: StoredCampaigns, ledger: GroupingLedger, said: bool) -> None:  # noqa: FBT001 parametrized
    message = await doubt(stored, ledger)
    await ledger.advance(sent(message), None)
    before = stored.rows("SELECT * FROM messages")
    with pytest.raises(InputError) as refused:
        await resolve(stored, sent=said)
    assert refused.value.line == "lead 1, step 1 is sent, not in_doubt: nothing to settle"
    assert refused.value.hint == f"outrider show {CAMPAIGN} --lead 1"
    assert stored.rows("SELECT * FROM messages") == before
    assert stored.acts() == []


async def test_what_does_not_exist_cannot_be_settled(stored: StoredCampaigns) -> None:
    await stored.schedule(leads=1)
    with pytest.raises(NotFound, match="has no message for lead 9, step 1"):
        await resolve(stored, sent=True, number=9)
    with pytest.raises(NotFound, match="no campaign elsewhere"):
        await stored.settling.resolve("elsewhere", 1, 1, sent=True, by="dana", reason="")
    with pytest.raises(NotFound, match="no campaign elsewhere"):
        await stored.settling.retry_failed("elsewhere", None, "dana")


async def bring_failures(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    """Leads 1 to 4: refused, refused for ever, in doubt, put off; 5 has not begun, 6 and 7 ended at drafting."""
    await stored.create(leads=people(7))
    drafts = [new_message(CAMPAIGN, number, f"person{number}@example.com") for number in range(1, 6)]
    ends = [
        LeadEnd(number=6, state=LeadState.FAILED, reason="too_long"),
        LeadEnd(number=7, state=LeadState.SKIPPED, reason="excluded_domain"),
    ]
    await stored.leads.store_drafts(CAMPAIGN, drafts, ends)
    for message in await ledger.claim(CAMPAIGN, 1, 4, "one", rules()):
        await ledger.advance(None, message)
        endings = {1: failed(message), 2: failed(message, suppress=True), 3: doubtful(message)}
        await ledger.advance(endings.get(message.key.number, deferred(message, QUARTER)), None)


async def test_a_retry_opens_what_failed_and_nothing_else(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await bring_failures(stored, ledger)
    assert await stored.settling.retry_failed(CAMPAIGN, None, "dana") == Retried(leads=1, messages=1, suppressed=1)
    assert stored.states() == ["scheduled", "failed", "in_doubt", "deferred", "scheduled"]
    row = stored.message()
    assert (row["reason"], row["next_at"], row["attempts"], row["first_attempt_at"]) == ("", None, 1, None)
    assert (row["settled_at"], row["token"]) == (None, None)
    assert stored.trail()[-1] == ("scheduled", "retried")
    assert stored.acts() == [("retried", "dana", "")]
    assert [lead.number for lead in await stored.leads.undrafted(CAMPAIGN, 1, 7)] == [6]
    assert (await stored.campaigns.judged(CAMPAIGN, 500)).bounces == 1, "a bounce that is tried again is none"
    assert (await stored.reports.read(CAMPAIGN)).adds_up
    assert await stored.settling.retry_failed(CAMPAIGN, None, "dana") == Retried(leads=0, messages=0, suppressed=1)
    assert len(stored.acts()) == 1


async def test_nothing_of_a_cancelled_campaign_is_opened_again(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await bring_failures(stored, ledger)
    await stored.write_control(Control.END)
    before = stored.states()
    with pytest.raises(InputError, match="is cancelled: nothing of it is sent any more"):
        await stored.settling.retry_failed(CAMPAIGN, None, "dana")
    assert stored.states() == before


@pytest.mark.parametrize(
    ("stage", "retried"),
    [(Stage.PERSONALIZATION, Retried(1, 0, 0)), (Stage.SENDING, Retried(0, 1, 1))],
)
async def test_a_retry_of_one_stage_leaves_the_others(
    stored: StoredCampaigns, ledger: GroupingLedger, stage: Stage, retried: Retried
) -> None:
    await bring_failures(stored, ledger)
    assert await stored.settling.retry_failed(CAMPAIGN, stage, "dana") == retried
    assert stored.acts() == [("retried", "dana", stage)]


async def test_a_stage_in_which_nothing_fails_by_itself_is_refused(stored: StoredCampaigns) -> None:
    await stored.create()
    with pytest.raises(InputError, match="stage: nothing fails by itself in review") as refused:
        await stored.settling.retry_failed(CAMPAIGN, Stage.REVIEW, "dana")
    assert refused.value.hint == "--stage personalization or --stage sending, or leave it out for both"


async def test_what_gave_up_is_tried_for_its_full_time_again(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=1)
    (message,) = await ledger.claim(CAMPAIGN, 1, 1, "one", rules())
    await ledger.advance(None, message)
    await ledger.advance(settlement(message, MessageState.FAILED, "gave_up:deferred_by_relay", 451), None)
    stored.execute("UPDATE messages SET first_attempt_at = first_attempt_at - ?", 86_400_000)
    await stored.settling.retry_failed(CAMPAIGN, None, "dana")
    (again,) = await ledger.claim(CAMPAIGN, 1, 1, "two", rules())
    assert again.attempts == 2
    assert again.first_attempt_at.timestamp() * 1000 >= stored.message()["began_at"]
