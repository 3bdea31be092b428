"""A real development server, and the campaign workflow on it with whatever activities a test gives."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from local_world import free_port, wait_until_healthy
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.common import Priority
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from window_activities import WindowActivities

from client.local_stack.parts import temporal_command
from client.temporal_cli import obtain
from domain.wire import CAMPAIGN_WORKFLOW, SENDING_SUFFIX, CampaignProgress, CampaignResult, CampaignStart
from worker.build import HEARTBEAT_THROTTLE, workflow_runner
from workflows.campaign import CampaignWorkflow

CampaignHandle = WorkflowHandle[object, CampaignResult]


async def when(handle: CampaignHandle, holds: Callable[[CampaignProgress], bool]) -> CampaignProgress:
    """The first progress for which this holds."""
    async with asyncio.timeout(20):
        while True:
            progress: CampaignProgress = await handle.query("progress", result_type=CampaignProgress)
            if holds(progress):
                return progress
            await asyncio.sleep(0.02)


@dataclass(frozen=True)
class Ended:
    """A campaign that was started here and the ids of its workflow's runs."""

    handle: CampaignHandle
    result: CampaignResult


@asynccontextmanager
async def running_server(home: Path, *flags: str) -> AsyncIterator["CampaignServer"]:
    """A server on a file under `home`, with further flags of the test's own."""
    port = free_port()
    process = _start(home, port, flags)
    try:
        wait_until_healthy(port)
        client = await Client.connect(f"127.0.0.1:{port}", data_converter=pydantic_data_converter, identity="tests")
        yield CampaignServer(client)
    finally:
        process.kill()
        process.wait(10)


def _start(home: Path, port: int, flags: Sequence[str]) -> subprocess.Popen[bytes]:
    command = [*temporal_command(obtain(print), home / "temporal.db", port, free_port()), *flags]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class CampaignServer:
    """Starts campaigns, each with a worker and a task queue of its own."""

    def __init__(self, client: Client) -> None:
        """`client` is connected."""
        self.client = client

    @asynccontextmanager
    async def working(
        self,
        activities: WindowActivities,
        *,
        slots: int = 100,
        queue: str = "",
        max_cached_workflows: int = 1000,
        runner: SandboxedWorkflowRunner | None = None,
    ) -> AsyncIterator[str]:
        """A task queue, new or `queue`, served while the block runs; at most `slots` windows of a kind at once."""
        served = queue or f"queue-{uuid4().hex}"
        campaigns = Worker(
            self.client,
            task_queue=served,
            workflows=[CampaignWorkflow],
            activities=activities.all(),
            workflow_runner=runner or workflow_runner(),
            max_cached_workflows=max_cached_workflows,
            max_concurrent_activities=slots,
            max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
            default_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
            identity="tests",
        )
        sending = Worker(
            self.client,
            task_queue=f"{served}{SENDING_SUFFIX}",
            activities=[activities.send_messages],
            max_concurrent_activities=slots,
            max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
            default_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
            identity="tests",
        )
        async with campaigns, sending:
            yield served

    async def start(self, queue: str, priority: Priority = Priority.default) -> CampaignHandle:
        """A campaign that the worker of `queue` takes up."""
        return await self.client.start_workflow(
            CAMPAIGN_WORKFLOW,
            CampaignStart(campaign_id=f"campaign-{uuid4().hex[:8]}"),
            id=f"campaign-{uuid4().hex}",
            task_queue=queue,
            result_type=CampaignResult,
            priority=priority,
        )

    @asynccontextmanager
    async def campaign(
        self,
        activities: WindowActivities,
        *,
        max_cached_workflows: int = 1000,
        runner: SandboxedWorkflowRunner | None = None,
    ) -> AsyncIterator[CampaignHandle]:
        """A started campaign, with a worker while the block runs."""
        async with self.working(activities, max_cached_workflows=max_cached_workflows, runner=runner) as queue:
            yield await self.start(queue)

    async def run(self, activities: WindowActivities, *, max_cached_workflows: int = 1000) -> Ended:
        """Carry a campaign to its end."""
        async with self.campaign(activities, max_cached_workflows=max_cached_workflows) as handle:
            return Ended(handle, await handle.result())

    async def histories(self, handle: CampaignHandle) -> list[WorkflowHistory]:
        """The histories of all runs of a campaign, the first run first."""
        found = []
        run_id = handle.first_execution_run_id
        while run_id:
            history = await self.client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()
            found.append(history)
            run_id = history.events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
        return found
