"""Records histories that later releases must still be able to replay.

    PYTHONPATH=.:tests/support .venv/bin/python tests/replay/record.py NAME

writes one file NAME-run-N.json per run of a campaign beside this one, and overwrites none: a history that was released
stays as it is. When a change of the workflow needs `workflow.patched`, a new recording goes beside the old ones. It
takes a minute, because a window fails and its stage rests.
"""

import asyncio
import re
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from campaign_server import CampaignHandle, running_server, when
from temporalio.exceptions import ApplicationError
from window_activities import WindowActivities, done

from domain.campaign import Stage
from domain.wire import Hold, HoldReason, WindowResult, WindowTask

FOLDER = Path(__file__).parent
FLAGS = ("--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=100")
SOON = timedelta(seconds=0.5)
LOOK_SECONDS = 2.0
STACK_TRACE = re.compile(r'\s*"stackTrace": "(?:[^"\\]|\\.)*",')
"""Names the folders of whoever recorded, and no replay reads it."""

visited: set[int] = set()
found: dict[int, int] = {}
decided: list[str] = []


def has(task: WindowTask, number: int) -> bool:
    """Whether the number is in the window."""
    return task.first <= number <= task.last


async def send(task: WindowTask) -> WindowResult:
    """A hold and windows that come back: what a later release must still understand."""
    if has(task, 101) and task.holds == 0:
        hold = Hold(until=datetime.now(UTC) + SOON, reason=HoldReason.RELAY_UNREACHABLE)
        return WindowResult(counts={"done": 20}, open=task.last - task.first - 19, again_at=hold.until, hold=hold)
    if has(task, 201) and 201 not in visited:
        visited.add(201)
        return WindowResult(counts={"done": task.last - task.first}, open=1, again_at=datetime.now(UTC) + SOON)
    return await done(task)


async def draft(task: WindowTask) -> WindowResult:
    """A window that uses up its attempts once."""
    if has(task, 301) and 301 not in visited:
        visited.add(301)
        raise ApplicationError("broken", non_retryable=True)
    return await done(task)


async def review(task: WindowTask) -> WindowResult:
    """Nothing is decided at the first look; then all but one, which is left. What is decided meanwhile is not seen."""
    seen = len(decided)
    await asyncio.sleep(LOOK_SECONDS)
    later = datetime.now(UTC) + timedelta(hours=6)
    hold = Hold(until=later, reason=HoldReason.REVIEW)
    open_leads = task.last - task.first + 1
    if not seen:
        return WindowResult(counts={}, open=open_leads, again_at=later, hold=hold, left=[(task.first, task.last)])
    if task.first == 1 and seen == 1:
        return WindowResult(counts={"done": open_leads - 1}, open=1, again_at=later, hold=hold, left=[(7, 7)])
    return await done(task)


async def discover(task: WindowTask) -> WindowResult:
    """Five slices find 250 people each; the second is too large once, and the source wants to be left alone once."""
    if task.first == 2:
        return WindowResult(counts={"split": 1}, parts=6, found=sum(found.values()))
    if task.first == 4 and task.first not in visited:
        visited.add(task.first)
        hold = Hold(until=datetime.now(UTC) + SOON, reason=HoldReason.SOURCE_LIMITED)
        return WindowResult(counts={}, open=1, hold=hold, found=sum(found.values()))
    found[task.first] = 250
    return WindowResult(counts={"done": 1}, found=sum(found.values()))


async def steer(handle: CampaignHandle) -> None:
    """What people do to a campaign, and names that nobody knows."""
    await when(handle, lambda one: any(wait.stage is Stage.REVIEW for wait in one.waiting_for))
    await handle.signal("pause", args=["a look at the drafts", "dana"])
    await handle.signal("puase")
    await when(handle, lambda one: one.paused is not None and one.stages[Stage.REVIEW].running == 0)
    await handle.signal("resume")
    decided.append("all but one")
    await handle.signal("approve", args=["1-6,8-2000", "dana"])
    await when(handle, lambda one: one.stages[Stage.REVIEW].running > 0)
    decided.append("the last")
    await handle.signal("recheck")
    await when(handle, lambda one: one.messages.get("sent", 0) > 0)
    await handle.signal("pause", args=[{"reason": "an object", "by": "iris"}])
    await when(handle, lambda one: one.paused is not None and one.stages[Stage.SENDING].running == 0)
    await handle.execute_update("resume", args=["fine", "iris"])


async def record(name: str) -> None:
    """Run one campaign over several runs of its workflow and write their histories down."""
    with tempfile.TemporaryDirectory() as home:
        async with running_server(Path(home), *FLAGS) as server:
            activities = WindowActivities(leads=0, draft=draft, send=send, review=review)
            activities.searches(5, discover)
            activities.plan = activities.plan.model_copy(update={"first_window": 50})
            async with server.campaign(activities) as handle:
                await steer(handle)
                await handle.result()
            for number, history in enumerate(await server.histories(handle), start=1):
                path = FOLDER / f"{name}-run-{number}.json"
                with path.open("x") as file:
                    file.write(STACK_TRACE.sub("", history.to_json()) + "\n")
                sys.stdout.write(f"{path.name}: {len(history.events)} events\n")


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1]))
