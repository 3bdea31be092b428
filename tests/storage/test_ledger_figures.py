"""The whole ledger in a few figures: every message in its state, rehearsals left out, and what nothing explains."""

from stored_campaigns import CAMPAIGN, StoredCampaigns, rules, sent

from storage.ledger import GroupingLedger
from storage.ledger_figures import LedgerFigureRows


async def test_what_is_sent_and_what_is_confirmed_must_agree(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    figures = LedgerFigureRows(stored.database)
    assert (await figures.read()).unexplained == 0
    await stored.schedule(leads=4)
    for message in (await ledger.claim(CAMPAIGN, 1, 4, "one", rules()))[:3]:
        await ledger.advance(None, message)
        await ledger.advance(sent(message), None)
    read = await figures.read()
    assert {state: count for state, count in read.messages.items() if count} == {"sent": 3, "claimed": 1}
    assert (read.messages["in_doubt"], read.in_doubt, read.unexplained) == (0, 0, 0)

    before = stored.rows("SELECT event_id, state FROM message_events")
    change = "UPDATE message_events SET state = ? WHERE campaign_id = ? AND number = ? AND state = ?"
    for number, state, other in ((1, "sent", "failed"), (2, "transmitting", "sent"), (4, "claimed", "sent")):
        stored.execute(change, other, CAMPAIGN, number, state)
    assert (await figures.read()).unexplained == 3, "not confirmed, confirmed twice, confirmed and not sent"
    stored.execute("UPDATE campaigns SET finished_at = 1 WHERE campaign_id = ?", CAMPAIGN)
    assert (await figures.read()).unexplained == 0, "of campaigns that ended long ago the report tells"
    for row in before:
        stored.execute("UPDATE message_events SET state = ? WHERE event_id = ?", row["state"], row["event_id"])
    stored.execute("UPDATE campaigns SET dry_run = (1 = 1) WHERE campaign_id = ?", CAMPAIGN)
    assert sum((await figures.read()).messages.values()) == 0
