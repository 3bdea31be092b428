"""Several workers at the same moment: each has its own ledger, and what one of them promises holds for all."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from databases import ONLY_POSTGRESQL
from local_world import spec
from stored_campaigns import CAMPAIGN, OTHER, StoredCampaigns, change, failed, new_message, rules, sent

from domain.message import ClaimedMessage, MessageKey
from domain.review import Edited
from domain.wire import ChangeKind, Control
from storage.ledger import GroupingLedger, ledger_of

PEOPLE = 120
WINDOW = 20
WORKERS = 3
QUARTER = timedelta(days=90)

SLOW_BEGIN = """
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE UPDATE ON messages FOR EACH ROW WHEN (NEW.state = 'transmitting') EXECUTE FUNCTION dawdle()
"""
DEADLOCK = """
CREATE FUNCTION deadlock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'deadlock detected by the test' USING ERRCODE = 'deadlock_detected'; END $$;
CREATE TRIGGER deadlock BEFORE UPDATE ON messages FOR EACH ROW WHEN (NEW.state = 'sent') EXECUTE FUNCTION deadlock()
"""


@pytest.fixture
async def ledgers(stored: StoredCampaigns) -> AsyncIterator[list[GroupingLedger]]:
    """One ledger for each worker."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(ledger_of(stored.database)) for _ in range(WORKERS)]


async def work(
    ledger: GroupingLedger, campaign_id: str, token: str, firsts: list[int], begun: Counter[MessageKey]
) -> None:
    """Claim and send window after window, as a worker does; every tenth mail is refused for good."""

    async def lane(messages: list[ClaimedMessage]) -> None:
        for message in messages:
            if await ledger.advance(None, message):
                begun[message.key] += 1
                await ledger.advance(failed(message) if message.key.number % 10 == 0 else sent(message), None)

    for first in firsts:
        asked = rules(cool_down=QUARTER)
        claimed = await ledger.claim(campaign_id, first, first + WINDOW - 1, f"{token}-{first}", asked)
        await asyncio.gather(*(lane(claimed[start::5]) for start in range(5)))


async def test_workers_at_the_same_windows_hand_nobody_over_twice(
    stored: StoredCampaigns, ledgers: list[GroupingLedger]
) -> None:
    await stored.schedule(leads=PEOPLE)
    begun: Counter[MessageKey] = Counter()
    firsts = list(range(1, PEOPLE, WINDOW))
    await asyncio.gather(
        *(work(ledger, CAMPAIGN, f"worker{index}", firsts, begun) for index, ledger in enumerate(ledgers))
    )
    assert set(begun.values()) <= {1}, "handed over twice"
    states = Counter(stored.states())
    assert sum(states.values()) == PEOPLE
    assert states["sent"] + states["failed"] + states["in_doubt"] == len(begun)


async def test_campaigns_to_the_same_people_at_once_write_to_each_of_them_once(
    stored: StoredCampaigns, ledgers: list[GroupingLedger]
) -> None:
    """They meet the same people in opposite orders, which is what a deadlock needs; and none is reported."""
    for campaign_id in (CAMPAIGN, OTHER):
        await stored.schedule(campaign_id, leads=PEOPLE)
    begun: Counter[MessageKey] = Counter()
    firsts = list(range(1, PEOPLE, WINDOW))
    await asyncio.wait_for(
        asyncio.gather(
            work(ledgers[0], CAMPAIGN, "one", firsts, begun),
            work(ledgers[1], OTHER, "two", firsts[::-1], begun),
            work(ledgers[2], OTHER, "three", firsts[1::2], begun),
        ),
        45,
    )
    assert set(begun.values()) == {1}
    sent_to = Counter(
        row["recipient"]
        for row in stored.rows("SELECT recipient FROM messages WHERE state IN ('sent', 'in_doubt', 'transmitting')")
    )
    assert set(sent_to.values()) == {1}, "somebody heard from both campaigns"
    assert len(sent_to) >= PEOPLE * 0.9


async def test_leads_that_several_workers_draft_at_once_are_stored_once(stored: StoredCampaigns) -> None:
    await asyncio.gather(*(stored.schedule(f"campaign-{number}", leads=30) for number in range(4)))
    for number in range(4):
        assert stored.states(f"campaign-{number}") == ["scheduled"] * 30


async def hold(stored: StoredCampaigns) -> None:
    await stored.write_control(Control.HOLD, change(ChangeKind.PAUSED))


async def suppress(stored: StoredCampaigns) -> None:
    await stored.suppressions.add(["example.com"], "asked", "a person")


async def opt_out(stored: StoredCampaigns) -> None:
    assert await stored.suppressions.opt_out((await stored.leads.get(CAMPAIGN, 1)).opt_out_token)


async def stop(stored: StoredCampaigns) -> None:
    await stored.mailboxes.stop("relay", "refused_sender")


@ONLY_POSTGRESQL
@pytest.mark.parametrize("wish", [hold, suppress, opt_out, stop])
async def test_when_a_wish_is_written_nothing_is_about_to_begin_behind_its_back(
    stored: StoredCampaigns, ledger: GroupingLedger, wish: Callable[[StoredCampaigns], Awaitable[None]]
) -> None:
    """A begin that has looked before the wish commits before it too; whatever looks later sees it."""
    await stored.schedule(leads=2)
    first, second = await ledger.claim(CAMPAIGN, 1, 2, "one", rules())
    stored.execute(SLOW_BEGIN)
    beginning = asyncio.create_task(ledger.advance(None, first))
    await asyncio.sleep(0.1)
    assert stored.states() == ["claimed", "claimed"]
    await wish(stored)
    assert stored.states()[0] == "transmitting"
    assert await beginning
    if wish is opt_out:
        assert stored.message(1)["outcome"] == "unsubscribed"
    else:
        assert await ledger.advance(None, second) is False


@ONLY_POSTGRESQL
async def test_a_draft_that_is_being_edited_is_not_claimed(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    """The edit takes the approval back: a claim that has not seen it yet must not send the new text unseen."""
    reviewed = spec(review={"mode": "all"})
    await stored.schedule(leads=1, of=reviewed)
    stored.execute(SLOW_BEGIN.replace("ON messages", "ON drafts").replace("NEW.state = 'transmitting'", "true"))
    text = new_message(CAMPAIGN, 1, "person1@example.com").draft.model_copy(update={"subject": "Another"})
    edit = Edited(draft=text, by="dana", fingerprint="1" * 64, seen=stored.fingerprint(), approved=False)
    editing = asyncio.create_task(stored.reviews.edit(CAMPAIGN, edit))
    await asyncio.sleep(0.1)
    assert await ledger.claim(CAMPAIGN, 1, 1, "one", rules()) == []
    await editing
    assert stored.states() == ["scheduled"]


@ONLY_POSTGRESQL
async def test_a_deadlock_costs_no_known_answer(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=1)
    (message,) = await ledger.claim(CAMPAIGN, 1, 1, "one", rules())
    assert await ledger.advance(None, message)
    stored.execute(DEADLOCK)
    recording = asyncio.create_task(ledger.advance(sent(message), None))
    await asyncio.sleep(0.1)
    assert not recording.done()
    stored.execute("DROP TRIGGER deadlock ON messages")
    await asyncio.wait_for(recording, 5)
    assert stored.states() == ["sent"]
