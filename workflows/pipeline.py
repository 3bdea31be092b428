"""Windows of lead numbers through overlapping stages. Knows no stage by name.

The rows say what is done; this says only which numbers are ready, running, due later, or handed to the next stage. A
window whose activity ends in any way but success goes back to ready, so no crash, retry or reset can lose it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice

from temporalio import workflow
from temporalio.exceptions import ActivityError

from domain.campaign import Stage
from domain.wire import Hold, HoldReason, LaterWindow, PipelineState, StageState, WindowResult
from workflows.options import FAILED_WINDOW_LIMIT, FAILED_WINDOW_PAUSE

StartWindow = Callable[[StageState, int, int], workflow.ActivityHandle[WindowResult]]


class StageGaveUp(Exception):
    """A stage's windows failed too often in a row."""

    def __init__(self, stage: Stage) -> None:
        """`stage` is the one that gave up."""
        super().__init__(stage)
        self.stage = stage


class Pipeline:
    """Runs windows of all stages at the same time, as far as each stage's numbers are ready."""

    def __init__(self, state: PipelineState, start: StartWindow) -> None:
        """`start` starts the activity of one window; `state` is changed in place and survives continue-as-new."""
        self._state = state
        self._start = start
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
        return all(not stage.ready.spans and not stage.later for stage in self._state.stages)

    def _raise_if_given_up(self) -> None:
        for stage in self._state.stages:
            if _gave_up(stage):
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
            stage.failures += 1
            pause = FAILED_WINDOW_PAUSE * 2 ** (stage.failures - 1)
            stage.hold = Hold(until=workflow.now() + pause, reason=HoldReason.ACTIVITY_FAILED)
            return
        stage.failures = 0
        if result.hold is None:
            stage.holds = 0
        else:
            if stage.hold is None:
                stage.holds += 1
            stage.hold = result.hold
        if result.open:
            at = result.again_at or workflow.now()
            stage.later.append(LaterWindow(first=first, last=last, at=at, counts=result.counts))
            return
        for outcome, count in result.counts.items():
            stage.counts[outcome] = stage.counts.get(outcome, 0) + count
        if index + 1 < len(self._state.stages):
            self._state.stages[index + 1].ready.add(first, last)

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
        return stage.hold.until if stage.ready.spans or stage.later else None
    return min((window.at for window in stage.later), default=None)
