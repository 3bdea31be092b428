"""Start campaigns, control and watch them: what the command line and scripts are made of."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from pydantic import BaseModel
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.service import RPCError

from client.adapters import Storage, check_relay, open_storage
from client.connection import connect
from client.control import FINAL, REQUESTED, CampaignControl, NoWorkflow, no_workflow
from client.one_line import LONGEST_REASON, one_line
from client.person import who
from client.settings import Settings
from client.workers import workers
from client.workflow_progress import WorkflowProgress, closed_status, merged, with_workflow_status
from client.workflow_start import start_workflow
from domain import wire
from domain.campaign import CampaignSpec, CampaignStatus, Stage, slug
from domain.errors import InputError, OutriderError
from domain.lead import LeadState, NewLead
from domain.message import MessageState
from domain.ports import Campaign
from domain.progress import Progress
from domain.report import CampaignReport, RejectedRow
from domain.wire import (
    MAX_CAMPAIGN_ID,
    Answer,
    ChangeKind,
    Control,
    ControlChange,
    ControlTask,
)
from telemetry.names import Command
from telemetry.tracing import command, commanded

__all__ = [
    "FINAL",
    "PRIORITIES",
    "CampaignClient",
    "Started",
    "check_campaign_id",
    "new_campaign_id",
]

PRIORITIES = range(1, 6)
"""The first goes first."""

_LOOK_AGAIN_SECONDS = 0.5


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
        self._control = CampaignControl(temporal)
        self._workflows = WorkflowProgress(temporal)

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
        *,
        priority: int = 3,
    ) -> Started:
        """Write the campaign down with all its leads, then start its workflow.

        The row comes first: if this process dies in between, `start` with the same id repairs it. `priority` is 1 for
        what goes first to 5. Raises InputError when the spec cannot be sent from here, or when the id is taken.
        """
        if priority not in PRIORITIES:
            raise InputError(f"priority {priority}: must be 1 (first) to 5 (last)")
        if not spec.dry_run:
            check_relay(self._settings, spec.sending.mailboxes[0].name)
        self._settings.opt_out_base()
        chosen = campaign_id or new_campaign_id(spec)
        check_campaign_id(chosen)
        with command(Command.CREATE, chosen):
            await self._storage.campaigns.create(chosen, spec, leads, rejected, priority)
            return await self.start(chosen)

    @commanded(Command.START)
    async def start(self, campaign_id: str) -> Started:
        """Start the workflow of a stored campaign; one that runs, or is done, is left as it is.

        One that failed or was terminated goes on in a new run: the rows say what is done. One that somebody cancelled
        is not taken up again: its run only brings the cancellation to its end.
        """
        stored = await self._storage.campaigns.get(campaign_id)
        # Temporal may have forgotten by now that there was a workflow.
        if stored.status in (CampaignStatus.COMPLETED, CampaignStatus.CANCELLED):
            return Started(campaign_id=campaign_id, workflow_id=campaign_id, run_id="")
        failed_only = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
        ending = stored.control is Control.END
        run_id = await start_workflow(
            self._temporal, stored, WorkflowIDReusePolicy.ALLOW_DUPLICATE if ending else failed_only
        )
        return Started(campaign_id=campaign_id, workflow_id=campaign_id, run_id=run_id)

    @commanded(Command.PAUSE)
    async def pause(self, campaign_id: str, reason: str = "", by: str = "") -> Answer:
        """Let nothing new start until `resume`; what is in hand is finished. `by` is `client.person.who` if left out.

        As all the control below it raises NotFound, InputError when the workflow refuses or has ended, and
        Unreachable; without a worker Temporal keeps it for the next one, and the answer's status is REQUESTED.
        """
        return await self._tell(wire.PAUSE, campaign_id, reason, by)

    @commanded(Command.RESUME)
    async def resume(self, campaign_id: str, reason: str = "", by: str = "") -> Answer:
        """Go on after a pause."""
        return await self._tell(wire.RESUME, campaign_id, reason, by)

    @commanded(Command.CANCEL)
    async def cancel(self, campaign_id: str, reason: str = "", by: str = "") -> Answer:
        """End the campaign: nothing leaves any more, what was sent stays sent, the report is written.

        One that has not ended and has no workflow, because it was terminated or never started, gets one for that.
        """
        campaign = await self.get(campaign_id)
        why, person = one_line(reason, LONGEST_REASON), by or who()
        try:
            return await self._control.cancel(campaign, why, person)
        except NoWorkflow:
            return await self._cancel_rows(campaign_id, why, person)

    @commanded(Command.APPROVE)
    async def approve(self, campaign_id: str, leads: str = "all", by: str = "") -> Answer:
        """Approve drafts: lead numbers such as `1,4,10-20`, or `all` that wait now."""
        return await self._control.send(await self.get(campaign_id), wire.APPROVE, leads, by or who())

    @commanded(Command.RECHECK)
    async def recheck(self, campaign_id: str) -> str:
        """Have the rows looked at again now, after decisions were written into them; returns what comes of it."""
        return (await self._control.send(await self.get(campaign_id), wire.RECHECK)).line

    @commanded(Command.RETRY)
    async def retry(self, campaign_id: str, stage: Stage | None = None, by: str = "") -> Answer:
        """Try again what failed, in one stage or in all; what is in doubt stays as it is.

        A campaign that has ended is started again; a cancelled one is refused.
        """
        campaign = await self.get(campaign_id)
        if _is_cancelled(campaign):
            raise InputError(f"campaign {campaign_id} is cancelled: nothing of it is sent any more")
        person = by or who()
        retried = await self._storage.settling.retry_failed(campaign_id, stage, person)
        opened = retried.leads + retried.messages
        barred = f"{retried.suppressed:,} stay failed, their addresses are suppressed" if retried.suppressed else ""
        if not opened and not await self._left_open(campaign):
            line = f"{campaign_id}: {barred or 'nothing has failed'}"
            return Answer(status=campaign.status, changed=False, line=line)
        what = f"{opened:,} tried again" if opened else "what was left open goes on"
        return await self._take_up(campaign, ", ".join(filter(None, (what, barred))), person)

    @commanded(Command.RESOLVE)
    async def resolve(  # noqa: PLR0913 which message, what became of it, why and who
        self, campaign_id: str, lead: int, step: int, *, sent: bool, reason: str, by: str = ""
    ) -> Answer:
        """Settle a message in doubt as somebody found it out; one that was not sent goes out now.

        Raises InputError when it is not in doubt.
        """
        campaign = await self.get(campaign_id)
        person = by or who()
        why = one_line(reason, LONGEST_REASON)
        state = await self._storage.settling.resolve(campaign_id, lead, step, sent=sent, by=person, reason=why)
        what = f"lead {lead}, step {step} is {state} now"
        if state is MessageState.SCHEDULED:
            return await self._take_up(campaign, what, person)
        with suppress(OutriderError):  # it is settled; a workflow that runs only counts anew what it shows
            await self.recheck(campaign_id)
        return Answer(status=campaign.status, changed=True, line=f"{campaign_id}: {what}")

    async def get(self, campaign_id: str) -> Campaign:
        """The campaign's row; raises NotFound."""
        return await self._storage.campaigns.get(campaign_id)

    async def progress(self, campaign_id: str) -> Progress:
        """The progress by the rows, with what only the workflow knows where a worker answers.

        A workflow that ended without writing its end down decides the status.
        """
        progress = await self._told(campaign_id)
        try:
            corrected = await with_workflow_status(self._temporal, progress)
        except RPCError:  # Temporal is away for a moment: the rows are the better half of the truth
            return progress
        if corrected.status is progress.status:
            return progress
        newer = await self._told(campaign_id)  # it may have ended between the two
        return newer if newer.status in FINAL else newer.model_copy(update={"status": corrected.status})

    async def follow(self, campaign_id: str, *, every: float = _LOOK_AGAIN_SECONDS) -> AsyncIterator[Progress]:
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
        while True:
            if await self._is_over(campaign_id):
                return await self._storage.reports.read(campaign_id)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def export(self, campaign_id: str, what: str) -> AsyncIterator[dict[str, Any]]:
        """Rows of one kind: leads, ledger, drafts, errors or events. The ledger's columns are a stable contract."""
        return self._storage.exports.rows(campaign_id, what)

    async def _is_over(self, campaign_id: str) -> bool:
        """What its row or Temporal says: counting a large campaign's rows takes long, and who waits asks often."""
        if (await self.get(campaign_id)).status in FINAL:
            return True
        with suppress(RPCError):
            return await closed_status(self._temporal, campaign_id) is not None
        return False

    async def _told(self, campaign_id: str) -> Progress:
        """What the rows and the workflow say. What it answered before its end is not how it ended."""
        answer = await self._workflows.ask(campaign_id)
        progress = await self._storage.progress.read(campaign_id)
        if progress.status in FINAL and answer is not None and not answer.over:
            answer = await self._workflows.ask(campaign_id, anew=True)
        return merged(progress, answer)

    async def _tell(self, name: str, campaign_id: str, reason: str, by: str) -> Answer:
        campaign = await self.get(campaign_id)
        return await self._control.send(campaign, name, one_line(reason, LONGEST_REASON), by or who())

    async def _cancel_rows(self, campaign_id: str, reason: str, by: str) -> Answer:
        """Cancel a campaign without a workflow in its row, and start the workflow that goes straight to its end."""
        campaign = await self.get(campaign_id)
        if campaign.status in FINAL:
            raise no_workflow(campaign)
        changed = campaign.control is not Control.END
        if changed:
            change = ControlChange(kind=ChangeKind.CANCELLED, at=datetime.now(UTC), by=by, reason=reason)
            task = ControlTask(campaign_id=campaign_id, control=Control.END, changes=[change])
            await self._storage.campaigns.write_control(task, None)
        await start_workflow(self._temporal, campaign, WorkflowIDReusePolicy.ALLOW_DUPLICATE)
        line = f"{campaign_id} is being cancelled"
        if await workers(self._temporal):
            return Answer(status=campaign.status, changed=changed, line=line)
        return Answer(status=REQUESTED, changed=changed, line=f"{line}; the next worker ends it: outrider worker")

    async def _left_open(self, campaign: Campaign) -> bool:
        """Whether an earlier retry wrote the rows and did not get as far as the workflow."""
        progress = await self._storage.progress.read(campaign.campaign_id)
        return progress.leads.get(LeadState.OPEN, 0) > 0 and not await self._control.runs(campaign)

    async def _take_up(self, campaign: Campaign, what: str, by: str) -> Answer:
        """Have rows that were opened again worked on, by the workflow that runs or by a new one."""
        try:
            answer = await self._control.send(campaign, wire.RETRY, what, by)
        except NoWorkflow:
            await self._storage.campaigns.set_status(campaign.campaign_id, CampaignStatus.QUEUED, campaign.stage)
            await start_workflow(self._temporal, campaign, WorkflowIDReusePolicy.ALLOW_DUPLICATE)
            line = f"{campaign.campaign_id} was started again"
            answer = Answer(status=CampaignStatus.QUEUED, changed=True, line=line)
        return answer.model_copy(update={"line": f"{what}: {answer.line}"})


def _is_cancelled(campaign: Campaign) -> bool:
    """Whether somebody has cancelled it, also while it is not over yet."""
    return campaign.status is CampaignStatus.CANCELLED or campaign.control is Control.END
