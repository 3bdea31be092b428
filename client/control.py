"""What people ask of a running campaign: told to its workflow, which answers, or finds it when a worker runs again."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from client.workers import workers
from domain import wire
from domain.campaign import CampaignStatus
from domain.errors import InputError, Unreachable
from domain.ports import Campaign
from domain.wire import Answer

FINAL = (CampaignStatus.COMPLETED, CampaignStatus.FAILED, CampaignStatus.CANCELLED)
REQUESTED = "requested"
"""The status of an answer that nobody gave yet: Temporal keeps the request until a worker takes it up."""

_ANSWER_SECONDS = 5.0


class NoWorkflow(InputError):
    """The campaign has no workflow that could be told anything: it has ended, or Temporal does not know it."""


class CampaignControl:
    """Tells campaigns' workflows what people want."""

    def __init__(self, temporal: Client) -> None:
        """`temporal` is connected."""
        self._temporal = temporal

    async def send(self, campaign: Campaign, name: str, *arguments: str) -> Answer:
        """Have the workflow do `name`, one of the control names of domain.wire.

        Where no worker answers in time, Temporal keeps it as a signal: the answer's status is then REQUESTED. Raises
        InputError when the workflow refuses, NoWorkflow when there is none, Unreachable when Temporal does not answer.
        """
        handle = self._temporal.get_workflow_handle(campaign.campaign_id)
        kept = f"no worker answers; the next one takes up the {name}: outrider worker"
        with _explained(campaign):
            if await workers(self._temporal):
                try:
                    async with asyncio.timeout(_ANSWER_SECONDS):
                        answer: Answer = await handle.execute_update(name, args=arguments, result_type=Answer)
                except WorkflowUpdateFailedError as refusal:
                    raise InputError(_line(refusal)) from None
                except (WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError):
                    kept = f"the worker did not answer within {_ANSWER_SECONDS:.0f} s; Temporal keeps the {name}"
                else:
                    return answer
            await handle.signal(name, args=arguments)
        return Answer(status=REQUESTED, changed=True, line=f"{campaign.campaign_id}: {kept}")

    async def cancel(self, campaign: Campaign, reason: str, by: str) -> Answer:
        """End the campaign in our words and in Temporal's, so that both call it cancelled."""
        answer = await self.send(campaign, wire.CANCEL, reason, by)
        try:
            with _explained(campaign):
                await self._temporal.get_workflow_handle(campaign.campaign_id).cancel()
        except NoWorkflow:  # it was quicker
            pass
        return answer

    async def runs(self, campaign: Campaign) -> bool:
        """Whether the campaign's workflow is there and has not ended; raises Unreachable."""
        try:
            with _explained(campaign):
                found = await self._temporal.get_workflow_handle(campaign.campaign_id).describe()
        except NoWorkflow:
            return False
        return found.status is WorkflowExecutionStatus.RUNNING


@contextmanager
def _explained(campaign: Campaign) -> Iterator[None]:
    """Temporal's refusals as errors of ours."""
    try:
        yield
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise no_workflow(campaign) from None
        status = error.status.name.lower().replace("_", " ")
        raise Unreachable(f"Temporal refuses or does not answer: {status}", hint="outrider doctor") from None


def no_workflow(campaign: Campaign) -> NoWorkflow:
    """The error that says how the campaign ended, or how it is taken up."""
    name = campaign.campaign_id
    if campaign.status is CampaignStatus.FAILED:
        return NoWorkflow(f"campaign {name} has failed", hint=f"outrider run --id {name} takes it up again")
    if campaign.status in FINAL:
        return NoWorkflow(f"campaign {name} is {campaign.status}", hint=f"outrider show {name}")
    return NoWorkflow(f"campaign {name}: no workflow of it runs in Temporal", hint=f"outrider run --id {name}")


def _line(refusal: WorkflowUpdateFailedError) -> str:
    cause = refusal.cause
    return cause.message if isinstance(cause, ApplicationError) else "the campaign refuses"
