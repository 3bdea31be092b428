"""What a campaign has left in Temporal's history."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

_WORKFLOW_TASKS = "workflow tasks"


class History(NamedTuple):
    """The whole history of a campaign that completed."""

    kinds: Counter[str]
    """Events by what they belong to: an activity's name, `workflow tasks`, or their own kind."""
    tasks: Counter[str]
    """Events of workflow tasks by what set each task off; they are in `kinds` too."""
    size: int
    """In bytes."""

    @property
    def events(self) -> int:
        """How many there are."""
        return self.kinds.total()

    def of(self, activity: str) -> int:
        """How many are an activity's own, with the workflow tasks that it set off."""
        return self.kinds[activity] + self.tasks[activity]

    def __str__(self) -> str:
        """For a note."""
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.kinds.most_common())
        return f"{self.events:,} events, {self.size:,} bytes ({kinds})"


async def read_history(temporal: Client, campaign_id: str, run_id: str) -> History:
    """The history of this run; raises RuntimeError when it is not the whole one."""
    handle = temporal.get_workflow_handle(campaign_id, run_id=run_id)
    events = (await handle.fetch_history()).events
    if not events[-1].HasField("workflow_execution_completed_event_attributes"):
        raise RuntimeError(f"{campaign_id} went on in another run of its workflow, or did not complete")
    activities = {
        event.event_id: event.activity_task_scheduled_event_attributes.activity_type.name
        for event in events
        if event.HasField("activity_task_scheduled_event_attributes")
    }
    belongs = [_belongs_to(event, activities) for event in events]
    size = sum(event.ByteSize() for event in events)
    return History(Counter(belongs), Counter(_set_off(belongs)), size)


def _set_off(belongs: Iterable[str]) -> Iterator[str]:
    """What set off the workflow task of each event of one: the server writes the two down one after the other.

    Where several things came while a task ran, the last of them stands for all; a task that timed out and comes again
    is put down to the same thing.
    """
    by = before = ""
    for one in belongs:
        if one == _WORKFLOW_TASKS:
            by = by if before == _WORKFLOW_TASKS else before
            yield by
        before = one


def _belongs_to(event: HistoryEvent, activities: dict[int, str]) -> str:
    if event.event_id in activities:
        return activities[event.event_id]
    attributes = getattr(event, event.WhichOneof("attributes") or "", None)
    kind = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").replace("_", " ").lower()
    if kind.startswith("workflow task"):
        return _WORKFLOW_TASKS
    return activities.get(getattr(attributes, "scheduled_event_id", 0), kind)
