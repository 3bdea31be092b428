"""Windows of lead numbers through overlapping stages. Knows no stage by name.

The rows say what is done; this says only which numbers are ready, running, due later, or handed to the next stage. A
window whose activity ends in any way but success goes back to ready, so no pause, crash, retry or reset can lose it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import islice
from typing import Protocol

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, RetryState
from temporalio.exceptions import TimeoutError as ActivityTimeout

from domain.campaign import Stage
from domain.wire import Control, Hold, HoldReason, LaterWindow, PipelineState, StageState, Trip, WindowResult
from workflows.options import FAILED_WINDOW_LIMIT, FAILED_WINDOW_LONGEST_PAUSE, FAILED_WINDOW_PAUSE

_SOONEST = timedelta(seconds=1)
"""Nothing starts again sooner: a worker's clock may be behind, and what it calls later could be now for ever."""


class Left(Enum):
    """Why the pipeline was left."""

    EMPTY = auto()
    """Every stage is done with every number."""
    ENDED = auto()
    """Somebody cancelled the campaign."""
    CONTINUED = auto()
    """A new run of the workflow is to go on with the same state."""
    STARTED_OVER = auto()
    """The rows have changed behind finished windows: all are to be looked at again."""


class Conductor(Protocol):
    """What the campaign decides and does for its pipeline."""

    def wanted(self) -> Control:
        """What is wanted now."""

    def settled(self) -> bool:
        """Whether the campaign's row says so too: before, nothing may start."""

    def starts_over(self) -> bool:
        """Whether all windows are to be looked at again."""

    def start_window(self, stage: StageState, first: int, last: int) -> workflow.ActivityHandle[WindowResult]:
        """Start the activity of one window."""

    def note_hold(self, stage: Stage, hold: Hold) -> Awaitable[None]:
        """Make a wait that was decided here visible in the campaign's row."""

    def tripped(self, trip: Trip) -> None:
        """A breaker says that the campaign must pause."""

    def failed(self, stage: Stage, error_type: str) -> None:
        """Windows of a stage failed too often in a row."""

    def disowned(self) -> None:
        """The row says other than what is wanted: it must be written again."""

    def changed(self) -> None:
        """Something that people can see has changed."""

    def stopped(self) -> None:
        """Nothing runs, as was wanted."""

    def stage_done(self, stage: Stage) -> None:
        """No number is left in this stage or in one before it."""


@dataclass
class _Running:
    """A window in flight; its activity starts when its task does."""

    stage: Stage
    handle: workflow.ActivityHandle[WindowResult] | None = None
    called_back: bool = False


class Pipeline:
    """Runs windows of all stages at the same time, as far as each stage's numbers are ready."""

    def __init__(self, state: PipelineState, conductor: Conductor) -> None:
        """`state` is changed in place and survives continue-as-new."""
        self.state = state
        self._conductor = conductor
        self._running: dict[asyncio.Task[None], _Running] = {}
        self._rechecks = 0

    async def run(self) -> Left:
        """Carry every number through every stage, or as far as people and breakers let it."""
        while True:
            leaving = workflow.info().is_continue_as_new_suggested()
            starts_over = self._conductor.starts_over()
            wanted = self._conductor.wanted()
            may_start = wanted is Control.RUN and not starts_over and not leaving and self._conductor.settled()
            if wanted is not Control.RUN or starts_over:
                self._cancel_windows()
            elif may_start:
                self._fill()
            self._conductor.changed()
            if not self._running:
                if (left := self._left(wanted, leaving=leaving, starts_over=starts_over)) is not None:
                    return left
                if wanted is Control.HOLD:
                    self._conductor.stopped()
            await self._something_changes(self._next_wake() if may_start else None)

    def running(self, stage: Stage) -> int:
        """How many windows of the stage are in flight."""
        return sum(1 for running in self._running.values() if running.stage is stage)

    def recheck(self) -> None:
        """Nothing waits any longer: whoever asks has changed what was waited for."""
        self._rechecks += 1
        for stage in self.state.stages:
            stage.hold = None
            for window in stage.later:
                stage.ready.add(window.first, window.last)
            stage.later = []

    def _left(self, wanted: Control, *, leaving: bool, starts_over: bool) -> Left | None:
        """Why to leave now that nothing runs."""
        if wanted is Control.END:
            return Left.ENDED
        if starts_over:
            return Left.STARTED_OVER
        if leaving:
            return Left.CONTINUED
        empty = not any(_has_work(stage) for stage in self.state.stages)
        return Left.EMPTY if empty and wanted is Control.RUN else None

    def _cancel_windows(self) -> None:
        """Ask all windows to finish what is in hand and come back. Asking twice changes nothing."""
        for running in self._running.values():
            running.called_back = True
            if running.handle is not None:
                running.handle.cancel()

    def _free(self, stage: StageState) -> int:
        """How many more windows of the stage may start."""
        return stage.width - self.running(stage.stage)

    def _fill(self) -> None:
        now = workflow.now()
        for index, stage in enumerate(self.state.stages):
            if stage.hold is not None and stage.hold.until > now:
                continue
            stage.hold = None
            for first, last in islice(_due(stage, now), self._free(stage)):
                self._begin(index, first, last)

    def _begin(self, index: int, first: int, last: int) -> None:
        stage = self.state.stages[index]
        stage.windows += 1
        running = _Running(stage.stage)
        task = asyncio.create_task(self._one(running, index, first, last))
        self._running[task] = running
        task.add_done_callback(self._running.pop)

    async def _one(self, running: _Running, index: int, first: int, last: int) -> None:
        stage = self.state.stages[index]
        running.handle = self._conductor.start_window(stage, first, last)
        try:
            result = await running.handle
        except (ActivityError, asyncio.CancelledError) as error:
            # Called back before it was begun, between two attempts, in the middle, or while its worker was frozen:
            # whatever the cause says, the rows know what was done.
            stage.ready.add(first, last)
            if running.called_back or isinstance(error, asyncio.CancelledError):
                return
            if error.retry_state is not RetryState.CANCEL_REQUESTED:
                await self._rest(stage, error)
            return
        stage.failures = 0
        if result.trip is not None:
            self._conductor.tripped(result.trip)
        self._hold(stage, result.hold)
        left = result.left or ([(first, last)] if result.open else [])
        stage.later += [LaterWindow(first=begin, last=end, at=_at(result)) for begin, end in left]
        if not left or result.left:
            self._hand_on(index, _between(first, last, left), result.counts)
        if not any(_has_work(one) for one in self.state.stages[: index + 1]) and self.running(stage.stage) == 1:
            self._conductor.stage_done(stage.stage)

    def _hand_on(self, index: int, spans: Iterable[tuple[int, int]], counts: dict[str, int]) -> None:
        """Numbers that this stage is done with are counted here and ready for the next."""
        stage = self.state.stages[index]
        for outcome, count in counts.items():
            stage.counts[outcome] = stage.counts.get(outcome, 0) + count
        if index + 1 < len(self.state.stages):
            for first, last in spans:
                self.state.stages[index + 1].ready.add(first, last)

    def _hold(self, stage: StageState, hold: Hold | None) -> None:
        if hold is None:
            stage.holds = 0
            stage.held_since = None
            return
        if hold.reason is HoldReason.CONTROL:  # the row said stop: during a pause it should, otherwise it is mended
            if self._conductor.wanted() is Control.RUN:
                self._conductor.disowned()
            return
        if stage.hold is None:
            stage.holds += 1
            stage.held_since = stage.held_since or workflow.now()
        stage.hold = hold.model_copy(update={"until": max(hold.until, workflow.now() + _SOONEST)})

    async def _rest(self, stage: StageState, error: ActivityError) -> None:
        """Hold a stage one of whose windows used up its attempts. Windows that fail together count as one failure."""
        if stage.hold is not None:
            return
        if isinstance(error.cause, ActivityTimeout):  # its workers died, which says nothing about the work
            stage.hold = Hold(until=workflow.now() + _SOONEST, reason=HoldReason.ACTIVITY_FAILED)
            return
        stage.failures += 1
        pause = min(FAILED_WINDOW_PAUSE * 2 ** min(stage.failures - 1, 10), FAILED_WINDOW_LONGEST_PAUSE)
        stage.hold = Hold(until=workflow.now() + pause, reason=HoldReason.ACTIVITY_FAILED)
        stage.held_since = stage.held_since or workflow.now()
        if stage.failures >= FAILED_WINDOW_LIMIT:
            stage.failures = 0
            stage.hold = None
            self._conductor.failed(stage.stage, _type_of(error))
            return
        await self._conductor.note_hold(stage.stage, stage.hold)

    async def _something_changes(self, wake: datetime | None) -> None:
        """Until a window ends, something else is wanted or the row says so too, or until `wake`."""
        before = self._seen()
        timeout = None if wake is None else wake - workflow.now()
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(lambda: self._seen() != before, timeout=timeout)

    def _seen(self) -> tuple[object, ...]:
        """All that the loop decides by, except the time."""
        return (
            len(self._running),
            self._rechecks,
            self._conductor.wanted(),
            self._conductor.settled(),
            self._conductor.starts_over(),
            workflow.info().is_continue_as_new_suggested(),
        )

    def _next_wake(self) -> datetime | None:
        """When the next thing that waits for a time may start. Later than now: what is due has just been started."""
        now = workflow.now()
        wakes = [_wake(stage, now) for stage in self.state.stages if self._free(stage)]
        return min((wake for wake in wakes if wake is not None), default=None)


def _has_work(stage: StageState) -> bool:
    return bool(stage.ready.spans or stage.later)


def _due(stage: StageState, now: datetime) -> Iterator[tuple[int, int]]:
    """Take windows that may start now; what was put off comes before what is new."""
    for window in [window for window in stage.later if window.at <= now]:
        stage.later.remove(window)
        if window.last - window.first + 1 < stage.size:  # parts of windows are put together again
            stage.ready.add(window.first, window.last)
        else:
            yield window.first, window.last
    while (cut := stage.ready.take(stage.size)) is not None:
        yield cut


def _between(first: int, last: int, left: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What of `first`..`last` is not in the sorted spans `left`."""
    begin = first
    for left_first, left_last in left:
        if begin < left_first:
            yield begin, left_first - 1
        begin = left_last + 1
    if begin <= last:
        yield begin, last


def _wake(stage: StageState, now: datetime) -> datetime | None:
    if stage.hold is not None and stage.hold.until > now:
        return stage.hold.until if _has_work(stage) else None
    return min((window.at for window in stage.later), default=None)


def _at(result: WindowResult) -> datetime:
    """When to look at what is open again."""
    soonest = workflow.now() + _SOONEST
    return max(result.again_at or soonest, soonest)


def _type_of(error: ActivityError) -> str:
    """The kind of the failure, a name from the code: the text of a failure is not for people's screens."""
    cause = error.cause
    return (cause.type if isinstance(cause, ApplicationError) and cause.type else type(cause).__name__)[:60]
