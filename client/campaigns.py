"""Start campaigns and watch them: what the command line and scripts are made of."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any

from pydantic import BaseModel
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from client.adapters import Storage, check_relay, open_storage
from client.connection import connect
from client.settings import Settings
from domain.campaign import CampaignSpec, CampaignStatus, slug
from domain.errors import InputError
from domain.lead import NewLead
from domain.ports import Campaign
from domain.progress import Progress
from domain.report import CampaignReport, RejectedRow
from domain.wire import CAMPAIGN_WORKFLOW, MAX_CAMPAIGN_ID, TASK_QUEUE, CampaignStart

FINAL = (CampaignStatus.COMPLETED, CampaignStatus.FAILED, CampaignStatus.CANCELLED)

_CLOSED = {
    WorkflowExecutionStatus.FAILED: CampaignStatus.FAILED,
    WorkflowExecutionStatus.TIMED_OUT: CampaignStatus.FAILED,
    WorkflowExecutionStatus.TERMINATED: CampaignStatus.FAILED,
    WorkflowExecutionStatus.CANCELED: CampaignStatus.CANCELLED,
}


def new_campaign_id(spec: CampaignSpec) -> str:
    """An id nobody has: the campaign's name and 8 hex digits."""
    return f"campaign-{slug(spec.name)}-{token_hex(4)}"


def check_campaign_id(campaign_id: str) -> None:
    """Raise InputError unless the id can be a workflow's id, a file's name and a part of an address."""
    if len(campaign_id) > MAX_CAMPAIGN_ID or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", campaign_id):
        raise InputError(
            f"--id: at most {MAX_CAMPAIGN_ID} letters, digits, -, _ and ., the first a letter or digit",
            hint="--id campaign-release-notes-2026-11",
        )


class Started(BaseModel):
    """A campaign whose workflow exists. `workflow_id` is the campaign id."""

    campaign_id: str
    workflow_id: str
    run_id: str


class CampaignClient:
    """Campaigns through their rows and their workflows. `open` makes one."""

    def __init__(self, storage: Storage, temporal: Client, settings: Settings) -> None:
        """Both must be connected."""
        self._storage = storage
        self._temporal = temporal
        self._settings = settings

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncIterator["CampaignClient"]:
        """Connect to the database and to Temporal; raises Unreachable or InputError."""
        temporal = await connect(settings)
        async with open_storage(settings) as storage:
            yield cls(storage, temporal, settings)

    async def create(
        self,
        spec: CampaignSpec,
        leads: Sequence[NewLead],
        rejected: Sequence[RejectedRow] = (),
        campaign_id: str | None = None,
    ) -> Started:
        """Write the campaign down with all its leads, then start its workflow.

        The row comes first: if this process dies in between, `start` with the same id repairs it. Raises InputError
        when the spec cannot be sent from here, or when the id is taken.
        """
        if not spec.dry_run:
            check_relay(self._settings, spec.sending.mailboxes[0].name)
        self._settings.opt_out_base()
        chosen = campaign_id or new_campaign_id(spec)
        check_campaign_id(chosen)
        await self._storage.campaigns.create(chosen, spec, leads, rejected)
        return await self.start(chosen)

    async def start(self, campaign_id: str) -> Started:
        """Start the workflow of a stored campaign; one that runs, or is done, is left as it is.

        One that failed or was terminated goes on in a new run: the rows say what is done.
        """
        stored = await self._storage.campaigns.get(campaign_id)
        if stored.status in (
            CampaignStatus.COMPLETED,
            CampaignStatus.CANCELLED,
        ):  # Temporal may have forgotten by now that there was a workflow
            return Started(campaign_id=campaign_id, workflow_id=campaign_id, run_id="")
        try:
            handle = await self._temporal.start_workflow(
                CAMPAIGN_WORKFLOW,
                CampaignStart(campaign_id=campaign_id),
                id=campaign_id,
                task_queue=TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                static_summary=campaign_id,
            )
        except WorkflowAlreadyStartedError as started:
            run_id = started.run_id or ""
        else:
            run_id = handle.first_execution_run_id or ""
        return Started(campaign_id=campaign_id, workflow_id=campaign_id, run_id=run_id)

    async def get(self, campaign_id: str) -> Campaign:
        """The campaign's row; raises NotFound."""
        return await self._storage.campaigns.get(campaign_id)

    async def progress(self, campaign_id: str) -> Progress:
        """The progress by the rows; a workflow that ended without writing its end down decides the status."""
        progress = await self._storage.progress.read(campaign_id)
        try:
            return await with_workflow_status(self._temporal, progress)
        except RPCError:  # Temporal is away for a moment: the rows are the better half of the truth
            return progress

    async def follow(self, campaign_id: str, *, every: float = 0.5) -> AsyncIterator[Progress]:
        """Progress whenever it changed, asked for every so many seconds, until the campaign has ended."""
        shown: Progress | None = None
        while True:
            progress = await self.progress(campaign_id)
            if shown is None or progress.model_copy(update={"as_of": shown.as_of}) != shown:
                shown = progress
                yield progress
            if progress.status in FINAL:
                return
            await asyncio.sleep(every)

    async def result(self, campaign_id: str) -> CampaignReport:
        """Wait for the end of the campaign and return its report."""
        async for _ in self.follow(campaign_id):
            pass
        return await self._storage.reports.read(campaign_id)

    def export(self, campaign_id: str, what: str) -> AsyncIterator[dict[str, Any]]:
        """Rows of one kind: leads, ledger, drafts, errors or events. The ledger's columns are a stable contract."""
        return self._storage.exports.rows(campaign_id, what)


async def with_workflow_status(temporal: Client, progress: Progress) -> Progress:
    """Progress corrected by what Temporal says of a workflow that was terminated, timed out or failed."""
    if progress.status in FINAL:
        return progress
    try:
        description = await temporal.get_workflow_handle(progress.campaign_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return progress
        raise
    status = _CLOSED.get(description.status) if description.status else None
    return progress if status is None else progress.model_copy(update={"status": status})
