"""How a stage's waits begin and end: each pair is a pair of log lines."""

from temporalio import workflow

from domain.wire import Hold, StageState
from workflows.log import log


def wait(stage: StageState, hold: Hold) -> None:
    """Note since when a stage waits; waits in a row count as one."""
    stage.held_since = stage.held_since or workflow.now()
    log("stage.waits", stage=stage.stage, reason=hold.reason, until=hold.until.isoformat())


def go_on(stage: StageState) -> None:
    """End what the stage waited in, whatever it was."""
    if stage.hold is not None:
        log("stage.goes_on", stage=stage.stage, waited_for=stage.hold.reason)
    stage.hold = None
