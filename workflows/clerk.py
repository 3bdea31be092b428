"""Writes down what people and breakers asked for: in the campaign's row, where a zombie sees it, and on drafts."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Never

from temporalio import workflow
from temporalio.exceptions import ActivityError

from domain import wire
from domain.wire import Approval, CampaignRef, ControlTask, MessageTally
from workflows import options
from workflows.calls import start_short
from workflows.control import Controls


class Clerk:
    """Runs beside the pipeline, which starts nothing until the row says what is wanted."""

    def __init__(self, controls: Controls, recheck: Callable[[], None], changed: Callable[[], None]) -> None:
        """`recheck` is called when decisions were written that somebody may wait for, `changed` after counting."""
        self._controls = controls
        self._recheck = recheck
        self._changed = changed
        self._counted_at: datetime | None = None
        self._counting: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether everything is written down."""
        return self._controls.settled and not self._controls.state.approvals

    async def work(self) -> Never:
        """Write, in the order that is safest: stopping before approving."""
        while True:
            await workflow.wait_condition(lambda: not self.idle)
            if not self._controls.settled:
                await self._write_control()
            else:
                await self._approve(self._controls.state.approvals[0])

    def count_once(self) -> None:
        """Count what this pause has stopped at."""
        paused = self._controls.state.paused
        if paused is not None and paused.since != self._counted_at:
            self._counted_at = paused.since
            self.count()

    def count(self) -> None:
        """Count the messages by state, beside everything else: it is for people's eyes."""
        if self._counting is None or self._counting.done():
            self._counting = asyncio.create_task(self._count())

    async def _write_control(self) -> None:
        wanted, changes = self._controls.wanted, list(self._controls.state.unwritten)
        task = ControlTask(campaign_id=self._controls.campaign_id, control=wanted, changes=changes, at=workflow.now())
        await start_short(wire.WRITE_CONTROL, task, f"write down: {wanted}")
        self._controls.written(changes, wanted)

    async def _count(self) -> None:
        ref = CampaignRef(campaign_id=self._controls.campaign_id)
        with contextlib.suppress(ActivityError):
            tally: MessageTally = await start_short(
                wire.COUNT_MESSAGES, ref, "count", result_type=MessageTally, retries=options.RETRIES
            )
            self._controls.state.counted = tally.counts
            self._changed()

    async def _approve(self, approval: Approval) -> None:
        with contextlib.suppress(ActivityError):  # refused for good: the drafts wait on, and the log says why
            await start_short(wire.APPROVE_DRAFTS, approval, "approve drafts")
        self._controls.state.approvals.remove(approval)
        self._recheck()
