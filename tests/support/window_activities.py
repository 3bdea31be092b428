"""Activities under the product's names that do with each window what a test says, and note what they were asked."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from temporalio import activity

from domain import wire
from domain.campaign import Stage
from domain.wire import CampaignPlan, CampaignRef, HoldNote, ReportTask, WindowResult, WindowTask

Window = Callable[[WindowTask], Awaitable[WindowResult]]


async def done(task: WindowTask) -> WindowResult:
    """Everything of the window worked."""
    return WindowResult(counts={"done": task.last - task.first + 1})


class WindowActivities:
    """One campaign's activities. `asked` holds every window in the order of its start."""

    def __init__(
        self, leads: int, *, window: int = 100, width: int = 4, draft: Window = done, send: Window = done
    ) -> None:
        """`draft` and `send` decide how a window ends."""
        self.plan = CampaignPlan(leads=leads, draft_window=window, send_window=window, width=width)
        self.asked: list[WindowTask] = []
        self.running: Counter[Stage] = Counter()
        self.most_running: Counter[Stage] = Counter()
        self.notes: list[HoldNote] = []
        self.reports: list[ReportTask] = []
        self._draft = draft
        self._send = send

    def all(self) -> list[Callable[..., Awaitable[object]]]:
        """What a worker registers."""
        return [self.plan_campaign, self.note_hold, self.draft_messages, self.send_messages, self.write_report]

    def windows(self, stage: Stage) -> list[tuple[int, int]]:
        """The windows of a stage in the order of their starts."""
        return [(task.first, task.last) for task in self.asked if task.stage is stage]

    def leads(self, stage: Stage) -> list[int]:
        """Every lead number a stage was asked for, sorted, as often as it was asked for."""
        return sorted(number for first, last in self.windows(stage) for number in range(first, last + 1))

    @activity.defn(name=wire.PLAN_CAMPAIGN)
    async def plan_campaign(self, ref: CampaignRef) -> CampaignPlan:  # noqa: ARG002 the product's signature
        """The plan of the test."""
        return self.plan

    @activity.defn(name=wire.NOTE_HOLD)
    async def note_hold(self, note: HoldNote) -> None:
        """Write down what people would be told."""
        self.notes.append(note)

    @activity.defn(name=wire.DRAFT_MESSAGES)
    async def draft_messages(self, task: WindowTask) -> WindowResult:
        """Draft as the test says."""
        return await self._window(task, self._draft)

    @activity.defn(name=wire.SEND_MESSAGES)
    async def send_messages(self, task: WindowTask) -> WindowResult:
        """Send as the test says."""
        return await self._window(task, self._send)

    @activity.defn(name=wire.WRITE_REPORT)
    async def write_report(self, task: ReportTask) -> None:
        """Write down that the report was asked for."""
        self.reports.append(task)

    async def _window(self, task: WindowTask, work: Window) -> WindowResult:
        self.asked.append(task)
        self.running[task.stage] += 1
        self.most_running[task.stage] = max(self.most_running[task.stage], self.running[task.stage])
        try:
            await asyncio.sleep(0)
            return await work(task)
        finally:
            self.running[task.stage] -= 1
