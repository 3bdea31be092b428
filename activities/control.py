"""Control: the campaign's row says what people want, for zombies too; and how a cancelled campaign comes to its end."""

from temporalio import activity

from activities.failures import recorded_safely
from domain.campaign import CampaignStatus
from domain.ports import Campaigns, Ledger
from domain.wire import (
    CANCEL_REST,
    COUNT_MESSAGES,
    NOTE_HOLD,
    REQUEST_CANCELLATION,
    WRITE_CONTROL,
    CampaignRef,
    Control,
    ControlTask,
    HoldNote,
    MessageTally,
)
from telemetry.logging import get_logger

_CHUNK = 1_000
"""Leads per transaction: other campaigns' mails wait no longer than that takes."""

_STATUS = {Control.RUN: CampaignStatus.RUNNING, Control.HOLD: CampaignStatus.PAUSED, Control.END: None}
"""A campaign that ends keeps its status until its report is written."""

_log = get_logger(__name__)


class ControlActivities:
    """Writes control and ends what has not begun."""

    def __init__(self, campaigns: Campaigns, ledger: Ledger) -> None:
        """`ledger` ends messages, `campaigns` has the row."""
        self._campaigns = campaigns
        self._ledger = ledger

    @activity.defn(name=WRITE_CONTROL)
    @recorded_safely
    async def write_control(self, task: ControlTask) -> None:
        """From its commit on, no claim and no transmission begins unless the control is `run`."""
        await self._campaigns.write_control(task, _STATUS[task.control])
        _log.info("control.written", control=task.control, changes=[change.kind for change in task.changes])

    @activity.defn(name=NOTE_HOLD)
    @recorded_safely
    async def note_hold(self, note: HoldNote) -> None:
        """Write a wait that the workflow decided on where `outrider show` finds it."""
        await self._campaigns.set_hold(note.campaign_id, note.stage, note.hold)

    @activity.defn(name=COUNT_MESSAGES)
    @recorded_safely
    async def count_messages(self, ref: CampaignRef) -> MessageTally:
        """How far the campaign had come when everything stopped."""
        campaign = await self._campaigns.get(ref.campaign_id)
        tally = await self._ledger.tally(ref.campaign_id, 1, campaign.numbered)
        return MessageTally(counts=tally.counts)

    @activity.defn(name=CANCEL_REST)
    @recorded_safely
    async def cancel_rest(self, ref: CampaignRef) -> None:
        """End every message and lead that has not begun."""
        campaign = await self._campaigns.get(ref.campaign_id)
        for first in range(1, campaign.numbered + 1, _CHUNK):
            await self._ledger.cancel(ref.campaign_id, first, min(first + _CHUNK - 1, campaign.numbered))

    @activity.defn(name=REQUEST_CANCELLATION)
    @recorded_safely
    async def request_cancellation(self, ref: CampaignRef) -> None:  # noqa: ARG002 every activity gets its campaign
        """Let Temporal say `Canceled` too, after a bare signal: the last thing a cancelled campaign does."""
        info = activity.info()
        await activity.client().get_workflow_handle(info.workflow_id or "", run_id=info.workflow_run_id).cancel()
