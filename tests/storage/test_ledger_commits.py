"""Commits by demand: what is asked for at the same time lands in one transaction, all of it or nothing."""

import asyncio
from contextlib import ExitStack

import pytest
from databases import ONLY_POSTGRESQL, ONLY_SQLITE
from raw_rows import is_postgres, other_writer
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from stored_campaigns import CAMPAIGN, StoredCampaigns, rules, sent

from domain.message import ClaimedMessage
from storage.ledger import GroupingLedger, PostgresLedger, SqliteLedger, ledger_of


async def claim(ledger: GroupingLedger) -> list[ClaimedMessage]:
    return await ledger.claim(CAMPAIGN, 1, 100, "one", rules())


def counted_commits(ledger: GroupingLedger) -> list[object]:
    """A list that gets an entry with each commit from now on."""
    commits: list[object] = []
    assert isinstance(ledger, (SqliteLedger, PostgresLedger))
    engine = ledger._engine if isinstance(ledger, SqliteLedger) else ledger._engine.sync_engine
    event.listen(engine, "commit", commits.append)
    return commits


def refuse(stored: StoredCampaigns, number: int, state: str) -> None:
    """From now on the database refuses that message's change to that state."""
    condition = f"NEW.number = {number} AND NEW.state = '{state}'"
    if is_postgres(stored.url):
        stored.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'refused by the test' USING ERRCODE = 'check_violation'; END $$"
        )
        stored.execute(
            f"CREATE TRIGGER refused BEFORE UPDATE ON messages FOR EACH ROW WHEN ({condition})"
            " EXECUTE FUNCTION refuse()"
        )
    else:
        stored.execute(
            f"CREATE TRIGGER refused BEFORE UPDATE ON messages WHEN {condition}"
            " BEGIN SELECT RAISE(ABORT, 'refused by the test'); END"
        )


def refuse_no_more(stored: StoredCampaigns) -> None:
    """The trigger goes."""
    stored.execute("DROP TRIGGER refused" + (" ON messages" if is_postgres(stored.url) else ""))


async def test_what_twenty_connections_ask_for_at_once_is_one_commit(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=40)
    messages = await claim(ledger)
    commits = counted_commits(ledger)
    assert all(await asyncio.gather(*(ledger.advance(None, message) for message in messages[:20])))
    assert len(commits) == 1
    pairs = zip(messages[:20], messages[20:], strict=True)
    assert all(await asyncio.gather(*(ledger.advance(sent(last), following) for last, following in pairs)))
    assert len(commits) == 2
    assert stored.states() == ["sent"] * 20 + ["transmitting"] * 20


async def test_what_is_asked_for_during_a_commit_shares_the_next_one(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=10)
    messages = await claim(ledger)
    commits = counted_commits(ledger)
    with other_writer(stored.url) as release:
        first = asyncio.create_task(ledger.advance(None, messages[0]))
        await asyncio.sleep(0.05)  # its commit waits for the lock
        others = [asyncio.create_task(ledger.advance(None, message)) for message in messages[1:]]
        await asyncio.sleep(0.05)
        release()
        assert all(await asyncio.gather(first, *others))
    assert len(commits) == 2


async def test_record_and_begin_are_one_commit_or_none(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=2)
    first, second = await claim(ledger)
    await ledger.advance(None, first)
    refuse(stored, 2, "transmitting")
    with pytest.raises(IntegrityError, match="refused by the test"):
        await ledger.advance(sent(first), second)
    assert stored.states() == ["transmitting", "claimed"]
    refuse_no_more(stored)
    assert await ledger.advance(sent(first), second)
    assert stored.states() == ["sent", "transmitting"]


async def test_a_commit_that_fails_reaches_everybody_who_asked_and_the_next_one_works(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=5)
    messages = await claim(ledger)
    refuse(stored, 3, "transmitting")
    asked = [ledger.advance(None, message) for message in messages]
    outcomes = await asyncio.gather(*asked, ledger.tally(CAMPAIGN, 1, 5), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [IntegrityError] * 6
    assert stored.states() == ["claimed"] * 5
    others = [message for message in messages if message.key.number != 3]
    assert await asyncio.gather(*(ledger.advance(None, message) for message in others)) == [True] * 4
    assert (await ledger.tally(CAMPAIGN, 1, 5)).counts == {"claimed": 1, "transmitting": 4}


@ONLY_SQLITE
async def test_a_database_that_fails_for_a_moment_costs_no_answer(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    """What the relay said is known only here: a full disk must not turn it into a doubt."""
    await stored.schedule(leads=2)
    first, second = await claim(ledger)
    await ledger.advance(None, first)
    stored.execute("ALTER TABLE messages RENAME TO away")
    asked = asyncio.create_task(ledger.advance(sent(first), second))
    await asyncio.sleep(0.1)
    stored.execute("ALTER TABLE away RENAME TO messages")
    assert await asyncio.wait_for(asked, 10)
    assert stored.states() == ["sent", "transmitting"]
    assert stored.trail(1)[-2:] == [("transmitting", "begin"), ("sent", "confirm")]


@ONLY_POSTGRESQL
async def test_a_server_that_drops_its_connections_costs_no_answer(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2)
    first, second = await claim(ledger)
    await ledger.advance(None, first)
    cut = "SELECT count(pg_terminate_backend(pid)) AS cut FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    (row,) = stored.rows(f"{cut} AND datname = current_database()")
    assert row["cut"] >= 1
    assert await asyncio.wait_for(ledger.advance(sent(first), second), 10)
    assert stored.states() == ["sent", "transmitting"]
    assert stored.trail(1)[-2:] == [("transmitting", "begin"), ("sent", "confirm")]


async def test_leaving_writes_what_was_asked_for_and_answers(stored: StoredCampaigns) -> None:
    await stored.schedule(leads=6)
    with ExitStack() as locks:
        async with ledger_of(stored.database) as ledger:
            messages = await claim(ledger)
            release = locks.enter_context(other_writer(stored.url))
            first = asyncio.create_task(ledger.advance(None, messages[0]))
            await asyncio.sleep(0.05)  # its commit waits for the lock
            others = [asyncio.create_task(ledger.advance(None, message)) for message in messages[1:]]
            await asyncio.sleep(0)
            asyncio.get_running_loop().call_later(0.1, release)
    assert await asyncio.wait_for(asyncio.gather(first, *others), 5) == [True] * 6
    assert stored.states() == ["transmitting"] * 6


async def test_leaving_an_idle_ledger_is_at_once(stored: StoredCampaigns) -> None:
    async with asyncio.timeout(5), ledger_of(stored.database):
        pass


async def test_an_asker_who_is_cancelled_keeps_nobody_else_from_their_answer(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2)
    first, second = await claim(ledger)
    impatient = asyncio.create_task(ledger.advance(None, first))
    patient = asyncio.create_task(ledger.advance(None, second))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient
    assert stored.states() == ["transmitting", "transmitting"]


@ONLY_SQLITE
async def test_the_ledgers_commits_survive_a_power_cut(ledger: SqliteLedger) -> None:
    with ledger._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2, "FULL"
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


@ONLY_POSTGRESQL
async def test_the_ledgers_commits_survive_a_crash_of_the_server(ledger: PostgresLedger) -> None:
    async with ledger._engine.connect() as connection:
        assert (await connection.exec_driver_sql("SHOW synchronous_commit")).scalar_one() == "on"


async def test_a_database_that_is_locked_for_a_while_costs_no_known_answer(
    stored: StoredCampaigns, ledger: SqliteLedger | PostgresLedger
) -> None:
    """The lock outlasts the database's own patience; the 250 is recorded all the same, and no doubt is left."""
    await stored.schedule(leads=1)
    (message,) = await claim(ledger)
    assert await ledger.advance(None, message) is True
    if isinstance(ledger, SqliteLedger):
        with ledger._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=20")
    else:
        async with ledger._engine.begin() as session:
            await session.exec_driver_sql("SET lock_timeout = '20ms'")
    with other_writer(stored.url):
        recording = asyncio.create_task(ledger.advance(sent(message), None))
        await asyncio.sleep(0.1)
        assert not recording.done()
    await recording
    assert stored.states() == ["sent"]


@ONLY_SQLITE
async def test_whoever_has_nothing_to_record_leaves_while_the_database_is_locked(stored: StoredCampaigns) -> None:
    with other_writer(stored.url):
        async with asyncio.timeout(5), ledger_of(stored.database):
            await asyncio.sleep(0)
