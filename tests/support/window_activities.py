"""Activities under the product's names that do with each window what a test says, and note what they were asked."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeating import heartbeat
from domain import wire
from domain.campaign import Stage
from domain.wire import (
    Approval,
    CampaignPlan,
    CampaignRef,
    ControlTask,
    HoldNote,
    MessageTally,
    ReportTask,
    WindowResult,
    WindowTask,
)

Window = Callable[[WindowTask], Awaitable[WindowResult]]


async def done(task: WindowTask) -> WindowResult:
    """Everything of the window worked."""
    return WindowResult(counts={"done": task.last - task.first + 1})


class WindowActivities:
    """One campaign's activities. `asked` holds every window in the order of its start."""

    def __init__(  # noqa: PLR0913 what a test may decide
        self,
        leads: int,
        *,
        window: int = 100,
        width: int = 4,
        draft: Window = done,
        send: Window = done,
        review: Window | None = None,
    ) -> None:
        """`draft`, `send` and `review` decide how a window ends; without `review` the campaign has no such stage."""
        self.plan = CampaignPlan(
            leads=leads,
            draft_window=window,
            send_window=window,
            width=width,
            full_windows=True,
            looks_again=True,
            takes_turns=True,
            review_window=1000 if review else 0,
            owner="dana",
        )
        self.controls: list[ControlTask] = []
        self.approvals: list[Approval] = []
        self.cancelled = 0
        self.counted = asyncio.Event()
        self.planned = 0
        self.asked_temporal = 0
        self.plan_may_end = asyncio.Event()
        self.plan_may_end.set()
        self.tally = MessageTally(counts={})
        self.plan_fails = False
        self.silent: set[int] = set()
        """Windows without a heartbeat, by their first lead: as if their worker were dead."""
        self.report_may_end = asyncio.Event()
        self.report_may_end.set()
        self.asked: list[WindowTask] = []
        self.running: Counter[Stage] = Counter()
        self.most_running: Counter[Stage] = Counter()
        self.notes: list[HoldNote] = []
        self.reports: list[ReportTask] = []
        self._draft = draft
        self._send = send
        self._review = review or done
        self.discover: Window = done
        self.enrich: Window = done

    def all(self) -> list[Callable[..., Awaitable[object]]]:
        """What a worker registers."""
        return [
            self.plan_campaign,
            self.note_hold,
            self.discover_people,
            self.enrich_leads,
            self.draft_messages,
            self.review_drafts,
            self.approve_drafts,
            self.write_control,
            self.count_messages,
            self.cancel_rest,
            self.request_cancellation,
            self.write_report,
        ]

    def searches(self, slices: int, discover: Window, *, ranked: bool = False) -> None:
        """The people have to be found: by so many slices, with `discover` for what a slice finds."""
        self.plan = self.plan.model_copy(
            update={"leads": 0, "slices": slices, "enrich_window": self.plan.draft_window, "ranked": ranked}
        )
        self.discover = discover

    def windows(self, stage: Stage) -> list[tuple[int, int]]:
        """The windows of a stage in the order of their starts."""
        return [(task.first, task.last) for task in self.asked if task.stage is stage]

    def leads(self, stage: Stage) -> list[int]:
        """Every lead number a stage was asked for, sorted, as often as it was asked for."""
        return sorted(number for first, last in self.windows(stage) for number in range(first, last + 1))

    @activity.defn(name=wire.PLAN_CAMPAIGN)
    async def plan_campaign(self, ref: CampaignRef) -> CampaignPlan:  # noqa: ARG002 the product's signature
        """The plan of the test."""
        self.planned += 1
        await self.plan_may_end.wait()
        if self.plan_fails:
            raise ApplicationError("broken")
        return self.plan

    @activity.defn(name=wire.NOTE_HOLD)
    async def note_hold(self, note: HoldNote) -> None:
        """Write down what people would be told."""
        self.notes.append(note)

    @activity.defn(name=wire.DISCOVER_PEOPLE)
    async def discover_people(self, task: WindowTask) -> WindowResult:
        """Discover as the test says."""
        return await self._window(task, self.discover)

    @activity.defn(name=wire.ENRICH_LEADS)
    async def enrich_leads(self, task: WindowTask) -> WindowResult:
        """Enrich as the test says."""
        return await self._window(task, self.enrich)

    @activity.defn(name=wire.DRAFT_MESSAGES)
    async def draft_messages(self, task: WindowTask) -> WindowResult:
        """Draft as the test says."""
        return await self._window(task, self._draft)

    @activity.defn(name=wire.SEND_MESSAGES)
    async def send_messages(self, task: WindowTask) -> WindowResult:
        """Send as the test says."""
        return await self._window(task, self._send)

    @activity.defn(name=wire.REVIEW_DRAFTS)
    async def review_drafts(self, task: WindowTask) -> WindowResult:
        """Look at decisions as the test says."""
        return await self._window(task, self._review)

    @activity.defn(name=wire.APPROVE_DRAFTS)
    async def approve_drafts(self, approval: Approval) -> None:
        """Write down what was approved."""
        self.approvals.append(approval)

    @activity.defn(name=wire.WRITE_CONTROL)
    async def write_control(self, task: ControlTask) -> None:
        """Write down what the row would say."""
        self.controls.append(task)

    @activity.defn(name=wire.COUNT_MESSAGES)
    async def count_messages(self, ref: CampaignRef) -> MessageTally:  # noqa: ARG002 the product's signature
        """What a test says."""
        self.counted.set()
        return self.tally

    @activity.defn(name=wire.CANCEL_REST)
    async def cancel_rest(self, ref: CampaignRef) -> None:  # noqa: ARG002 the product's signature
        """Count how often the rest was ended."""
        self.cancelled += 1

    @activity.defn(name=wire.REQUEST_CANCELLATION)
    async def request_cancellation(self, ref: CampaignRef) -> None:  # noqa: ARG002 the product's signature
        """As the product does."""
        self.asked_temporal += 1
        info = activity.info()
        await activity.client().get_workflow_handle(info.workflow_id or "", run_id=info.workflow_run_id).cancel()

    @activity.defn(name=wire.WRITE_REPORT)
    async def write_report(self, task: ReportTask) -> None:
        """Write down that the report was asked for."""
        await self.report_may_end.wait()
        self.reports.append(task)

    async def _window(self, task: WindowTask, work: Window) -> WindowResult:
        self.asked.append(task)
        self.running[task.stage] += 1
        self.most_running[task.stage] = max(self.most_running[task.stage], self.running[task.stage])
        try:
            if task.first in self.silent:
                return await work(task)
            async with heartbeat():
                return await work(task)
        finally:
            self.running[task.stage] -= 1
