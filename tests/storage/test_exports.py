"""Exports have the columns they had: scripts of other people read them."""

from datetime import datetime, timedelta

import pytest
import searched_campaign
from local_world import people
from stored_campaigns import CAMPAIGN, OTHER, StoredCampaigns, change, rules, sent

from domain.report import RejectedRow
from domain.review import Decided, Decision
from domain.wire import ChangeKind, Control
from storage.exports import EXPORTS
from storage.ledger import GroupingLedger

COLUMNS = {
    "leads": "campaign_id lead_number email name company location timezone permission_basis source state reason extra "
    "login repository commits fit fit_reasons profile_read_at",
    "ledger": "campaign_id lead_number step message_id recipient mailbox state outcome reason attempts reply_code "
    "scheduled_at sent_at permission_basis",
    "drafts": "campaign_id lead_number step recipient subject text html author version fingerprint "
    "decision decided_at decided_by decision_reason",
    "errors": "campaign_id at stage kind lead_number line message",
    "events": "campaign_id lead_number step at state cause reply_code reply_text trace_id span_id",
    "repositories": "campaign_id identity full_name url description language topics stars forks pushed_at "
    "active_people commits commits_read people leads reachable",
}


def test_every_export_is_pinned() -> None:
    assert COLUMNS.keys() == EXPORTS.keys()


@pytest.mark.parametrize("what", COLUMNS)
def test_columns_are_added_at_the_end_and_never_renamed(stored: StoredCampaigns, what: str) -> None:
    assert stored.exports.columns(what) == COLUMNS[what].split()


@pytest.mark.parametrize("what", ["leads", "ledger", "drafts", "events"])
async def test_rows_are_those_of_the_campaign_by_lead_number(stored: StoredCampaigns, what: str) -> None:
    await stored.schedule(leads=people(3))
    await stored.schedule(OTHER, leads=2)
    rows = [row async for row in stored.exports.rows(CAMPAIGN, what)]
    assert [list(row) for row in rows] == [COLUMNS[what].split()] * 3
    assert [row["lead_number"] for row in rows] == [1, 2, 3]
    assert {row["campaign_id"] for row in rows} == {CAMPAIGN}
    assert [row["lead_number"] async for row in stored.exports.rows(CAMPAIGN, what, number=2)] == [2]
    assert [row["lead_number"] async for row in stored.exports.rows(CAMPAIGN, what, limit=2)] == [1, 2]


async def test_times_are_iso_8601_with_their_zone(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=1)
    (message,) = await ledger.claim(CAMPAIGN, 1, 1, "one", rules())
    await ledger.advance(None, message)
    await ledger.advance(sent(message), None)
    (row,) = [row async for row in stored.exports.rows(CAMPAIGN, "ledger")]
    assert datetime.fromisoformat(row["sent_at"]).utcoffset() is not None
    assert row["scheduled_at"] <= row["sent_at"]
    assert (row["state"], row["attempts"], row["reply_code"], row["outcome"]) == ("sent", 1, 250, None)


async def test_rejected_rows_can_be_taken_away(stored: StoredCampaigns) -> None:
    await stored.create(rejected=[RejectedRow(line=4, reason="no address")])
    (row,) = [row async for row in stored.exports.rows(CAMPAIGN, "errors")]
    assert (row["kind"], row["line"], row["message"], row["lead_number"]) == ("rejected_row", 4, "no address", None)


async def test_more_rows_than_one_fetch_come_whole(stored: StoredCampaigns) -> None:
    await stored.schedule(leads=2_500)
    numbers = [row["lead_number"] async for row in stored.exports.rows(CAMPAIGN, "ledger")]
    assert numbers == list(range(1, 2_501))


async def test_the_audit_trail_is_one_story_of_messages_people_and_decisions(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2, approved_by="")
    await stored.schedule(OTHER, leads=2)
    await stored.write_control(Control.HOLD, change(ChangeKind.PAUSED, "dana", "wait", timedelta(hours=1)))
    await stored.write_control(Control.RUN, change(ChangeKind.RESUMED, "kim", ago=timedelta(minutes=30)))
    await stored.reviews.approve(CAMPAIGN, [(1, 1)], "dana")
    seen = stored.fingerprint(2)
    rejection = Decided(lead_number=2, step=1, decision=Decision.REJECTED, by="kim", reason="too salesy", seen=seen)
    await stored.reviews.decide(CAMPAIGN, rejection)
    (message,) = await ledger.claim(CAMPAIGN, 1, 2, "one", rules())
    await ledger.advance(None, message)
    await ledger.advance(sent(message), None)

    trail = await stored.exports.audit(CAMPAIGN, newest_first=False)
    told = [(row["kind"], row["lead_number"], row["by"]) for row in trail]
    assert told[:2] == [("paused", None, "dana"), ("resumed", None, "kim")]
    assert {("approved", 1, "dana"), ("rejected", 2, "kim"), ("skipped", 2, None)} <= set(told)
    assert [kind for kind, number, by in told if number == 1 and by is None] == [
        "scheduled",
        "claimed",
        "transmitting",
        "sent",
    ]
    assert [row["at"] for row in trail] == sorted(row["at"] for row in trail)
    assert trail[0]["reason"] == "wait"
    assert [row["reason"] for row in trail if row["kind"] == "rejected"] == ["too salesy"]
    assert (trail[-1]["kind"], trail[-1]["reply_code"], trail[-1]["reply_text"]) == ("sent", 250, "said")

    newest = await stored.exports.audit(CAMPAIGN, 3)
    assert [row["kind"] for row in newest] == ["sent", "transmitting", "claimed"]
    assert {row["lead_number"] for row in await stored.exports.audit(CAMPAIGN, number=2)} == {2}


async def test_what_nobody_decided_by_hand_is_no_act_of_a_person(stored: StoredCampaigns) -> None:
    await stored.schedule(leads=3, approved_by="review: none")
    assert {row["kind"] for row in await stored.exports.audit(CAMPAIGN)} == {"scheduled"}


async def test_repositories_stand_with_their_facts_and_whom_they_brought(stored: StoredCampaigns) -> None:
    await searched_campaign.create(stored)
    await searched_campaign.create(stored, OTHER)
    rows = [row async for row in stored.exports.rows(CAMPAIGN, "repositories")]
    assert [list(row) for row in rows] == [COLUMNS["repositories"].split()] * 2
    widgets, formulas = rows
    assert (widgets["full_name"], widgets["stars"], widgets["commits_read"]) == ("example-org/widgets", 1204, 41)
    assert (widgets["people"], widgets["leads"], widgets["reachable"]) == (4, 3, 2)
    assert (formulas["people"], formulas["leads"], formulas["reachable"]) == (1, 0, 0)


async def test_leads_of_a_search_stand_with_what_speaks_for_them(stored: StoredCampaigns) -> None:
    await searched_campaign.create(stored)
    rows = [row async for row in stored.exports.rows(CAMPAIGN, "leads")]
    assert [list(row) for row in rows] == [COLUMNS["leads"].split()] * 5
    assert [(row["login"], row["commits"], row["repository"]) for row in rows[:2]] == [
        ("ada", 20, "example-org/widgets"),
        ("bo", 1, "example-org/widgets"),
    ]
    assert [row["profile_read_at"] is not None for row in rows] == [True, True, True, False, False]
    assert [row["fit"] is not None for row in rows] == [True, True, False, False, False]
