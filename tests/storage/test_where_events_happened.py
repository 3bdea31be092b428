"""Each event of a message says in which trace and span it happened, and what was slow is a span."""

import pytest
from seen_spans import of, said, seen_spans
from sqlalchemy import text
from stored_campaigns import CAMPAIGN, StoredCampaigns, rules, sent

from storage import slow_statements
from storage.ledger import GroupingLedger
from telemetry.names import Tool
from telemetry.tool_calls import tool_call


def places(stored: StoredCampaigns, number: int) -> list[tuple[str, str | None, str | None]]:
    """The events of a lead's message, with trace and span."""
    rows = stored.rows(
        "SELECT state, trace_id, span_id FROM message_events WHERE campaign_id = ? AND number = ? ORDER BY event_id",
        CAMPAIGN,
        number,
    )
    return [(row["state"], row["trace_id"], row["span_id"]) for row in rows]


async def test_each_event_happened_in_the_span_that_asked_for_it(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2)
    with seen_spans() as spans:
        with tool_call(Tool.LEDGER_CLAIM):
            first, second = await ledger.claim(CAMPAIGN, 1, 2, "one", rules())
        with tool_call(Tool.SMTP_SESSION):
            await ledger.advance(None, first)
        with tool_call(Tool.SMTP_CONNECT):  # another span, and both in one commit
            await ledger.advance(sent(first), second)
        await ledger.release(CAMPAIGN, 1, 2, "one")
        at = {span.name: (f"{of(span).trace_id:032x}", f"{of(span).span_id:016x}") for span in spans.all()}
    claim, session, connect = at[Tool.LEDGER_CLAIM], at[Tool.SMTP_SESSION], at[Tool.SMTP_CONNECT]
    assert places(stored, 1)[1:] == [("claimed", *claim), ("transmitting", *session), ("sent", *connect)]
    assert places(stored, 2)[1:] == [("claimed", *claim), ("transmitting", *connect)]


async def test_without_traces_an_event_says_nothing_of_them(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=1)
    (message,) = await ledger.claim(CAMPAIGN, 1, 1, "one", rules())
    await ledger.advance(None, message)
    await ledger.advance(sent(message), None)
    assert {place[1:] for place in places(stored, 1)} == {(None, None)}


async def test_a_slow_statement_is_a_span_that_tells_its_verb_only(
    stored: StoredCampaigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_statements, "SLOW_SECONDS", 0.0)
    query = text("SELECT campaign_id FROM campaigns WHERE owner = 'kim@example.com'")
    with seen_spans() as spans:
        with tool_call(Tool.LEDGER_CLAIM):
            async with stored.database.read() as connection:
                await connection.execute(query)
        (call,) = spans.named(Tool.LEDGER_CLAIM)
        found = [span for span in spans.named(Tool.DATABASE_STATEMENT) if said(span)["db.operation.name"] == "SELECT"]
        assert "kim@example.com" not in spans.texts()
    assert found
    assert {said(span)["db.system.name"] for span in found} <= {"sqlite", "postgresql"}
    assert {span.parent and span.parent.span_id for span in found} == {of(call).span_id}


async def test_what_is_quick_is_none(stored: StoredCampaigns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_statements, "SLOW_SECONDS", 60.0)
    with seen_spans() as spans:
        async with stored.database.read() as connection:
            await connection.execute(text("SELECT 1"))
        assert spans.all() == []
