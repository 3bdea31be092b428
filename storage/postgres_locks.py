"""Who may write at the same moment on PostgreSQL: the promise of SQLite's single writer, in two steps.

There is one gate for the whole database and one room for each campaign, both advisory locks that end with their
transaction. Whoever may touch rows of several campaigns or of none (suppressions, mailboxes, contacts) has the gate
for himself: nobody else writes meanwhile. Whoever changes rows of one campaign shares the gate and has that campaign's
room for himself. The ledger's everyday transitions share both, because each is a compare-and-set on a row of its own;
yet no control, decision, suppression or reservation can change between their look at it and their commit.

A statement sees what was committed before it began, so the locks are taken by a statement of their own. Gate before
room, rooms in their order: nobody waits in a circle. The server hands these locks out in the order of asking, so a
busy ledger starves no one; row locks (FOR SHARE) would let newcomers past whoever wants the row for himself.
"""

import zlib
from collections.abc import Iterable

from sqlalchemy import Connection

_GATE = 0x6F757472  # "outr"

_ALONE = "SELECT pg_advisory_xact_lock($1::bigint)"
_IN_ROOM = "SELECT pg_advisory_xact_lock_shared($1::bigint), pg_advisory_xact_lock($2::int, $3::int)"
_SHARED = (
    "SELECT pg_advisory_xact_lock_shared($1::bigint)"
    " UNION ALL SELECT pg_advisory_xact_lock_shared($2::int, room) FROM unnest($3::int[]) AS rooms(room)"
)


def alone(connection: Connection) -> None:
    """Nobody else writes anything until this transaction ends."""
    connection.exec_driver_sql(_ALONE, (_GATE,))


def alone_in(connection: Connection, campaign_id: str) -> None:
    """Nobody else writes anything of this campaign until this transaction ends."""
    connection.exec_driver_sql(_IN_ROOM, (_GATE, _GATE, _room(campaign_id)))


def together(connection: Connection, campaign_ids: Iterable[str]) -> None:
    """Others may do their transitions beside this transaction, and nothing else."""
    connection.exec_driver_sql(_SHARED, (_GATE, _GATE, sorted({_room(one) for one in campaign_ids})))


def _room(campaign_id: str) -> int:
    """A signed 32-bit number. Two campaigns with the same one wait for each other, and nothing worse."""
    return int.from_bytes(zlib.crc32(campaign_id.encode()).to_bytes(4), signed=True)
