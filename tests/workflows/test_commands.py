"""The commands of a campaign, in their order: a change of it would break campaigns that an older worker began.

One window at a time, so the order is the same in every run. When this test fails, the workflow asks Temporal for
something else than before: keep the old order behind `workflow.patched`, record a history (tests/replay/record.py),
and only then write the new list down, which the failure prints.
"""

import asyncio
from pathlib import Path

from campaign_server import CampaignHandle, CampaignServer, when
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from window_activities import WindowActivities, done

from domain.campaign import Stage
from domain.wire import MessageTally, WindowResult, WindowTask

COMMANDS = {
    "activity task cancel requested",
    "marker recorded",
    "timer started",
    "upsert workflow search attributes",
    "workflow execution completed",
}
PINNED = Path(__file__).parents[1] / "replay" / "commands.txt"


def command(event: HistoryEvent) -> str:
    """What the workflow asked for, "" for what Temporal or somebody else did."""
    kind = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower().replace("_", " ")
    if kind == "activity task scheduled":
        return event.activity_task_scheduled_event_attributes.activity_type.name
    return kind if kind in COMMANDS else ""


async def test_a_campaign_asks_temporal_for_the_same_things_in_the_same_order(server: CampaignServer) -> None:
    paused = False

    async def send(task: WindowTask) -> WindowResult:
        if task.first == 101 and not paused:
            await asyncio.sleep(60)
        return await done(task)

    activities = WindowActivities(leads=150, width=1, send=send)
    activities.tally = MessageTally(counts={"sent": 100, "skipped": 7})
    async with server.campaign(activities) as handle:
        await when(handle, lambda one: one.messages.get("sent", 0) == 100 and one.stages[Stage.SENDING].running == 1)
        await handle.signal("pause")
        await when(handle, lambda one: one.paused is not None and one.stages[Stage.SENDING].running == 0)
        paused = True
        await until_counted(handle)
        await handle.signal("resume")
        await handle.result()
    (history,) = await server.histories(handle)
    said = "\n".join(filter(None, map(command, history.events))) + "\n"
    assert said == PINNED.read_text(), said


async def until_counted(handle: CampaignHandle) -> None:
    """The pause is over and done with: nothing of it can mix with what comes next."""
    await when(handle, lambda one: one.messages.get("skipped", 0) == 7)
