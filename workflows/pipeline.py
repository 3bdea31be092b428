"""Windows of lead numbers through overlapping stages. Knows no stage by name.

The rows say what is done; this says only which numbers are ready, running, due later, or handed to the next stage. A
window whose activity ends in any way but success goes back to ready, so no crash, retry or reset can lose it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from temporalio import workflow
from temporalio.exceptions import ActivityError

from domain.campaign import Stage
from domain.wire import Hold, HoldReason, LaterWindow, PipelineState, StageState, WindowResult
from workflows.options import FAILED_WINDOW_LIMIT, FAILED_WINDOW_LONGEST_PAUSE, FAILED_WINDOW_PAUSE

StartWindow = Callable[[StageState, int, int], workflow.ActivityHandle[WindowResult]]
NoteHold = Callable[[Stage, Hold], Awaitable[None]]

_SOONEST = timedelta(seconds=1)
"""Nothing starts again sooner: a worker's clock may be behind, and what it calls later could be now for ever."""


class StageGaveUp(Exception):
    """A stage's windows failed too often in a row."""

    def __init__(self, stage: Stage) -> None:
        """`stage` is the one that gave up."""
        super().__init__(stage)
        self.stage = stage


class Pipeline:
    """Runs windows of all stages at the same time, as far as each stage's numbers are ready."""

    def __init__(self, state: PipelineState, start: StartWindow, note_hold: NoteHold) -> None:
        """`start` starts the activity of one window, `note_hold` makes a wait visible in the campaign's row.

        `state` is changed in place and survives continue-as-new.
        """
        self._state = state
        self._start = start
        self._note_hold = note_hold
        self._running: dict[asyncio.Task[None], Stage] = {}

    async def run(self) -> bool:
        """True when every stage is empty; False when a new run of the workflow should go on. Raises StageGaveUp."""
        while True:
            leaving = workflow.info().is_continue_as_new_suggested()
            if not leaving:
                self._fill()
            if not self._running:
                if leaving or self._empty():
                    return self._empty()
                self._raise_if_given_up()
            await self._something_changes(None if leaving else self._next_wake())

    def _empty(self) -> bool:
        return not any(_has_work(stage) for stage in self._state.stages)

    def _raise_if_given_up(self) -> None:
        """A stage that gave up ends the campaign only when the others have nothing left to wait for."""
        for stage in self._state.stages:
            if _gave_up(stage) and all(_gave_up(other) or not _has_work(other) for other in self._state.stages):
                raise StageGaveUp(stage.stage)

    def _free(self, stage: StageState) -> int:
        """How many more windows of the stage may start."""
        return stage.width - sum(1 for running in self._running.values() if running is stage.stage)

    def _fill(self) -> None:
        now = workflow.now()
        for index, stage in enumerate(self._state.stages):
            if _gave_up(stage) or (stage.hold is not None and stage.hold.until > now):
                continue
            stage.hold = None
            for first, last in islice(_due(stage, now), self._free(stage)):
                self._begin(index, first, last)

    def _begin(self, index: int, first: int, last: int) -> None:
        stage = self._state.stages[index]
        task = asyncio.create_task(self._one(index, first, last))
        self._running[task] = stage.stage
        task.add_done_callback(self._running.pop)

    async def _one(self, index: int, first: int, last: int) -> None:
        stage = self._state.stages[index]
        try:
            result = await self._start(stage, first, last)
        except ActivityError:
            stage.ready.add(first, last)
            await self._rest(stage)
            return
        stage.failures = 0
        soonest = workflow.now() + _SOONEST
        if result.hold is None:
            stage.holds = 0
        else:
            if stage.hold is None:
                stage.holds += 1
            stage.hold = result.hold.model_copy(update={"until": max(result.hold.until, soonest)})
        if result.open:
            at = max(result.again_at or soonest, soonest)
            stage.later.append(LaterWindow(first=first, last=last, at=at))
            return
        for outcome, count in result.counts.items():
            stage.counts[outcome] = stage.counts.get(outcome, 0) + count
        if index + 1 < len(self._state.stages):
            self._state.stages[index + 1].ready.add(first, last)

    async def _rest(self, stage: StageState) -> None:
        """Hold a stage one of whose windows used up its attempts. Windows that fail together count as one failure."""
        if stage.hold is not None:
            return
        stage.failures += 1
        pause = min(FAILED_WINDOW_PAUSE * 2 ** min(stage.failures - 1, 10), FAILED_WINDOW_LONGEST_PAUSE)
        stage.hold = Hold(until=workflow.now() + pause, reason=HoldReason.ACTIVITY_FAILED)
        await self._note_hold(stage.stage, stage.hold)

    async def _something_changes(self, wake: datetime | None) -> None:
        """Until a window ends, or until `wake`."""
        before = len(self._running)
        timeout = None if wake is None else wake - workflow.now()
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(lambda: len(self._running) < before, timeout=timeout)

    def _next_wake(self) -> datetime | None:
        """When the next thing that waits for a time may start. Later than now: what is due has just been started."""
        now = workflow.now()
        wakes = [_wake(stage, now) for stage in self._state.stages if self._free(stage) and not _gave_up(stage)]
        return min((wake for wake in wakes if wake is not None), default=None)


def _has_work(stage: StageState) -> bool:
    return bool(stage.ready.spans or stage.later)


def _gave_up(stage: StageState) -> bool:
    return stage.failures >= FAILED_WINDOW_LIMIT


def _due(stage: StageState, now: datetime) -> Iterator[tuple[int, int]]:
    """Take windows that may start now; what was put off comes before what is new."""
    for window in [window for window in stage.later if window.at <= now]:
        stage.later.remove(window)
        yield window.first, window.last
    while (cut := stage.ready.take(stage.size)) is not None:
        yield cut


def _wake(stage: StageState, now: datetime) -> datetime | None:
    if stage.hold is not None and stage.hold.until > now:
        return stage.hold.until if _has_work(stage) else None
    return min((window.at for window in stage.later), default=None)
