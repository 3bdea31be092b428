"""One workflow per campaign."""

import contextlib

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from domain import wire
from domain.campaign import CampaignStatus, Stage
from domain.wire import (
    CampaignPlan,
    CampaignRef,
    CampaignResult,
    CampaignStart,
    Hold,
    HoldNote,
    PipelineState,
    ReportTask,
    StageState,
    WindowResult,
    WindowTask,
)
from workflows import options
from workflows.pipeline import Pipeline, StageGaveUp

_ACTIVITY = {Stage.PERSONALIZATION: wire.DRAFT_MESSAGES, Stage.SENDING: wire.SEND_MESSAGES}
_VERB = {Stage.PERSONALIZATION: "draft", Stage.SENDING: "send"}


@workflow.defn(name=wire.CAMPAIGN_WORKFLOW)
class CampaignWorkflow:
    """Planning, then all windowed stages overlapped, then the report."""

    @workflow.run
    async def run(self, start: CampaignStart) -> CampaignResult:
        """Carry the campaign to its end; long ones go on in a new run with the same state."""
        state = start.state or _first_state(await self._plan(start.campaign_id))
        failed: Stage | None = None

        def start_window(stage: StageState, first: int, last: int) -> workflow.ActivityHandle[WindowResult]:
            return workflow.start_activity(
                _ACTIVITY[stage.stage],
                WindowTask(campaign_id=start.campaign_id, stage=stage.stage, first=first, last=last, holds=stage.holds),
                result_type=WindowResult,
                start_to_close_timeout=options.WINDOW_TIMEOUT,
                heartbeat_timeout=options.HEARTBEAT_TIMEOUT,
                retry_policy=options.RETRIES,
                summary=f"{_VERB[stage.stage]} {first}-{last}",
            )

        async def note_hold(stage: Stage, hold: Hold) -> None:
            with contextlib.suppress(ActivityError):  # it is for people's eyes; what failed was something else
                await workflow.execute_activity(
                    wire.NOTE_HOLD,
                    HoldNote(campaign_id=start.campaign_id, stage=stage, hold=hold),
                    start_to_close_timeout=options.SHORT_TIMEOUT,
                    retry_policy=options.RETRIES,
                    summary=f"{stage} waits",
                )

        try:
            done = await Pipeline(state, start_window, note_hold).run()
        except StageGaveUp as gave_up:
            done, failed = True, gave_up.stage
        if not done:
            await workflow.wait_condition(workflow.all_handlers_finished)
            workflow.continue_as_new(CampaignStart(campaign_id=start.campaign_id, state=state))
        await workflow.execute_activity(
            wire.WRITE_REPORT,
            ReportTask(campaign_id=start.campaign_id, failed_stage=failed),
            start_to_close_timeout=options.SHORT_TIMEOUT,
            retry_policy=options.PERSISTENT,
            summary="report",
        )
        if failed is not None:
            raise ApplicationError(f"{failed} gave up", type="StageGaveUp", non_retryable=True)
        return CampaignResult(
            status=CampaignStatus.COMPLETED, counts={stage.stage: stage.counts for stage in state.stages}
        )

    async def _plan(self, campaign_id: str) -> CampaignPlan:
        plan: CampaignPlan = await workflow.execute_activity(
            wire.PLAN_CAMPAIGN,
            CampaignRef(campaign_id=campaign_id),
            result_type=CampaignPlan,
            start_to_close_timeout=options.SHORT_TIMEOUT,
            retry_policy=options.PERSISTENT,
            summary="plan",
        )
        return plan


def _first_state(plan: CampaignPlan) -> PipelineState:
    """Every lead is ready for the first stage."""
    drafting = StageState(stage=Stage.PERSONALIZATION, size=plan.draft_window, width=plan.width)
    sending = StageState(stage=Stage.SENDING, size=plan.send_window, width=plan.width)
    drafting.ready.add(1, plan.leads)
    return PipelineState(stages=[drafting, sending])
