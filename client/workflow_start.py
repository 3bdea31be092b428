"""How the workflow of a stored campaign is started."""

from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from client.one_line import one_line
from domain.ports import Campaign
from domain.wire import CAMPAIGN_WORKFLOW, TASK_QUEUE, CampaignStart

_LONGEST_SUMMARY = 100
_LONGEST_FAIRNESS_KEY = 64


async def start_workflow(temporal: Client, campaign: Campaign, reuse: WorkflowIDReusePolicy) -> str:
    """Start it; returns the id of the run, also of one that was there already and that `reuse` leaves as it is."""
    summary = f"{campaign.spec.name}: {campaign.spec.goal}" if campaign.spec.goal else campaign.spec.name
    try:
        handle = await temporal.start_workflow(
            CAMPAIGN_WORKFLOW,
            CampaignStart(campaign_id=campaign.campaign_id),
            id=campaign.campaign_id,
            task_queue=TASK_QUEUE,
            id_reuse_policy=reuse,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            static_summary=one_line(summary, _LONGEST_SUMMARY),
            priority=Priority(
                priority_key=campaign.priority,
                fairness_key=campaign.campaign_id[-_LONGEST_FAIRNESS_KEY:],  # the end tells campaigns apart
            ),
        )
    except WorkflowAlreadyStartedError as started:
        return started.run_id or ""
    return handle.first_execution_run_id or ""
