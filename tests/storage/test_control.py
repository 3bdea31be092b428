"""What people and breakers want of a campaign is one row; who wanted what stays written."""

from datetime import UTC, datetime, timedelta

from stored_campaigns import (
    CAMPAIGN,
    OTHER,
    StoredCampaigns,
    change,
    deferred,
    failed,
    rules,
    sent,
    settlement,
)

from domain.campaign import CampaignStatus, Stage
from domain.message import MessageState
from domain.stopping import Judged
from domain.wire import ChangeKind, Control, ControlTask
from storage.ledger import GroupingLedger

HOUR = timedelta(hours=1)
NOTHING = Judged(mails=0, bounces=0, complaints=0)


async def test_a_pause_says_who_why_and_since_when_until_it_is_over(stored: StoredCampaigns) -> None:
    await stored.create()
    pause = change(ChangeKind.PAUSED, "dana", "the list looks wrong")
    await stored.write_control(Control.HOLD, pause, status=CampaignStatus.PAUSED)
    held = await stored.campaigns.get(CAMPAIGN)
    assert (held.control, held.status) == (Control.HOLD, CampaignStatus.PAUSED)
    assert (held.paused_by, held.paused_reason) == ("dana", "the list looks wrong")
    assert held.paused_since is not None
    assert abs(held.paused_since - pause.at) < timedelta(milliseconds=1)

    await stored.write_control(Control.RUN, change(ChangeKind.RESUMED, "kim"), status=CampaignStatus.RUNNING)
    going = await stored.campaigns.get(CAMPAIGN)
    assert (going.control, going.status) == (Control.RUN, CampaignStatus.RUNNING)
    assert (going.paused_since, going.paused_by, going.paused_reason) == (None, "", "")
    assert stored.acts() == [("paused", "dana", "the list looks wrong"), ("resumed", "kim", "")]


async def test_without_a_status_the_one_that_is_there_stays(stored: StoredCampaigns) -> None:
    await stored.create()
    await stored.write_control(Control.HOLD, change(ChangeKind.PAUSED))
    assert (await stored.campaigns.get(CAMPAIGN)).status is CampaignStatus.QUEUED


async def test_a_retried_activity_writes_every_change_once(stored: StoredCampaigns) -> None:
    await stored.create()
    pause, resumption = change(ChangeKind.PAUSED, ago=HOUR), change(ChangeKind.RESUMED)
    for _ in range(2):
        await stored.write_control(Control.HOLD, pause)
        await stored.write_control(Control.RUN, pause, resumption)
    assert [kind for kind, _, _ in stored.acts()] == ["paused", "resumed"]


async def test_of_several_changes_the_last_pause_counts(stored: StoredCampaigns) -> None:
    await stored.create()
    story = [
        change(ChangeKind.PAUSED, "dana", ago=3 * HOUR),
        change(ChangeKind.RESUMED, "dana", ago=2 * HOUR),
        change(ChangeKind.PAUSED, "breaker bounces", "4 of 50", ago=HOUR),
    ]
    await stored.write_control(Control.HOLD, *story)
    held = await stored.campaigns.get(CAMPAIGN)
    assert (held.paused_by, held.paused_reason) == ("breaker bounces", "4 of 50")
    assert len(stored.acts()) == 3


async def test_an_attempt_that_comes_late_does_not_undo_the_pause_that_came_after_it(stored: StoredCampaigns) -> None:
    await stored.create()
    resumption = change(ChangeKind.RESUMED, ago=HOUR)
    await stored.write_control(Control.HOLD, change(ChangeKind.PAUSED, "dana"), status=CampaignStatus.PAUSED)
    await stored.write_control(Control.RUN, resumption, status=CampaignStatus.RUNNING)
    held = await stored.campaigns.get(CAMPAIGN)
    assert (held.control, held.status, held.paused_by) == (Control.HOLD, CampaignStatus.PAUSED, "dana")
    assert [kind for kind, _, _ in stored.acts()] == ["resumed", "paused"], "it did happen, an hour ago"


async def test_from_the_commit_on_nothing_is_claimed_and_nothing_begun(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2)
    first, _ = await ledger.claim(CAMPAIGN, 1, 2, "one", rules())
    await stored.write_control(Control.HOLD, change(ChangeKind.PAUSED))
    assert await ledger.advance(None, first) is False
    assert await ledger.claim(CAMPAIGN, 1, 2, "two", rules()) == []
    await stored.write_control(Control.RUN, change(ChangeKind.RESUMED))
    assert await ledger.advance(None, first) is True


async def test_a_paused_campaign_whose_workflow_was_terminated_is_still_paused_when_it_is_taken_up(
    stored: StoredCampaigns,
) -> None:
    await stored.create()
    await stored.write_control(Control.HOLD, change(ChangeKind.PAUSED), status=CampaignStatus.PAUSED)
    taken_up = await stored.campaigns.take_up(CAMPAIGN)
    assert (taken_up.control, taken_up.status, taken_up.paused_by) == (Control.HOLD, CampaignStatus.PAUSED, "dana")


async def test_a_final_state_keeps_what_was_wanted(stored: StoredCampaigns) -> None:
    await stored.create()
    await stored.write_control(Control.END, change(ChangeKind.CANCELLED))
    await stored.campaigns.set_status(CAMPAIGN, CampaignStatus.CANCELLED, Stage.REPORTING)
    assert (await stored.campaigns.get(CAMPAIGN)).control is Control.END


async def test_judged_are_the_mails_the_relay_took_or_refused_for_good(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=8)
    await stored.schedule(OTHER, leads=8)
    for message in await ledger.claim(CAMPAIGN, 1, 7, "one", rules()):
        await ledger.advance(None, message)
        endings = {
            1: sent(message),
            2: failed(message),
            3: deferred(message, HOUR),
            4: settlement(message, MessageState.FAILED, reason="gave_up:deferred_by_relay", code=451),
            5: settlement(message, MessageState.FAILED, reason="unsendable_headers", code=None),
            6: sent(message),
        }
        await ledger.advance(endings.get(message.key.number), None)
    assert await stored.campaigns.judged(CAMPAIGN, 500) == Judged(mails=3, bounces=1, complaints=0)
    assert await stored.campaigns.judged(OTHER, 500) == NOTHING
    stored.execute("UPDATE messages SET outcome = 'complained' WHERE campaign_id = ? AND number = 6", CAMPAIGN)
    stored.execute("UPDATE messages SET outcome = 'bounced' WHERE campaign_id = ? AND number = 1", CAMPAIGN)
    assert await stored.campaigns.judged(CAMPAIGN, 500) == Judged(mails=3, bounces=2, complaints=1)


async def test_judged_are_the_newest(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=6)
    for message in await ledger.claim(CAMPAIGN, 1, 6, "one", rules()):
        await ledger.advance(None, message)
        await ledger.advance(sent(message) if message.key.number < 4 else failed(message), None)
    stored.execute("UPDATE messages SET settled_at = number")
    assert await stored.campaigns.judged(CAMPAIGN, 4) == Judged(mails=4, bounces=3, complaints=0)


async def test_who_resumes_has_looked_at_what_came_before(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=2)
    first, second = await ledger.claim(CAMPAIGN, 1, 2, "one", rules())
    await ledger.advance(None, first)
    await ledger.advance(failed(first), None)
    assert (await stored.campaigns.judged(CAMPAIGN, 500)).bounces == 1
    stored.execute("UPDATE messages SET settled_at = settled_at - 60000")
    await stored.write_control(Control.HOLD, change(ChangeKind.PAUSED, "breaker bounces", ago=timedelta(seconds=50)))
    assert (await stored.campaigns.judged(CAMPAIGN, 500)).bounces == 1, "a pause alone looks at nothing"
    await stored.write_control(Control.RUN, change(ChangeKind.RESUMED, ago=timedelta(seconds=1)))
    assert await stored.campaigns.judged(CAMPAIGN, 500) == NOTHING
    await ledger.advance(None, second)
    await ledger.advance(sent(second), None)
    assert await stored.campaigns.judged(CAMPAIGN, 500) == Judged(mails=1, bounces=0, complaints=0)
    settled = stored.message(2)["settled_at"]
    assert abs(settled / 1000 - datetime.now(UTC).timestamp()) < 10


async def test_a_cancelled_campaign_is_not_opened_again_by_a_new_workflow(stored: StoredCampaigns) -> None:
    await stored.create()
    await stored.write_control(Control.END, change(ChangeKind.CANCELLED), status=None)
    taken_up = await stored.campaigns.take_up(CAMPAIGN)
    assert (taken_up.control, taken_up.status) == (Control.END, CampaignStatus.QUEUED)


async def test_what_is_over_keeps_its_status_whatever_is_wanted_afterwards(stored: StoredCampaigns) -> None:
    await stored.create()
    await stored.campaigns.set_status(CAMPAIGN, CampaignStatus.COMPLETED, Stage.REPORTING)
    await stored.write_control(Control.HOLD, change(ChangeKind.PAUSED), status=CampaignStatus.PAUSED)
    assert (await stored.campaigns.get(CAMPAIGN)).status is CampaignStatus.COMPLETED


async def test_a_control_that_was_wanted_earlier_does_not_undo_a_later_one(stored: StoredCampaigns) -> None:
    await stored.create()
    await stored.write_control(Control.HOLD, change(ChangeKind.PAUSED), status=CampaignStatus.PAUSED)
    late = ControlTask(campaign_id=CAMPAIGN, control=Control.RUN, at=datetime.now(UTC) - timedelta(minutes=1))
    await stored.campaigns.write_control(late, CampaignStatus.RUNNING)
    assert (await stored.campaigns.get(CAMPAIGN)).control is Control.HOLD
