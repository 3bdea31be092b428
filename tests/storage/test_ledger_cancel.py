"""A cancelled campaign: what has not begun never does, what was in the air is said, and everybody is accounted for."""

from datetime import timedelta

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
)

from domain.campaign import CampaignStatus, Stage
from domain.lead import LeadEnd, LeadState
from domain.message import ClaimedMessage
from domain.wire import ChangeKind, Control
from storage.ledger import GroupingLedger

HOUR = timedelta(hours=1)
QUARTER = timedelta(days=90)


async def claim(ledger: GroupingLedger, campaign_id: str = CAMPAIGN, attempt: str = "one") -> list[ClaimedMessage]:
    return await ledger.claim(campaign_id, 1, 100, attempt, rules(cool_down=QUARTER))


async def end(stored: StoredCampaigns, ledger: GroupingLedger, last: int = 100) -> None:
    """What the workflow does: the row first, so that nothing begins any more, then the rest of the leads."""
    await stored.write_control(Control.END, change(ChangeKind.CANCELLED, "dana", "wrong list"))
    await ledger.cancel(CAMPAIGN, 1, last)


async def test_cancelling_ends_what_has_not_begun_and_leaves_what_is_settled(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=7)
    mine = await ledger.claim(CAMPAIGN, 1, 6, "one", rules())
    for message in mine[:5]:
        await ledger.advance(None, message)
    for message, ending in zip(mine, (sent, failed, doubtful), strict=False):
        await ledger.advance(ending(message), None)
    await ledger.advance(deferred(mine[3], HOUR), None)
    await end(stored, ledger)
    assert stored.states() == ["sent", "failed", "in_doubt", "skipped", "in_doubt", "skipped", "skipped"]
    assert {stored.message(number)["reason"] for number in (4, 6, 7)} == {"cancelled"}
    assert stored.trail(6)[-2:] == [("claimed", "claim"), ("skipped", "cancelled")]
    assert stored.trail(5)[-1] == ("in_doubt", "attempt_died")


async def test_a_late_confirmation_wins_over_a_cancellation(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=1)
    (message,) = await claim(ledger)
    await ledger.advance(None, message)
    await end(stored, ledger)
    assert stored.states() == ["in_doubt"]
    await ledger.advance(sent(message), None)
    assert stored.states() == ["sent"]


async def test_a_zombie_begins_nothing_of_a_campaign_that_ends(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=2)
    first, second = await claim(ledger)
    await stored.write_control(Control.END, change(ChangeKind.CANCELLED))
    assert await ledger.advance(None, first) is False
    await ledger.cancel(CAMPAIGN, 1, 2)
    assert await ledger.advance(None, second) is False
    await ledger.release(CAMPAIGN, 1, 2, "one")
    assert await claim(ledger, attempt="two") == []
    assert stored.states() == ["skipped", "skipped"]


async def test_only_the_window_is_cancelled_and_no_other_campaign(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=4)
    await stored.schedule(OTHER, leads=4)
    await end(stored, ledger, last=2)
    assert stored.states() == ["skipped", "skipped", "scheduled", "scheduled"]
    assert stored.states(OTHER) == ["scheduled"] * 4


async def test_people_a_cancelled_campaign_had_reserved_may_be_written_to_by_others(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2)
    await stored.schedule(OTHER, leads=2)
    first, _ = await claim(ledger)
    await ledger.advance(None, first)
    await end(stored, ledger)
    assert [message.key.number for message in await claim(ledger, OTHER, "two")] == [2], "1 may have got the mail"


async def test_cancelling_again_changes_nothing(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=3)
    message, *_ = await claim(ledger)
    await ledger.advance(None, message)
    await end(stored, ledger)
    before = stored.rows("SELECT * FROM message_events")
    await ledger.cancel(CAMPAIGN, 1, 3)
    assert stored.rows("SELECT * FROM message_events") == before


async def test_a_cancelled_campaign_adds_up_and_every_lead_has_its_end(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.create(leads=people(8))
    drafts = [new_message(CAMPAIGN, number, f"person{number}@example.com") for number in (1, 2, 3)]
    drafts.append(new_message(CAMPAIGN, 4, "person4@example.com", approved_by=""))
    drafts.append(new_message(CAMPAIGN, 5, "person5@example.com", skipped="no_permission_basis"))
    await stored.leads.store_drafts(CAMPAIGN, drafts, [LeadEnd(number=6, state=LeadState.FAILED, reason="too_long")])
    first, second, _ = await claim(ledger)
    await ledger.advance(None, first)
    await ledger.advance(sent(first), second)
    await end(stored, ledger)
    await stored.campaigns.set_status(CAMPAIGN, CampaignStatus.CANCELLED, Stage.REPORTING)

    progress = await stored.progress.read(CAMPAIGN)
    assert progress.leads == {
        "cancelled": 4,
        "contacted": 1,
        "in_doubt": 1,
        "failed:too_long": 1,
        "skipped:no_permission_basis": 1,
    }
    assert progress.status is CampaignStatus.CANCELLED
    sending = progress.stages[Stage.SENDING]
    assert (sending.found, sending.done, sending.in_doubt, sending.skipped, sending.cancelled) == (5, 1, 1, 1, 2)
    assert progress.stages[Stage.PERSONALIZATION].cancelled == 2
    report = await stored.reports.read(CAMPAIGN)
    assert report.adds_up
    assert report.cancelled_by == "dana"
    assert "- cancelled by dana" in report.as_markdown()
    assert "wrong list" not in report.as_markdown()


async def test_drafts_that_come_after_the_cancellation_are_not_scheduled(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.create(leads=2)
    await end(stored, ledger)
    await stored.leads.store_drafts(CAMPAIGN, [new_message(CAMPAIGN, 1, "person1@example.com")], [])
    assert stored.states() == []
    assert (await stored.progress.read(CAMPAIGN)).leads == {"cancelled": 2}
