"""One workflow per campaign."""

import asyncio
import contextlib
from collections.abc import Iterator

from temporalio import workflow
from temporalio.exceptions import ActivityError
from temporalio.workflow import ActivityCancellationType, ActivityHandle

from domain import wire
from domain.campaign import CampaignStatus, Stage
from domain.wire import (
    Breaker,
    CampaignPlan,
    CampaignProgress,
    CampaignRef,
    CampaignResult,
    CampaignStart,
    Control,
    ControlState,
    Hold,
    HoldNote,
    PipelineState,
    ReportTask,
    StageState,
    Trip,
    WindowResult,
    WindowTask,
)
from workflows import options
from workflows.calls import start_short
from workflows.clerk import Clerk
from workflows.control import Controls, Said
from workflows.details import details
from workflows.handlers import Handlers
from workflows.pipeline import Left, Pipeline
from workflows.progress import SearchAttributes, progress_of

_ACTIVITY = {
    Stage.DISCOVERY: wire.DISCOVER_PEOPLE,
    Stage.ENRICHMENT: wire.ENRICH_LEADS,
    Stage.PERSONALIZATION: wire.DRAFT_MESSAGES,
    Stage.REVIEW: wire.REVIEW_DRAFTS,
    Stage.SENDING: wire.SEND_MESSAGES,
}
_VERB = {
    Stage.DISCOVERY: "discover in slices",
    Stage.ENRICHMENT: "enrich",
    Stage.PERSONALIZATION: "draft",
    Stage.REVIEW: "review",
    Stage.SENDING: "send",
}


@workflow.defn(name=wire.CAMPAIGN_WORKFLOW)
class CampaignWorkflow(Handlers):
    """Planning, then all windowed stages overlapped, then the report; people can stop and steer it at any moment."""

    @workflow.init
    def __init__(self, start: CampaignStart) -> None:
        """Signals may be handled before the first line of `run`."""
        self._start = start
        self._plan = start.plan
        self.controls = Controls(start.campaign_id, start.control or ControlState())
        self._pipeline = self._carries(start.state) if start.state else None
        self._clerk = Clerk(self.controls, self.recheck, self.changed)
        self._attributes = SearchAttributes()
        self._listed = False
        self._over = False

    @workflow.run
    async def run(self, start: CampaignStart) -> CampaignResult:  # noqa: ARG002 __init__ has it
        """Carry the campaign to its end; long ones go on in a new run with the same state."""
        self._listed = workflow.patched(wire.LISTED_PATCH)
        # A cancellation in Temporal reaches this coroutine only: the work itself learns of it as of any other wish.
        work = asyncio.create_task(self._carry())
        clerk = asyncio.create_task(self._clerk.work())
        while not work.done():
            with self._heard_cancellation():
                await workflow.wait_condition(lambda: work.done() or clerk.done())
                if clerk.done():
                    clerk.result()
        left = work.result()
        await workflow.wait_condition(workflow.all_handlers_finished)
        if left is Left.CONTINUED:
            workflow.continue_as_new(self._next_start())
        if left is Left.ENDED:
            raise asyncio.CancelledError
        stages = self._pipeline.state.stages if self._pipeline else []
        return CampaignResult(status=CampaignStatus.COMPLETED, counts={stage.stage: stage.counts for stage in stages})

    async def _carry(self) -> Left:
        """The work itself, until there is nothing left to do in this run of the workflow."""
        if self._pipeline is None:
            await self._plan_anew()
        while True:
            left = await self._pipeline.run() if self._pipeline else Left.ENDED
            await workflow.wait_condition(lambda: self._clerk.idle)
            if left is Left.EMPTY:
                await self._report(cancelled=False)
            if self.wanted() is Control.END:
                await self._end()
                return Left.ENDED
            if not self.controls.starts_over:
                return left
            self.controls.starts_over = self.controls.over = False
            if left is Left.EMPTY or self._plan is None:
                await self._plan_anew()  # the row says that it is completed
            else:
                self._pipeline = self._carries(_first_state(self._plan))

    def _carries(self, state: PipelineState) -> Pipeline:
        plan = self._plan
        return Pipeline(
            state,
            self,
            full_windows=plan is not None and plan.full_windows,
            looks_again=plan is not None and plan.looks_again,
        )

    async def _plan_anew(self) -> None:
        """Plan, unless the campaign is cancelled first, and begin with every lead."""
        ref = CampaignRef(campaign_id=self._start.campaign_id)
        handle = start_short(wire.PLAN_CAMPAIGN, ref, "plan", result_type=CampaignPlan)
        self.changed()
        await workflow.wait_condition(lambda: handle.done() or self.wanted() is Control.END)
        if not handle.done():
            handle.cancel()
        try:
            self._plan = await handle
        except (ActivityError, asyncio.CancelledError):
            if self.wanted() is not Control.END:
                raise
            return
        if self._plan.ended:
            self.controls.ended_before()
        elif self._plan.paused is not None:
            self.controls.paused_before(self._plan.paused)
        self._pipeline = self._carries(_first_state(self._plan))

    async def _report(self, *, cancelled: bool) -> None:
        self.controls.over = True
        task = ReportTask(campaign_id=self._start.campaign_id, cancelled=cancelled)
        await start_short(wire.WRITE_REPORT, task, "report")
        await workflow.wait_condition(lambda: self._clerk.idle)
        self._over = cancelled or (self.wanted() is Control.RUN and not self.controls.starts_over)
        self.changed()

    async def _end(self) -> None:
        """Nothing runs any more, and the row says `end`: put an end to what has not begun, and tell Temporal."""
        ref = CampaignRef(campaign_id=self._start.campaign_id)
        await start_short(wire.CANCEL_REST, ref, "cancel the rest")
        await self._report(cancelled=True)
        if not self.controls.state.cancellation_requested:
            await start_short(wire.REQUEST_CANCELLATION, ref, "tell Temporal")
        await workflow.wait_condition(lambda: self.controls.state.cancellation_requested)

    @contextlib.contextmanager
    def _heard_cancellation(self) -> Iterator[None]:
        try:
            yield
        except asyncio.CancelledError:
            self.controls.cancelled_in_temporal()

    def _next_start(self) -> CampaignStart:
        """All that the next run of the workflow begins with."""
        return CampaignStart(
            campaign_id=self._start.campaign_id,
            state=self._pipeline.state if self._pipeline else None,
            control=self.controls.state,
            plan=self._plan,
            run=self._start.run + 1,
        )

    # What the handlers ask for.

    def recheck(self) -> None:
        """See Handlers."""
        if self._pipeline is not None:
            self._pipeline.recheck()
            self._clerk.count()

    def progress(self) -> CampaignProgress:
        """See Handlers."""
        return progress_of(self.controls, self._pipeline, self._plan, run=self._start.run, over=self._over)

    def changed(self) -> None:
        """See Handlers and Conductor."""
        progress = self.progress()
        workflow.set_current_details(details(progress))
        if self._listed:
            self._attributes.show(progress, self._plan)

    # What the pipeline asks for.

    def wanted(self) -> Control:
        """See Conductor."""
        return self.controls.wanted

    def settled(self) -> bool:
        """See Conductor."""
        return self.controls.settled

    def starts_over(self) -> bool:
        """See Conductor."""
        return self.controls.starts_over

    def stopped(self) -> None:
        """See Conductor."""
        self._clerk.count_once()

    def stage_done(self, stage: Stage) -> None:
        """See Conductor. A sample can be drawn once all drafts are there."""
        if self._pipeline and self._plan and self._plan.review_window and stage is Stage.PERSONALIZATION:
            self._pipeline.recheck()

    def disowned(self) -> None:
        """See Conductor."""
        self.controls.disown()

    def start_window(self, stage: StageState, first: int, last: int) -> ActivityHandle[WindowResult]:
        """See Conductor."""
        queue = workflow.info().task_queue
        return workflow.start_activity(
            _ACTIVITY[stage.stage],
            WindowTask(
                campaign_id=self._start.campaign_id, stage=stage.stage, first=first, last=last, holds=stage.holds
            ),
            result_type=WindowResult,
            task_queue=f"{queue}{wire.SENDING_SUFFIX}" if stage.stage is Stage.SENDING else queue,
            start_to_close_timeout=options.WINDOW_TIMEOUT,
            heartbeat_timeout=options.HEARTBEAT_TIMEOUT,
            retry_policy=options.RETRIES,
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=f"{_VERB[stage.stage]} {first}-{last}",
        )

    async def note_hold(self, stage: Stage, hold: Hold) -> None:
        """See Conductor."""
        with contextlib.suppress(ActivityError):  # it is for people's eyes; what failed was something else
            note = HoldNote(campaign_id=self._start.campaign_id, stage=stage, hold=hold)
            await start_short(wire.NOTE_HOLD, note, f"{stage} waits", retries=options.RETRIES)

    def tripped(self, trip: Trip) -> None:
        """See Conductor."""
        if trip.breaker is Breaker.REQUEST:
            self._pause_itself(trip.breaker, "the source does not understand the request; the workers' log says why")
            return
        share = f"{100 * trip.count / trip.judged:.1f} % of the last {trip.judged} mails"
        self._pause_itself(trip.breaker, f"{trip.breaker} {share} ({trip.count}; limit {trip.limit:g} %)")

    def failed(self, stage: Stage, what: str) -> None:
        """See Conductor."""
        self._pause_itself(Breaker.FAILURES, f"{stage} {what}")

    def _pause_itself(self, breaker: Breaker, reason: str) -> None:
        self.controls.pause(Said(reason, f"breaker {breaker}"), breaker)


def _first_state(plan: CampaignPlan) -> PipelineState:
    """Every slice is ready for discovery, every lead that is known already for the first stage after it."""

    def stage(name: Stage, size: int, first_window: int = 0) -> StageState:
        return StageState(stage=name, size=size, width=plan.width, first_window=first_window)

    first = plan.first_window
    stages = [stage(Stage.PERSONALIZATION, plan.draft_window, first), stage(Stage.SENDING, plan.send_window, first)]
    stages[0].after_all = plan.ranked
    if plan.review_window:
        stages.insert(1, stage(Stage.REVIEW, plan.review_window))
    if plan.slices:
        discovery = stage(Stage.DISCOVERY, plan.slice_window)
        discovery.ready.add(1, plan.slices)
        discovery.turn = 0 if plan.takes_turns else None
        discovery.numbers, discovery.found, discovery.ahead = plan.slices, plan.leads, plan.ahead
        stages = [discovery, stage(Stage.ENRICHMENT, plan.enrich_window, first), *stages]
    stages[1 if plan.slices else 0].ready.add(1, plan.leads)
    return PipelineState(stages=stages)
