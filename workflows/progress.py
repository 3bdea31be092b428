"""What a campaign tells of itself without its database: the query's answer, and search attributes made of it."""

from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from domain.campaign import CampaignStatus, Stage
from domain.waiting import ends, way_out
from domain.wire import (
    CampaignPlan,
    CampaignProgress,
    Control,
    HoldReason,
    SearchAttribute,
    StageCounts,
    StageState,
    WaitingFor,
)
from workflows.control import Controls
from workflows.pipeline import Pipeline

PAUSED = "paused"

_STATUS = SearchAttributeKey.for_keyword(SearchAttribute.STATUS)
_STAGE = SearchAttributeKey.for_keyword(SearchAttribute.STAGE)
_OWNER = SearchAttributeKey.for_keyword(SearchAttribute.OWNER)
_WAITING_FOR = SearchAttributeKey.for_keyword(SearchAttribute.WAITING_FOR)
_LEADS_FOUND = SearchAttributeKey.for_int(SearchAttribute.LEADS_FOUND)
_EMAILS_SENT = SearchAttributeKey.for_int(SearchAttribute.EMAILS_SENT)

_STEPS = 10
"""`EmailsSent` is written at most so often: each time costs an event."""


def progress_of(
    controls: Controls, pipeline: Pipeline | None, plan: CampaignPlan | None, *, run: int, over: bool
) -> CampaignProgress:
    """Where the campaign stands, as of the last window that ended. No `plan` yet: it is being planned."""
    now = workflow.now()
    stages = pipeline.state.stages if pipeline else []
    state = controls.state
    waiting = _waiting(controls, plan.mailbox if plan else "", stages, now)
    status = CampaignStatus.COMPLETED if over and not state.ended else _status(controls, pipeline, waiting)
    sending = next((stage.counts for stage in stages if stage.stage is Stage.SENDING), {})
    return CampaignProgress(
        campaign_id=controls.campaign_id,
        status=status,
        stage=_stage(stages),
        waiting_for=waiting if status in (CampaignStatus.PAUSED, CampaignStatus.WAITING) else [],
        stages={stage.stage: _counts(stage, pipeline.running(stage.stage) if pipeline else 0) for stage in stages},
        messages=_messages(sending, state.counted),
        leads=_leads(stages, plan),
        paused=state.paused,
        ending=state.ended is not None,
        over=over,
        pauses=state.pauses,
        pause_count=state.pause_count,
        unknown_signals=state.unknown_signals,
        run=run,
        history_events=workflow.info().get_current_history_length(),
        as_of=now,
    )


class SearchAttributes:
    """Keeps what lists of workflows show in step, with as few events as that takes."""

    def __init__(self) -> None:
        """A new run of the workflow inherits the attributes and writes them once more."""
        self._shown: tuple[object, ...] = ()

    def show(self, progress: CampaignProgress, plan: CampaignPlan | None) -> None:
        """Write what is new, if it is worth an event."""
        reason = progress.waiting_for[0].reason if progress.waiting_for else ""
        sent = progress.messages.get("sent", 0)
        step = sent * _STEPS // max(progress.leads, 1)
        found = progress.leads.bit_length() if _searching(progress) else progress.leads
        shown = (progress.status, progress.stage, reason, found, step)
        if shown == self._shown:
            return
        self._shown = shown
        changes: list[SearchAttributeUpdate[Any]] = [
            _STATUS.value_set(progress.status),
            _STAGE.value_set(progress.stage or Stage.PLANNING),
            _WAITING_FOR.value_set(reason),
            _LEADS_FOUND.value_set(progress.leads),
            _EMAILS_SENT.value_set(sent),
        ]
        if plan and plan.owner:
            changes.append(_OWNER.value_set(plan.owner))
        workflow.upsert_search_attributes(changes)


def _status(controls: Controls, pipeline: Pipeline | None, waiting: list[WaitingFor]) -> CampaignStatus:
    if controls.wanted is Control.END:
        return CampaignStatus.CANCELLED
    if controls.wanted is Control.HOLD:
        return CampaignStatus.PAUSED
    if pipeline is None or not waiting or any(pipeline.running(stage.stage) for stage in pipeline.state.stages):
        return CampaignStatus.RUNNING
    return CampaignStatus.WAITING


def _leads(stages: list[StageState], plan: CampaignPlan | None) -> int:
    """How many people are known: those the campaign began with, or as many as discovery has found."""
    return max((stage.found for stage in stages if stage.found is not None), default=plan.leads if plan else 0)


def _searching(progress: CampaignProgress) -> bool:
    """Whether there may be more people: their number is then written each time it doubles, not at every window."""
    discovery = progress.stages.get(Stage.DISCOVERY, StageCounts())
    return bool(discovery.ready or discovery.later or discovery.running)


def _stage(stages: list[StageState]) -> Stage | None:
    """The furthest stage that has begun."""
    return next((stage.stage for stage in reversed(stages) if stage.windows), None)


def _messages(sending: dict[str, int], counted: dict[str, int]) -> dict[str, int]:
    """Messages by final state: of windows that are done, or as they were counted last where that is further."""
    done = {"sent" if outcome == "done" else outcome: count for outcome, count in sending.items()}
    final = {state: counted[state] for state in ("sent", "failed", "skipped", "in_doubt") if counted.get(state)}
    return final if sum(final.values()) >= sum(done.values()) and final else done


def _counts(stage: StageState, running: int) -> StageCounts:
    later = sum(window.last - window.first + 1 for window in stage.later)
    return StageCounts(
        counts=dict(stage.counts), ready=len(stage.ready), later=later, running=running, windows=stage.windows
    )


def _waiting(controls: Controls, mailbox: str, stages: list[StageState], now: datetime) -> list[WaitingFor]:
    """Every wait there is; a pause stands before all others."""
    found = [_wait(controls.campaign_id, mailbox, stage, now) for stage in stages]
    waits = [wait for wait in found if wait is not None]
    paused = controls.state.paused
    if paused is None:
        return waits
    stage = _stage(stages) or Stage.PLANNING
    command = f"outrider resume {controls.campaign_id}"
    return [WaitingFor(stage=stage, reason=PAUSED, since=paused.since, who="person", command=command), *waits]


def _wait(campaign_id: str, mailbox: str, stage: StageState, now: datetime) -> WaitingFor | None:
    if stage.hold is not None and stage.hold.until > now and (stage.ready.spans or stage.later):
        hold = stage.hold
        out = way_out(hold.reason, campaign_id, mailbox)
        return WaitingFor(
            stage=stage.stage,
            reason=hold.reason,
            since=stage.held_since,
            until=ends(hold.reason, hold.deadline or hold.until),
            who=out.who,
            command=out.command,
        )
    if stage.later and not stage.ready.spans:
        until = min(window.at for window in stage.later)
        reason = next((window.put_off for window in stage.later if window.put_off), HoldReason.DEFERRED_BY_RELAY)
        out = way_out(reason, campaign_id, mailbox)
        return WaitingFor(stage=stage.stage, reason=reason, until=ends(reason, until), who=out.who, command=out.command)
    return None
