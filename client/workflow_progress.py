"""What only Temporal knows of a campaign: figures, asked for with care, and an end that is not in the rows."""

import time
from datetime import timedelta

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from client.control import FINAL
from domain.campaign import CampaignStatus
from domain.progress import Progress
from domain.wire import PROGRESS, CampaignProgress

_PATIENCE = timedelta(seconds=1.5)
_KEPT_SECONDS = 1.0
"""How long an answer holds: whoever follows a campaign must not keep its worker busy with questions."""

_SILENCE_SECONDS = 5.0
"""How long a campaign that did not answer is not asked again: each question would cost the whole patience."""

_CLOSED = {
    WorkflowExecutionStatus.COMPLETED: CampaignStatus.COMPLETED,
    WorkflowExecutionStatus.FAILED: CampaignStatus.FAILED,
    WorkflowExecutionStatus.TIMED_OUT: CampaignStatus.FAILED,
    WorkflowExecutionStatus.TERMINATED: CampaignStatus.FAILED,
    WorkflowExecutionStatus.CANCELED: CampaignStatus.CANCELLED,
}
"""The status of a campaign whose rows do not know that its workflow has ended."""


class WorkflowProgress:
    """Adds the workflow's own figures to the progress that the rows tell."""

    def __init__(self, temporal: Client) -> None:
        """`temporal` is connected."""
        self._temporal = temporal
        self._known: dict[str, tuple[float, CampaignProgress | None]] = {}

    async def ask(self, campaign_id: str, *, anew: bool = False) -> CampaignProgress | None:
        """The workflow's progress, at most a second old or asked for `anew`; None when no worker answers."""
        until, answer = self._known.get(campaign_id, (0.0, None))
        if not anew and time.monotonic() < until:
            return answer
        handle = self._temporal.get_workflow_handle(campaign_id)
        try:
            answer = await handle.query(PROGRESS, result_type=CampaignProgress, rpc_timeout=_PATIENCE)
        except (RPCError, WorkflowQueryFailedError):
            answer = None
        kept = _KEPT_SECONDS if answer else _SILENCE_SECONDS
        self._known[campaign_id] = (time.monotonic() + kept, answer)
        return answer


def merged(progress: Progress, answer: CampaignProgress | None) -> Progress:
    """The rows' progress with what the workflow answered; without an answer it stays as it is."""
    if answer is None:
        return progress
    stages = {
        stage: counts.model_copy(update={"tries": answer.stages[stage].windows})
        if stage in answer.stages and counts.tries is None
        else counts
        for stage, counts in progress.stages.items()
    }
    own = {name: getattr(answer, name) for name in ("unknown_signals", "run", "history_events")}
    return progress.model_copy(update={"stages": stages, **own})


async def with_workflow_status(temporal: Client, progress: Progress) -> Progress:
    """The same progress, or a corrected copy where Temporal says that the workflow has ended; raises RPCError."""
    if progress.status in FINAL:
        return progress
    status = await closed_status(temporal, progress.campaign_id)
    return progress if status is None else progress.model_copy(update={"status": status})


async def closed_status(temporal: Client, campaign_id: str) -> CampaignStatus | None:
    """How the campaign's workflow ended, None while it runs or where there is none; raises RPCError."""
    try:
        description = await temporal.get_workflow_handle(campaign_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    return _CLOSED.get(description.status) if description.status else None
