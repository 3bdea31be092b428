"""On PostgreSQL every statement of the ledger finds its rows by an index, also as a plan for any values."""

import json
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from databases import PostgresDatabases
from sqlalchemy import Connection, make_url
from sqlalchemy.ext.asyncio import AsyncConnection
from stored_campaigns import CAMPAIGN, sent

from domain.message import ClaimedMessage, MessageKey
from domain.stopping import NEWEST
from storage import ledger_postgres_statements, ledger_statements
from storage.campaigns import judgement
from storage.ledger_postgres import PostgresTransitions, typed
from storage.postgres_server import PostgresServer

LONGEST_SECONDS = 0.1
OF_SQLITE = {"SETTLE", "BEGIN", "SETTLED", "BEGUN"}
"""Texts that PostgreSQL has others for."""
STATEMENTS = {
    name: text
    for name, text in vars(ledger_statements).items()
    if re.fullmatch(r"[A-Z][A-Z_]*", name) and isinstance(text, str) and name not in OF_SQLITE
} | {"SETTLE": ledger_postgres_statements.SETTLE, "BEGIN": ledger_postgres_statements.BEGIN}

FILL = """
INSERT INTO campaigns (campaign_id, name, owner, spec, spec_sha256, status, control, dry_run, numbered, created_at)
  SELECT campaign, 'n', 'o', '{}', '', 'running', 'run', false, 20000, 0
  FROM unnest(ARRAY['campaign-a', 'other']) AS campaign;
INSERT INTO leads (campaign_id, number, source_identity, address_identity, domain_identity, email, name, company,
    location, timezone, permission_basis, extra, source, opt_out_token, created_at)
  SELECT campaign_id, n, n, campaign_id || n, 'd', '', '', '', '', '', '', '{}', '', left(campaign_id, 9) || n, 0
  FROM campaigns, generate_series(1, 20000) AS n;
INSERT INTO drafts (campaign_id, number, step, subject, text, html, opt_out_url, author, version, fingerprint,
    created_at, decision)
  SELECT campaign_id, number, 1, 's', 't', 'h', '', 'template', 'v', 'f', 0, 'approved' FROM leads;
INSERT INTO messages (campaign_id, number, step, message_id, recipient, address_identity, domain_identity, receiver,
    mailbox, basis, state, reason, token, attempts, scheduled_at, settled_at)
  SELECT campaign_id, number, 1, campaign_id || number, '', address_identity, 'd', '', 'relay', 'consent',
    CASE WHEN campaign_id <> 'campaign-a' THEN 'sent' WHEN number <= 100 THEN 'transmitting' ELSE 'claimed' END, '',
    'one', 0, 0, CASE WHEN campaign_id <> 'campaign-a' THEN number END FROM leads;
INSERT INTO contacts (address_identity, campaign_id, contacted_at)
  SELECT address_identity, campaign_id, 0 FROM messages;
INSERT INTO message_events (campaign_id, number, step, at, state, cause)
  SELECT campaign_id, number, step, 0, state, 'claim' FROM messages;
INSERT INTO suppressions (identity, kind, reason, source, since) SELECT 'x' || n, 'address', '', '', 0
  FROM generate_series(1, 20000) AS n;
ANALYZE
"""


@pytest.fixture(scope="module")
async def server(postgres: PostgresDatabases) -> AsyncIterator[PostgresServer]:
    """Two campaigns of 20,000 messages; of the first a hundred are in the air, the second is over."""
    with postgres.new() as url:
        opened = PostgresServer(make_url(url))
        async with opened.engine.connect() as connection:
            for statement in FILL.split(";"):
                await connection.exec_driver_sql(statement)
            await connection.commit()
        yield opened
        await opened.engine.dispose()


def scans(node: dict[str, Any]) -> list[str]:
    """The tables that a plan reads from end to end. One row that is there is one page to read."""
    found = [node["Relation Name"]] if node["Node Type"] == "Seq Scan" else []
    return [*found, *(name for inner in node.get("Plans", []) for name in scans(inner))]


def walks(node: dict[str, Any]) -> list[str]:
    """The searches that go over a whole campaign, which is as bad as reading the table."""
    found = []
    if node.get("Relation Name", node.get("Index Name")) and "campaign_id" in (condition := node.get("Index Cond", "")):
        found = [] if re.search(r"number|identity|settled_at", condition) else [f"{node}"]
    return [*found, *(step for inner in node.get("Plans", []) for step in walks(inner))]


async def plan(connection: AsyncConnection, statement: str) -> dict[str, Any]:
    """PostgreSQL's own words for how it would run the statement for whatever values."""
    compiled = str(typed(statement).compile(dialect=connection.dialect))
    values = ", ".join("NULL" for _ in set(re.findall(r"\$\d+", compiled)))
    await connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
    await connection.exec_driver_sql(f"PREPARE asked AS {compiled}")
    asked = f"EXECUTE asked({values})" if values else "EXECUTE asked"
    found = (await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {asked}")).scalar_one()
    await connection.exec_driver_sql("DEALLOCATE asked")
    (described,) = json.loads(found) if isinstance(found, str) else found
    planned: dict[str, Any] = described["Plan"]
    return planned


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


def test_all_statements_are_known_here() -> None:
    assert len(STATEMENTS) >= 15
    assert {"CLAIM", "SETTLE", "BEGIN", "RELEASE", "TALLY", "FORGET_CONTACT"} <= STATEMENTS.keys()


@pytest.mark.parametrize("name", STATEMENTS)
async def test_no_statement_reads_a_whole_table(server: PostgresServer, name: str) -> None:
    async with server.engine.connect() as connection:
        planned = await plan(connection, STATEMENTS[name])
    assert set(scans(planned)) <= {"campaigns", "mailboxes"}, "two rows, and none"
    assert [step for step in walks(planned) if "pk_campaigns" not in step] == []


async def test_the_search_for_scans_finds_one(server: PostgresServer) -> None:
    async with server.engine.connect() as connection:
        assert scans(await plan(connection, "SELECT * FROM messages WHERE reason = :reason")) == ["messages"]
        await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        whole = await plan(connection, "SELECT * FROM messages WHERE campaign_id = :campaign_id AND step = :step")
        assert len(walks(whole)) == 1


async def test_a_hundred_messages_of_twenty_thousand_are_settled_and_begun_quickly(server: PostgresServer) -> None:
    def timed(connection: Connection) -> list[float]:
        transitions = PostgresTransitions(connection, 1)
        taken = [time.perf_counter()]
        assert len(transitions.settle([sent(message(number)) for number in range(1, 101)])) == 100
        taken.append(time.perf_counter())
        assert len(transitions.begin([message(number) for number in range(101, 201)])) == 100
        taken.append(time.perf_counter())
        return [after - before for before, after in pairwise(taken)]

    async with server.engine.connect() as connection:
        seconds = await connection.run_sync(timed)
    assert max(seconds) < LONGEST_SECONDS


async def test_the_breakers_read_the_newest_messages_and_no_others(server: PostgresServer) -> None:
    statement = judgement("other", NEWEST).compile(
        dialect=server.engine.dialect, compile_kwargs={"literal_binds": True}
    )
    async with server.engine.connect() as connection:
        planned = str((await connection.exec_driver_sql(f"EXPLAIN {statement}")).all())
    assert "Backward using ix_messages_campaign_id_settled_at" in planned, planned
    assert "Sort" not in planned
