"""What follows from a stage's state and from how a window ended: pure functions of the pipeline."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutType
from temporalio.exceptions import TimeoutError as ActivityTimeout

from domain.wire import StageState, WindowResult

SOONEST = timedelta(seconds=1)
"""Nothing starts again sooner: a worker's clock may be behind, and what it calls later could be now for ever."""


def has_work(stage: StageState) -> bool:
    """Whether numbers wait in the stage; those in flight do not count."""
    return bool(stage.ready.spans or stage.later)


def take_due(stage: StageState, now: datetime, *, only_full: bool) -> tuple[int, int] | None:
    """Take a window that may start now, None when there is none; what was put off comes before what is new."""
    for window in [window for window in stage.later if window.at <= now]:
        stage.later.remove(window)
        if window.last - window.first + 1 < stage.size:  # parts of windows are put together again
            stage.ready.add(window.first, window.last)
        else:
            return window.first, window.last
    if stage.turn is not None:
        return _take_turn(stage)
    size = stage.next_size
    return stage.ready.take_full(size) if only_full else stage.ready.take(size)


def _take_turn(stage: StageState) -> tuple[int, int] | None:
    window = stage.ready.take_after(stage.turn or 0, stage.size)
    if window is not None:
        stage.turn = window[1]
    return window


def without(first: int, last: int, left: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What of `first`..`last` is not in the sorted spans `left`."""
    begin = first
    for left_first, left_last in left:
        if begin < left_first:
            yield begin, left_first - 1
        begin = left_last + 1
    if begin <= last:
        yield begin, last


def next_wake(stage: StageState, now: datetime) -> datetime | None:
    """When the stage may start something that waits for a time; None when nothing does."""
    if stage.hold is not None and stage.hold.until > now:
        return stage.hold.until if has_work(stage) else None
    return min((window.at for window in stage.later), default=None)


def look_again_at(result: WindowResult) -> datetime:
    """When to look at what is open again."""
    soonest = workflow.now() + SOONEST
    return max(result.again_at or soonest, soonest)


def worker_died(error: ActivityError) -> bool:
    """Whether the attempts ended in silence."""
    return isinstance(error.cause, ActivityTimeout) and error.cause.type is TimeoutType.HEARTBEAT


def error_type(error: ActivityError) -> str:
    """The kind of the failure, a name from the code: the text of a failure is not for people's screens."""
    cause = error.cause
    return (cause.type if isinstance(cause, ApplicationError) and cause.type else type(cause).__name__)[:60]
