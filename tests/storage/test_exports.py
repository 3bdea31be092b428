"""Exports have the columns they had: scripts of other people read them."""

from datetime import datetime

import pytest
from local_world import people
from stored_campaigns import CAMPAIGN, OTHER, StoredCampaigns, rules, sent

from domain.report import RejectedRow
from storage.exports import EXPORTS
from storage.ledger import SqliteLedger

COLUMNS = {
    "leads": "campaign_id lead_number email name company location timezone permission_basis source state reason extra",
    "ledger": "campaign_id lead_number step message_id recipient mailbox state outcome reason attempts reply_code "
    "scheduled_at sent_at permission_basis",
    "drafts": "campaign_id lead_number step recipient subject text html author version fingerprint",
    "errors": "campaign_id at stage kind lead_number line message",
    "events": "campaign_id lead_number step at state cause reply_code reply_text trace_id",
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


async def test_times_are_iso_8601_with_their_zone(stored: StoredCampaigns, ledger: SqliteLedger) -> None:
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
