"""Windows of lead numbers through overlapping stages. Knows no stage by name.

The rows say what is done; this says only which numbers are ready, running, due later, or handed to the next stage. A
window whose activity ends in any way but success goes back to ready, so no pause, crash, retry or reset can lose it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Protocol

from temporalio import workflow
from temporalio.exceptions import ActivityError, RetryState

from domain.campaign import Stage
from domain.wire import Control, Hold, HoldReason, LaterWindow, PipelineState, StageState, Trip, WindowResult
from workflows.counting import count_leads
from workflows.options import DEATHS_LIMIT, FAILED_WINDOW_LIMIT, FAILED_WINDOW_LONGEST_PAUSE, FAILED_WINDOW_PAUSE
from workflows.waits import go_on, wait
from workflows.windows import (
    SOONEST,
    error_type,
    has_work,
    look_again_at,
    next_wake,
    take_due,
    without,
    worker_died,
)


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

    def failed(self, stage: Stage, what: str) -> None:
        """Windows of a stage failed too often in a row; `what` says how."""

    def disowned(self) -> None:
        """The row says other than what is wanted: it must be written again."""

    def changed(self) -> None:
        """Something that people can see has changed."""

    def stopped(self) -> None:
        """Nothing runs, as was wanted."""

    def stage_done(self, stage: Stage) -> None:
        """No number is left in this stage or in one before it."""


@dataclass(eq=False)
class _Running:
    """A window in flight; its activity starts when its task does."""

    stage: Stage
    rechecks: int
    """How many there had been when it began."""
    task: asyncio.Task[None] | None = None
    handle: workflow.ActivityHandle[WindowResult] | None = None
    called_back: bool = False


class Pipeline:
    """Runs windows of all stages at the same time, as far as each stage's numbers are ready."""

    def __init__(self, state: PipelineState, conductor: Conductor, *, full_windows: bool, looks_again: bool) -> None:
        """`state` is changed in place and survives continue-as-new; see CampaignPlan for the other two."""
        self.state = state
        self._full_windows = full_windows
        self._looks_again = looks_again
        self._conductor = conductor
        self._running: list[_Running] = []
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
        return sum(1 for running in self._running if running.stage is stage)

    def recheck(self) -> None:
        """Nothing waits any longer: whoever asks has changed what was waited for."""
        self._rechecks += 1
        for stage in self.state.stages:
            go_on(stage)
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
        empty = not any(has_work(stage) for stage in self.state.stages)
        return Left.EMPTY if empty and wanted is Control.RUN else None

    def _cancel_windows(self) -> None:
        """Ask all windows to finish what is in hand and come back. Asking twice changes nothing."""
        for running in self._running:
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
            go_on(stage)
            if (stage.after_all and self._more_comes(index)) or self._far_ahead(index):
                continue
            while self._free(stage):
                window = take_due(stage, now, only_full=self._waits_for_others(index))
                if window is None:
                    break
                self._begin(index, *window)

    def _waits_for_others(self, index: int) -> bool:
        """Whether a part of a window waits: a window costs the history as much as its part, and more numbers come."""
        if not self._full_windows or not self.running(self.state.stages[index].stage):
            return False
        return self._more_comes(index)

    def _far_ahead(self, index: int) -> bool:
        """Whether the next stage has enough of what this one has found: what it makes of them may end the search."""
        stage = self.state.stages[index]
        if not stage.ahead or stage.found is None:
            return False
        return stage.found - sum(self.state.stages[index + 1].counts.values()) >= stage.ahead

    def _more_comes(self, index: int) -> bool:
        """Whether an earlier stage may still hand numbers on."""
        return any(has_work(stage) or self.running(stage.stage) for stage in self.state.stages[:index])

    def _begin(self, index: int, first: int, last: int) -> None:
        stage = self.state.stages[index]
        stage.windows += 1
        running = _Running(stage.stage, self._rechecks)
        running.task = asyncio.create_task(self._one(running, index, first, last))
        self._running.append(running)

    async def _one(self, running: _Running, index: int, first: int, last: int) -> None:
        try:
            await self._window(running, index, first, last)
        finally:
            self._running.remove(running)
        if not self._more_comes(index + 1):
            self._conductor.stage_done(self.state.stages[index].stage)

    async def _window(self, running: _Running, index: int, first: int, last: int) -> None:
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
        stage.failures = stage.deaths = 0
        if result.trip is not None:
            self._conductor.tripped(result.trip)
        too_early = self._looks_again and running.rechecks != self._rechecks
        self._hold(stage, None if too_early else result.hold)
        if result.goes_on:
            stage.ready.add(first, last)
            self._grow(index, result)
            return
        left = result.left or ([(first, last)] if result.open else [])
        for begin, end in left:
            if too_early:
                stage.ready.add(begin, end)
            else:
                later = LaterWindow(first=begin, last=end, at=look_again_at(result), put_off=result.put_off)
                stage.later.append(later)
        self._grow(index, result)
        if not left or result.left:
            self._hand_on(index, without(first, last, left), result.counts)

    def _grow(self, index: int, result: WindowResult) -> None:
        """Numbers that came into being: high-water marks, so those of a window that was killed are among them."""
        stage = self.state.stages[index]
        if result.parts is not None and result.parts > stage.numbers:
            stage.ready.add(stage.numbers + 1, result.parts)
            stage.turn = None if stage.turn is None else stage.numbers
            stage.numbers = result.parts
        if stage.found is not None and result.found is not None and result.found > stage.found:
            self.state.stages[index + 1].ready.add(stage.found + 1, result.found)
            stage.found = result.found

    def _hand_on(self, index: int, spans: Iterable[tuple[int, int]], counts: dict[str, int]) -> None:
        """Numbers that this stage is done with are counted here and ready for the next."""
        stage = self.state.stages[index]
        count_leads(stage.stage, counts)
        for outcome, count in counts.items():
            stage.counts[outcome] = stage.counts.get(outcome, 0) + count
        if index + 1 < len(self.state.stages) and stage.found is None:
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
            wait(stage, hold)
        stage.hold = hold.model_copy(update={"until": max(hold.until, workflow.now() + SOONEST)})

    async def _rest(self, stage: StageState, error: ActivityError) -> None:
        """Hold a stage one of whose windows used up its attempts. Windows that fail together count as one failure."""
        if stage.hold is not None:
            return
        if worker_died(error):  # which may say nothing about the work
            stage.deaths += 1
            pause, reason = SOONEST, HoldReason.WORKERS_DIED
        else:
            stage.failures += 1
            pause = min(FAILED_WINDOW_PAUSE * 2 ** min(stage.failures - 1, 10), FAILED_WINDOW_LONGEST_PAUSE)
            reason = HoldReason.ACTIVITY_FAILED
        if stage.failures >= FAILED_WINDOW_LIMIT or stage.deaths >= DEATHS_LIMIT:
            what = f"failed {stage.failures} times in a row, last with {error_type(error)}"
            self._conductor.failed(stage.stage, "windows end with their worker" if stage.deaths else what)
            stage.failures = stage.deaths = 0
            return
        stage.hold = Hold(until=workflow.now() + pause, reason=reason)
        wait(stage, stage.hold)
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
        wakes = [next_wake(stage, now) for stage in self.state.stages if self._free(stage)]
        return min((wake for wake in wakes if wake is not None), default=None)
