"""On SQLite every statement of the ledger finds its rows by an index, also in a database without ANALYZE."""

import re
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from databases import SqliteDatabases
from sqlalchemy import make_url
from stored_campaigns import CAMPAIGN, sent

from domain.message import ClaimedMessage, MessageKey
from domain.stopping import NEWEST, Judged
from storage import ledger_statements
from storage.campaigns import CampaignRows, judgement
from storage.database import Database
from storage.keys import Keys
from storage.ledger_sqlite import SqliteTransitions
from storage.sqlite_file import SqliteFile

LEADS = 20_000
LONGEST_SECONDS = 0.05
STATEMENTS = {
    name: text
    for name, text in vars(ledger_statements).items()
    if re.fullmatch(r"[A-Z][A-Z_]*", name) and isinstance(text, str) and name not in {"SETTLED", "BEGUN"}
}
"""SETTLED and BEGUN are the greater part of SETTLE and BEGIN."""
ASKED_AS_JSON = ("SETTLE", "BEGIN")


@pytest.fixture(scope="module")
def large_file(sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign of 20,000 messages of which the first hundred are in the air; no statistics."""
    path = tmp_path_factory.mktemp("large") / "outrider.db"
    path.write_bytes(sqlite_databases.migrated.read_bytes())
    numbers = range(1, LEADS + 1)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO campaigns (campaign_id, name, owner, spec, spec_sha256, status, control, dry_run, numbered,"
            " created_at) VALUES (?, 'n', 'o', '{}', '', 'running', 'run', 0, ?, 0)",
            (CAMPAIGN, LEADS),
        )
        connection.executemany(
            "INSERT INTO messages (campaign_id, number, step, message_id, recipient, address_identity, domain_identity,"
            " receiver, mailbox, basis, state, reason, token, attempts, scheduled_at)"
            " VALUES (?1, ?2, 1, ?2, '', ?2, 'd', '', 'relay', 'consent', ?3, '', 'one', 0, 0)",
            ((CAMPAIGN, number, "transmitting" if number <= 100 else "claimed") for number in numbers),
        )
        connection.execute(
            "INSERT INTO contacts (address_identity, campaign_id, contacted_at)"
            " SELECT address_identity, campaign_id, 0 FROM messages"
        )
    return path


def message(number: int) -> ClaimedMessage:
    return ClaimedMessage(
        key=MessageKey(CAMPAIGN, number, 1),
        token="one",
        attempts=1,
        first_attempt_at=datetime.now(UTC),
        message_id="",
        recipient="",
        subject="",
        text="",
        html="",
        opt_out_url="",
    )


def plan(path: Path, statement: str) -> list[str]:
    """SQLite's own words for how it would run the statement."""
    values = dict.fromkeys(re.findall(r":(\w+)", statement), "[]")
    with closing(sqlite3.connect(path)) as connection:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]


def test_all_statements_are_known_here() -> None:
    assert len(STATEMENTS) >= 15
    assert {"CLAIM", "SETTLE", "BEGIN", "RELEASE", "TALLY", "FORGET_CONTACT"} <= STATEMENTS.keys()


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_statement_reads_a_whole_table(large_file: Path, name: str) -> None:
    tables = r"SCAN (messages|leads|drafts|suppressions|contacts|campaigns|mailboxes|message_events)\b"
    steps = plan(large_file, STATEMENTS[name])
    assert not [step for step in steps if re.match(tables, step)], steps


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_search_is_over_a_whole_campaign(large_file: Path, name: str) -> None:
    """`campaign_id=?` alone would be as bad as a scan: the number, its range or an identity must be in the search."""
    whole = [step for step in plan(large_file, STATEMENTS[name]) if step.endswith("(campaign_id=?)")]
    assert [step for step in whole if "SEARCH campaigns" not in step] == []


@pytest.mark.parametrize("name", ASKED_AS_JSON)
def test_rows_asked_for_as_json_are_read_once(large_file: Path, name: str) -> None:
    assert "AS MATERIALIZED" in STATEMENTS[name]
    steps = plan(large_file, STATEMENTS[name])
    assert "MATERIALIZE asked" in steps, steps
    assert any(re.match(r"SEARCH messages USING (PRIMARY KEY|.*INDEX).*number=\?", step) for step in steps), steps
    assert {name for name, text in STATEMENTS.items() if "json_each" in text} == set(ASKED_AS_JSON)


def test_a_hundred_messages_of_twenty_thousand_are_settled_and_begun_quickly(large_file: Path) -> None:
    engine = SqliteFile(make_url(f"sqlite+aiosqlite:///{large_file}")).ledger_engine()
    settled = [sent(message(number)) for number in range(1, 101)]
    begun = [message(number) for number in range(101, 201)]
    with engine.begin() as connection:
        assert (
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'").scalar() == 0
        )
        transitions = SqliteTransitions(connection, 1)
        began = time.perf_counter()
        changed = transitions.settle(settled)
        settle_seconds = time.perf_counter() - began
        began = time.perf_counter()
        transmitting = transitions.begin(begun)
        begin_seconds = time.perf_counter() - began
    engine.dispose()
    assert (len(changed), len(transmitting)) == (100, 100)
    assert settle_seconds < LONGEST_SECONDS
    assert begin_seconds < LONGEST_SECONDS


@pytest.fixture(scope="module")
def settled_file(large_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of the 20,000 messages are settled, every fiftieth by a refusal."""
    path = tmp_path_factory.mktemp("settled") / "outrider.db"
    path.write_bytes(large_file.read_bytes())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE messages SET state = 'sent', reply_code = 250, settled_at = number")
        connection.execute("UPDATE messages SET state = 'failed', reply_code = 550 WHERE number % 50 = 0")
    return path


def test_the_breakers_read_the_newest_messages_and_no_others(settled_file: Path) -> None:
    statement = str(judgement(CAMPAIGN, NEWEST).compile(compile_kwargs={"literal_binds": True}))
    steps = plan(settled_file, statement)
    assert "SEARCH messages USING INDEX ix_messages_campaign_id_settled_at (campaign_id=? AND settled_at>?)" in steps
    assert not [step for step in steps if "TEMP B-TREE" in step], steps


async def test_the_breakers_judge_within_milliseconds(settled_file: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{settled_file}")
    campaigns = CampaignRows(database, Keys("a secret of the tests, long enough"))
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        judged = await campaigns.judged(CAMPAIGN, NEWEST)
        taken.append(time.perf_counter() - began)
    await database.close()
    assert judged == Judged(mails=500, bounces=10, complaints=0)
    assert min(taken) < LONGEST_SECONDS / 10
