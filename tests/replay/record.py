"""Records histories that later releases must still be able to replay.

    PYTHONPATH=.:tests/support .venv/bin/python tests/replay/record.py

writes one file per run of a campaign beside this one, and overwrites none: a history that was released stays as it is.
When a change of the workflow needs `workflow.patched`, a new recording goes beside the old ones. It takes a minute,
because a window fails and its stage rests.
"""

import asyncio
import re
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from campaign_server import running_server
from temporalio.exceptions import ApplicationError
from window_activities import WindowActivities, done

from domain.wire import Hold, HoldReason, WindowResult, WindowTask

FOLDER = Path(__file__).parent
FLAGS = ("--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=100")
SOON = timedelta(seconds=0.5)
STACK_TRACE = re.compile(r'\s*"stackTrace": "(?:[^"\\]|\\.)*",')
"""Names the folders of whoever recorded, and no replay reads it."""

visited: set[int] = set()


async def send(task: WindowTask) -> WindowResult:
    """A hold and windows that come back: what a later release must still understand."""
    if task.first == 101 and task.holds == 0:
        hold = Hold(until=datetime.now(UTC) + SOON, reason=HoldReason.RELAY_UNREACHABLE)
        return WindowResult(counts={"done": 40}, open=60, again_at=hold.until, hold=hold)
    if task.first == 201 and task.first not in visited:
        visited.add(task.first)
        return WindowResult(counts={"done": 99}, open=1, again_at=datetime.now(UTC) + SOON)
    return await done(task)


async def draft(task: WindowTask) -> WindowResult:
    """A window that uses up its attempts once."""
    if task.first == 301 and task.first not in visited:
        visited.add(task.first)
        raise ApplicationError("broken", non_retryable=True)
    return await done(task)


async def record() -> None:
    """Run one campaign over several runs of its workflow and write their histories down."""
    with tempfile.TemporaryDirectory() as home:
        async with running_server(Path(home), *FLAGS) as server:
            ended = await server.run(WindowActivities(leads=1_250, draft=draft, send=send))
            for number, history in enumerate(await server.histories(ended.handle), start=1):
                path = FOLDER / f"campaign-{datetime.now(UTC):%Y-%m}-run-{number}.json"
                with path.open("x") as file:
                    file.write(STACK_TRACE.sub("", history.to_json()) + "\n")
                sys.stdout.write(f"{path.name}: {len(history.events)} events\n")


if __name__ == "__main__":
    asyncio.run(record())
