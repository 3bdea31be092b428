"""The send ledger's transitions inside one transaction, the same on every database.

A transition answers with the rows that really changed, and each change leaves one row in the audit trail.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, CursorResult

from domain.message import OPEN_STATES, ClaimedMessage, MessageKey, MessageState
from domain.ports import ClaimRules, Settlement, WindowTally
from storage import ledger_statements as sql
from storage.schema import from_stored
from telemetry.tracing import TraceIds

Changed = Mapping[MessageKey, str | None]
"""The rows that changed, each with the token of the attempt that it belongs to."""


class Window(NamedTuple):
    """Lead numbers of one campaign, both ends included."""

    campaign_id: str
    first: int
    last: int


class Transitions(ABC):
    """What a dialect adds: how rows are named to it, and how their changes get into the audit trail."""

    def __init__(self, connection: Connection, now: int) -> None:
        """`connection` is in a transaction that may write; `now` in milliseconds since the epoch."""
        self._connection = connection
        self._now = now
        self.ids = TraceIds()
        """Where the transitions of windows are asked for."""
        self.traced: Mapping[MessageKey, TraceIds] = {}
        """The same for single messages."""

    def claim(self, asked: Window, token: str, rules: ClaimRules) -> list[ClaimedMessage]:
        """See domain.ports.Ledger."""
        window = {**asked._asdict(), "token": token}
        due = {**window, "now": self._now}
        doubt = ("scheduled", "resent_in_doubt") if rules.resend_doubts else ("in_doubt", "attempt_died")
        self._change(sql.DOUBT, {**window, "state": doubt[0], "reason": doubt[1], "next_at": None}, *doubt)
        if rules.expired:
            self._forget_contacts(self._change(sql.EXPIRE, asked._asdict(), "skipped", "not_after"))
            return []
        self._forget_contacts(self._change(sql.SUPPRESS, asked._asdict(), "skipped", "suppressed"))
        if not rules.may_start:
            return []
        if not rules.dry_run:
            untouched = {**asked._asdict(), "now": self._now}
            cutoff = self._now - 1000 * rules.cool_down_seconds
            self._run(sql.RESERVE_CONTACTS, {**untouched, "cutoff": cutoff})
            self._change(sql.COOL_DOWN, untouched, "skipped", "contacted_recently")
            self._run(sql.WAIT_FOR_CONTACT, untouched)
        self._change(sql.CLAIM, {**due, "dry_run": rules.dry_run}, "claimed", "claim")
        return [
            ClaimedMessage(
                key=MessageKey(asked.campaign_id, row.number, row.step),
                token=token,
                attempts=row.attempts + 1,
                first_attempt_at=from_stored(row.first_attempt_at or self._now),
                refused_before=row.reason,
                fingerprint=row.fingerprint,
                message_id=row.message_id,
                recipient=row.recipient,
                subject=row.subject,
                text=row.text,
                html=row.html,
                opt_out_url=row.opt_out_url,
            )
            for row in self._run(sql.CLAIMED, window)
        ]

    def settle(self, settlements: Sequence[Settlement]) -> Changed:
        """Record how transmissions ended."""
        if not settlements:
            return {}
        changed = self._settle(settlements)
        for settlement in settlements:
            if changed.get(settlement.message.key) == settlement.message.token:
                self._consequences(settlement)
        return changed

    def begin(self, messages: Sequence[ClaimedMessage]) -> Changed:
        """Move claimed messages to transmitting: those may be transmitted, each by its token's owner."""
        return self._begin(messages) if messages else {}

    def release(self, asked: Window, token: str) -> None:
        """Give back what was claimed and not begun."""
        window = {**asked._asdict(), "token": token}
        self._forget_contacts(self._change(sql.RELEASE, window, "scheduled", "release"))

    def cancel(self, asked: Window) -> None:
        """See domain.ports.Ledger: whoever was transmitting here is dead or will say so with a late confirmation."""
        window = asked._asdict()
        doubt = {"state": MessageState.IN_DOUBT, "reason": "attempt_died", "next_at": None, "token": ""}
        self._change(sql.DOUBT, {**window, **doubt}, MessageState.IN_DOUBT, "attempt_died")
        self._forget_contacts(self._change(sql.CANCEL, window, "skipped", "cancelled"))
        self._run(sql.CANCEL_LEADS, window)

    def tally(self, asked: Window) -> WindowTally:
        """Count a window's messages by state."""
        rows: Sequence[Any] = self._run(sql.TALLY, asked._asdict()).all()
        opened = [row for row in rows if row[0] in OPEN_STATES]
        due = [row[2] for row in opened if row[2] is not None]
        return WindowTally(
            counts={row[0]: row[1] for row in rows},
            open=sum(row[1] for row in opened),
            next_at=from_stored(min(due)) if due else None,
            undecided=sum(row[3] for row in opened),
        )

    @abstractmethod
    def _run(self, statement: str, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> CursorResult[Any]:
        """One statement; a sequence of values runs it for each of them."""

    @abstractmethod
    def _change(self, statement: str, values: Mapping[str, Any], state: str, cause: str) -> Changed:
        """A transition of a window, with one audit row for each row that it changed."""

    @abstractmethod
    def _settle(self, settlements: Sequence[Settlement]) -> Changed: ...

    @abstractmethod
    def _begin(self, messages: Sequence[ClaimedMessage]) -> Changed: ...

    def _consequences(self, settlement: Settlement) -> None:
        key, verdict = settlement.message.key, settlement.verdict
        row = {**key._asdict(), "now": self._now}
        if verdict.state not in (MessageState.SENT, MessageState.IN_DOUBT):
            self._forget_contacts([key])
        if verdict.suppress:
            self._run(sql.SUPPRESS_ADDRESS, row)
        if verdict.stop_mailbox:
            self._run(sql.STOP_MAILBOX, {**row, "reason": verdict.reason})

    def _forget_contacts(self, keys: Iterable[MessageKey]) -> None:
        rows = [key._asdict() for key in keys]
        if rows:
            self._run(sql.FORGET_CONTACT, rows)


def changed_rows(found: Iterable[Any]) -> Changed:
    """Rows of (campaign_id, number, step, token)."""
    return {MessageKey(row[0], row[1], row[2]): row[3] for row in found}
