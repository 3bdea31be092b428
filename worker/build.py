"""The worker: what is registered, what passes the workflow sandbox, how it stops. Tests build theirs here too."""

import asyncio
import dataclasses
import gc
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Self

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.control import ControlActivities
from activities.discovery import DiscoveryActivities
from activities.enrichment import EnrichmentActivities
from activities.in_hand import to_its_end
from activities.personalization import PersonalizationActivities
from activities.planning import PlanningActivities
from activities.reporting import ReportingActivities
from activities.reviewing import ReviewActivities
from activities.sending import SendingActivities
from client.adapters import Ports, open_ports
from client.connection import connect
from client.settings import Settings
from domain.wire import SENDING_SUFFIX, TASK_QUEUE
from worker.measuring import feeling_lag
from worker.own_loop import OwnLoop
from workflows.campaign import CampaignWorkflow

Open = Callable[[], AbstractAsyncContextManager[tuple[Client, Ports]]]
"""Connects the event loop that it is called in to Temporal, to the database and to everything outside."""

_PASSED_THROUGH = (
    "domain",  # pure models and functions: nothing in them can differ between two runs
    "pydantic",  # payload models are checked and copied the same way in every run
    "pydantic_core",  # its compiled half, which cannot be imported twice
    "annotated_types",  # pydantic's constraints
    "email_validator",  # pydantic's e-mail type, used by domain.campaign
    "idna",  # spells domains for it and for domain.lead: tables and pure functions
    "zoneinfo",  # domain.campaign checks names of time zones when a spec is read, which no workflow does
)

HEARTBEAT_THROTTLE = timedelta(milliseconds=500)
"""The interval of the heartbeats themselves: a cancellation comes with the answer to one."""

CAMPAIGN_SLOTS = 100
SENDING_SLOTS = 500
"""Activities at once. A window that sends mostly waits for its relay, whose connections are limited elsewhere."""

GRACE = timedelta(seconds=50)
"""After SIGTERM: longer than a mail in hand can take (45 s), shorter than a container's stop grace (60 s)."""

_SWITCH_SECONDS = 0.0002
"""A mail's answer waits this long for the other event loop, many times over; with Python's 5 ms it takes ten times
as long to get into the ledger while people are read about, and nothing else becomes faster."""


def workflow_runner() -> SandboxedWorkflowRunner:
    """The sandbox workflows run and are replayed in."""
    passed_through = SandboxRestrictions.passthrough_modules_default | set(_PASSED_THROUGH)
    return SandboxedWorkflowRunner(
        restrictions=dataclasses.replace(SandboxRestrictions.default, passthrough_modules=passed_through)
    )


class CampaignWorker:
    """The two workers of one process: one for the workflows and their own rows, one for sending.

    Mails wait: for a relay, for a window, for their turn. On a task queue of their own they never keep a pause, a
    report or another campaign's drafts waiting. And in an event loop of their own no mail waits while people are read
    and written about.
    """

    def __init__(self, campaigns: Worker, sending: OwnLoop) -> None:
        """`campaigns` belongs to the event loop that this is entered in."""
        self._campaigns = campaigns
        self._sending = sending

    async def run(self) -> None:
        """Work until cancelled; what is in hand is finished then."""
        async with self:
            await asyncio.get_running_loop().create_future()

    async def turns(self) -> bool:
        """Whether the event loop that mails are sent in answers."""
        return await self._sending.turns()

    async def __aenter__(self) -> Self:
        """Begin to work."""
        await self._sending.__aenter__()
        await self._campaigns.__aenter__()
        return self

    async def __aexit__(self, error_type: type[BaseException] | None, *error: object) -> None:
        """Finish what is in hand, though one that fails meanwhile cancels whoever has entered."""
        await to_its_end(self._leave(error_type, *error))

    async def _leave(self, error_type: type[BaseException] | None, *error: object) -> None:
        """Both at the same time: a container's stop grace is for the whole process."""
        left = (self._campaigns.__aexit__(error_type, *error), self._sending.__aexit__(error_type, *error))
        for failure in await asyncio.gather(*left, return_exceptions=True):
            if failure is not None:
                raise failure


def tune_interpreter() -> None:
    """Set this process up for two event loops that share one interpreter; called once everything is imported."""
    gc.freeze()  # going through what was imported again and again took half the time of reading answers
    sys.setswitchinterval(_SWITCH_SECONDS)


def _unchanged(ports: Ports) -> Ports:
    return ports


@asynccontextmanager
async def opened(
    settings: Settings, changed: Callable[[Ports], Ports] = _unchanged
) -> AsyncIterator[tuple[Client, Ports]]:
    """What a worker needs in one event loop, with the ports that `changed` makes of the real ones."""
    client = await connect(settings)
    async with open_ports(settings) as ports:
        yield client, changed(ports)


def build_worker(
    client: Client, ports: Ports, open_sending: Open, *, max_cached_workflows: int = 1000
) -> CampaignWorker:
    """A worker for `ports`; mails go out by those of `open_sending`, in an event loop of their own.

    `max_cached_workflows=0` replays every workflow task, for tests of determinism.
    """
    workflow.logger.workflow_info_on_message = False  # telemetry.logging makes fields of it
    planning = PlanningActivities(ports.campaigns, ports.discoveries, ports.source)
    discovery = DiscoveryActivities(ports.campaigns, ports.discoveries, ports.source)
    enrichment = EnrichmentActivities(ports.campaigns, ports.discoveries, ports.people, ports.source)
    control = ControlActivities(ports.campaigns, ports.ledger)
    personalization = PersonalizationActivities(
        ports.campaigns, ports.leads, ports.people, ports.writer, ports.public_url
    )
    review = ReviewActivities(ports.campaigns, ports.reviews)
    reporting = ReportingActivities(ports.campaigns, ports.reports)
    campaigns = Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[CampaignWorkflow],
        activities=[
            planning.plan_campaign,
            discovery.discover_people,
            enrichment.enrich_leads,
            control.write_control,
            control.note_hold,
            control.count_messages,
            control.cancel_rest,
            control.request_cancellation,
            personalization.draft_messages,
            review.review_drafts,
            review.approve_drafts,
            reporting.write_report,
        ],
        workflow_runner=workflow_runner(),
        max_cached_workflows=max_cached_workflows,
        # A dead worker's sticky queue would hold its workflows for 10 s more than necessary.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        max_concurrent_activities=CAMPAIGN_SLOTS,
        max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        default_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        graceful_shutdown_timeout=GRACE,
    )
    return CampaignWorker(campaigns, OwnLoop("sending", partial(_sending, open_sending)))


@asynccontextmanager
async def _sending(open_sending: Open) -> AsyncIterator[None]:
    """Mails go out while the block runs."""
    async with open_sending() as (client, ports), _sending_worker(client, ports), feeling_lag():
        yield


def _sending_worker(client: Client, ports: Ports) -> Worker:
    return Worker(
        client,
        task_queue=f"{TASK_QUEUE}{SENDING_SUFFIX}",
        activities=[SendingActivities(ports.campaigns, ports.ledger, ports.relays, ports.mailboxes).send_messages],
        max_concurrent_activities=SENDING_SLOTS,
        max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        default_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        graceful_shutdown_timeout=GRACE,
    )
