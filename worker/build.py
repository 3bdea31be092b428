"""The worker: what is registered, what passes the workflow sandbox, how it stops. Tests build theirs here too."""

import dataclasses
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.personalization import PersonalizationActivities
from activities.planning import PlanningActivities
from activities.reporting import ReportingActivities
from activities.sending import SendingActivities
from client.adapters import Ports
from domain.wire import TASK_QUEUE
from workflows.campaign import CampaignWorkflow

_PASSED_THROUGH = (
    "domain",  # pure models and functions: nothing in them can differ between two runs
    "pydantic",  # payload models are checked and copied the same way in every run
    "pydantic_core",  # its compiled half, which cannot be imported twice
    "annotated_types",  # pydantic's constraints
    "email_validator",  # pydantic's e-mail type, used by domain.campaign
    "idna",  # spells domains for it and for domain.lead: tables and pure functions
    "zoneinfo",  # domain.campaign checks names of time zones when a spec is read, which no workflow does
)

GRACE = timedelta(seconds=50)
"""After SIGTERM: longer than a mail in hand can take (45 s), shorter than a container's stop grace (60 s)."""


def workflow_runner() -> SandboxedWorkflowRunner:
    """The sandbox workflows run and are replayed in."""
    passed_through = SandboxRestrictions.passthrough_modules_default | set(_PASSED_THROUGH)
    return SandboxedWorkflowRunner(
        restrictions=dataclasses.replace(SandboxRestrictions.default, passthrough_modules=passed_through)
    )


def build_worker(client: Client, ports: Ports, *, max_cached_workflows: int = 1000) -> Worker:
    """A worker for `ports`. `max_cached_workflows=0` replays every workflow task, for tests of determinism."""
    planning = PlanningActivities(ports.campaigns)
    personalization = PersonalizationActivities(ports.campaigns, ports.leads, ports.writer, ports.public_url)
    sending = SendingActivities(ports.campaigns, ports.ledger, ports.relays, ports.mailboxes)
    reporting = ReportingActivities(ports.campaigns, ports.reports)
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[CampaignWorkflow],
        activities=[
            planning.plan_campaign,
            planning.note_hold,
            personalization.draft_messages,
            sending.send_messages,
            reporting.write_report,
        ],
        workflow_runner=workflow_runner(),
        max_cached_workflows=max_cached_workflows,
        # A dead worker's sticky queue would hold its workflows for 10 s more than necessary.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        max_heartbeat_throttle_interval=timedelta(milliseconds=500),
        default_heartbeat_throttle_interval=timedelta(milliseconds=500),
        max_concurrent_activities=100,
        graceful_shutdown_timeout=GRACE,
    )
