"""What people and breakers ask of a campaign: one small state, changed here only."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple, Self

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from domain.lead_numbers import parse_lead_numbers
from domain.wire import (
    Approval,
    Breaker,
    ChangeKind,
    Control,
    ControlChange,
    ControlState,
    PastPause,
    Pause,
)
from workflows.log import log

_LONGEST_REASON = 200
_LONGEST_NAME = 60
_PAUSES_KEPT = 5
_UNKNOWN_KEPT = 20
_TICK = timedelta(milliseconds=1)
_OTHERS = "… and others"
_APPROVALS_KEPT = 20
_BY_SIGNAL = "a signal"


class Said(NamedTuple):
    """What came with a signal: texts in any order of reason and name, or an object with those fields."""

    reason: str
    by: str

    @classmethod
    def of(cls, arguments: Sequence[object]) -> Self:
        """Whatever was sent, as far as it is text; nothing is too odd to pause a campaign."""
        if arguments and isinstance(arguments[0], dict):
            first: dict[object, object] = arguments[0]
            return cls(_line(first.get("reason"), _LONGEST_REASON), _line(first.get("by"), _LONGEST_NAME) or _BY_SIGNAL)
        reason, by = (*arguments[:2], None, None)[:2]
        return cls(_line(reason, _LONGEST_REASON), _line(by, _LONGEST_NAME) or _BY_SIGNAL)


class Controls:
    """A campaign's ControlState with the transitions it can take. Each answers whether something changed."""

    def __init__(self, campaign_id: str, state: ControlState) -> None:
        """`state` is changed in place and survives continue-as-new."""
        self.campaign_id = campaign_id
        self.state = state
        self.starts_over = False
        self.over = False
        """The report is being written: there is nothing left to pause."""
        self._stale = False

    @property
    def wanted(self) -> Control:
        """What is wanted now."""
        if self.state.ended is not None:
            return Control.END
        return Control.RUN if self.state.paused is None else Control.HOLD

    @property
    def settled(self) -> bool:
        """Whether the campaign's row says the same."""
        return not self.state.unwritten and not self._stale

    def pause(self, said: Said, breaker: Breaker | None = None) -> bool:
        """Let nothing start. The first reason stays until somebody resumes."""
        if self.over or self.wanted is not Control.RUN:
            return False
        change = self._note(ChangeKind.PAUSED, said)
        self.state.paused = Pause(since=change.at, by=said.by, reason=said.reason, breaker=breaker)
        self.state.pause_count += 1
        log("campaign.paused", breaker=breaker or "")
        return True

    def resume(self, said: Said) -> bool:
        """Go on."""
        paused = self.state.paused
        if paused is None or self.wanted is Control.END:
            return False
        change = self._note(ChangeKind.RESUMED, said)
        past = PastPause(since=paused.since, until=change.at, by=paused.by, resumed_by=said.by, reason=paused.reason)
        self.state.pauses = [*self.state.pauses, past][-_PAUSES_KEPT:]
        self.state.paused = None
        log("campaign.resumed", paused_since=paused.since.isoformat())
        return True

    def cancel(self, said: Said) -> bool:
        """End the campaign: nothing leaves from now on."""
        if self.state.ended is not None:
            return False
        self.state.ended = self._note(ChangeKind.CANCELLED, said)
        log("campaign.cancelled")
        return True

    def ended_before(self) -> None:
        """Somebody had cancelled the campaign before this workflow began, and the row knows."""
        self.state.ended = ControlChange(kind=ChangeKind.CANCELLED, at=workflow.now())

    def paused_before(self, pause: Pause) -> None:
        """Somebody had paused it before; unless more has been asked since, it stays so."""
        if self.settled and self.state.pause_count == 0 and self.wanted is Control.RUN:
            self.state.paused = pause

    def cancelled_in_temporal(self) -> None:
        """A cancellation that Temporal itself knows of, with or without the signal before it."""
        self.state.cancellation_requested = True
        self.cancel(Said("", "temporal workflow cancel"))

    def approve(self, arguments: Sequence[object]) -> None:
        """Approve drafts: the lead numbers in the first text, `all` or nothing = all that wait now.

        Raises ValueError when the text is neither, or when too many wait.
        """
        if len(self.state.approvals) >= _APPROVALS_KEPT:
            raise ValueError("too many approvals wait to be written down; try again in a moment")
        leads, by = (*arguments[:2], None, None)[:2]
        self.state.approvals.append(
            Approval(campaign_id=self.campaign_id, by=_line(by, _LONGEST_NAME) or _BY_SIGNAL, leads=_numbers(leads))
        )

    def retry(self) -> None:
        """Look at all windows again: rows that were done are open. Whoever opened them has written down who it was."""
        self.starts_over = True

    def unknown(self, name: str) -> None:
        """Keep the name of a signal that nobody knows."""
        kept = _line(name, _LONGEST_NAME)
        if kept not in self.state.unknown_signals and len(self.state.unknown_signals) >= _UNKNOWN_KEPT:
            kept = _OTHERS
        self.state.unknown_signals[kept] = self.state.unknown_signals.get(kept, 0) + 1

    def disown(self) -> None:
        """The row says something else: write it again."""
        self._stale = True

    def written(self, changes: Sequence[ControlChange], wanted: Control) -> None:
        """The row says `wanted`, and knows these changes."""
        self.state.unwritten = [change for change in self.state.unwritten if change not in changes]
        self._stale = wanted is not self.wanted

    @staticmethod
    def check_numbers(arguments: Sequence[object]) -> None:
        """Raise ValueError unless the first of them are lead numbers, `all` or nothing."""
        _numbers(arguments[0] if arguments else None)

    def check(self, arguments: Sequence[object]) -> None:
        """For updates, which can be refused: raises ApplicationError with one line."""
        if len(arguments) > 2 or not all(isinstance(one, str) for one in arguments):  # noqa: PLR2004 a reason and a name
            raise refused("this takes a reason and a name, both texts")
        if self.state.ended is not None:
            raise refused(f"{self.campaign_id} is being cancelled")
        if self.over:
            raise refused(f"{self.campaign_id} is over; its report is being written")

    def _note(self, kind: ChangeKind, said: Said) -> ControlChange:
        at = workflow.now()
        if self.state.unwritten:  # several in one workflow task, as after an hour without a worker: each has its time
            at = max(at, self.state.unwritten[-1].at + _TICK)
        change = ControlChange(kind=kind, at=at, by=said.by, reason=said.reason)
        self.state.unwritten.append(change)
        return change


def refused(line: str) -> ApplicationError:
    """The error of an update that is refused."""
    return ApplicationError(line, type="Refused", non_retryable=True)


def _numbers(leads: object) -> list[tuple[int, int]] | None:
    """Spans of lead numbers; None = all."""
    text = str(leads).strip() if isinstance(leads, (str, int)) and not isinstance(leads, bool) else ""
    if leads is not None and not text:
        raise ValueError("write lead numbers such as 1,4,10-20, or all")
    return None if leads is None or text == "all" else parse_lead_numbers(text)


def _line(value: object, longest: int) -> str:
    """A text as one short line without control characters; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    return "".join(letter for letter in " ".join(value.split()) if letter.isprintable())[:longest]
