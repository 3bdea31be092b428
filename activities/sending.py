"""Sending a window: claim, then one lane per connection, each mail begun in the ledger before its first byte."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from temporalio import activity

from activities.failures import recorded_safely
from activities.lanes import Lanes
from domain.campaign import Stage
from domain.errors import OutriderError
from domain.message import ClaimedMessage, MessageState
from domain.pacing import opening, past
from domain.ports import Campaign, Campaigns, ClaimRules, Ledger, Mailboxes, Relays, WindowTally
from domain.stopping import NEWEST, tripped
from domain.wire import SEND_MESSAGES, Control, Hold, HoldReason, Trip, WindowResult, WindowTask
from telemetry.logging import get_logger
from telemetry.names import Attribute, Outcome, Tool
from telemetry.tool_calls import tool_call

_SHORT_WAIT = timedelta(seconds=2)
"""What becomes due so soon is waited for here; a durable timer would cost more than the wait."""

_DECISION_WAIT = timedelta(minutes=10)
"""For a draft that was edited after its approval: whoever approves it again has the campaign look at once."""

_JUDGED_EVERY_SECONDS = 2.0

_FIRST_HOLD = timedelta(seconds=5)
_HOLD_DOUBLINGS = 10
_LONGEST_HOLD = timedelta(minutes=5)

_log = get_logger(__name__)


class SendingActivities:
    """Takes windows of the ledger to the relay of their mailbox."""

    def __init__(self, campaigns: Campaigns, ledger: Ledger, relays: Relays, mailboxes: Mailboxes) -> None:
        """The ports; `relays` and `ledger` are shared by all windows of the process."""
        self._campaigns = campaigns
        self._ledger = ledger
        self._relays = relays
        self._mailboxes = mailboxes

    @activity.defn(name=SEND_MESSAGES)
    @recorded_safely
    async def send_messages(self, task: WindowTask) -> WindowResult:
        """Send what is due in the window. What is left open comes back in the result with when and why."""
        campaign = await self._campaigns.get(task.campaign_id)
        hold = await self._send(task, campaign)
        tally = await self._ledger.tally(task.campaign_id, task.first, task.last)
        if hold is None:
            hold = await self._why_not(task, campaign, tally)
        await self._campaigns.set_hold(task.campaign_id, Stage.SENDING, hold)
        if hold is not None:
            _log.debug("sending.held", reason=hold.reason, until=hold.until.isoformat())
        trip = await self._tripped(campaign)
        if trip is not None:
            _log.warning("breaker.tripped", breaker=trip.breaker, count=trip.count, judged=trip.judged)
        waits = tally.next_at is None and tally.undecided > 0
        return WindowResult(
            counts=_outcomes(tally),
            open=tally.open,
            again_at=datetime.now(UTC) + _DECISION_WAIT if waits else tally.next_at,
            hold=hold,
            trip=trip,
            put_off=HoldReason.REVIEW if waits else HoldReason.DEFERRED_BY_RELAY,
        )

    async def _tripped(self, campaign: Campaign) -> Trip | None:
        judged = await self._campaigns.judged(campaign.campaign_id, NEWEST)
        return tripped(judged, campaign.spec.sending.pause_above)

    async def _watch_breakers(self, campaign: Campaign, lanes: Lanes) -> None:
        """Stop the lanes of a slow window too: it can take hours to its end, where every window is judged."""
        trip: Trip | None = None
        while trip is None:
            await asyncio.sleep(_JUDGED_EVERY_SECONDS)
            with contextlib.suppress(OutriderError):  # the database is away for a moment
                trip = await self._tripped(campaign)
        lanes.stop(HoldReason.CONTROL)

    async def _send(self, task: WindowTask, campaign: Campaign) -> Hold | None:
        """Claim and transmit until nothing is due; the hold says what is in the way, None = nothing."""
        sending = campaign.spec.sending
        mailbox = sending.mailboxes[0]
        relay = self._relays.relay(mailbox.name, mailbox.connections, dry_run=campaign.dry_run)
        token = uuid4().hex
        while True:
            now = datetime.now(UTC)
            expired = past(sending.not_after, sending.window, now)
            opens = opening(sending.window, now)
            rules = ClaimRules(
                cool_down_seconds=campaign.spec.audience.exclude.contacted_within_days * 86_400,
                expired=expired,
                may_start=opens <= now,
                resend_doubts=sending.in_doubt == "resend",
                dry_run=campaign.dry_run,
            )
            claimed = await self._claim(task, token, rules)
            if opens > now and not expired:
                return Hold(until=opens, reason=HoldReason.WINDOW_CLOSED)
            if claimed:
                lanes = Lanes(campaign, mailbox, self._ledger, relay, self._mailboxes)
                watch = asyncio.create_task(self._watch_breakers(campaign, lanes), name="breakers")
                try:
                    stopped = await lanes.run(claimed)
                finally:
                    watch.cancel()
                    await asyncio.shield(self._ledger.release(task.campaign_id, task.first, task.last, token))
                if stopped is HoldReason.WORKER_STOPPING:
                    return None
                if stopped is HoldReason.WINDOW_CLOSED:
                    continue
                if stopped is not None:
                    return Hold(until=_grown(task.holds), reason=stopped)
            if not await self._soon_due(task, worked=bool(claimed)):
                return None

    async def _claim(self, task: WindowTask, token: str, rules: ClaimRules) -> list[ClaimedMessage]:
        """Own what may be sent now; whoever is called back meanwhile gives back what the ledger claims all the same."""
        try:
            with tool_call(Tool.LEDGER_CLAIM) as call:
                claimed = await self._ledger.claim(task.campaign_id, task.first, task.last, token, rules)
                call.ended(Outcome.OK, {Attribute.CLAIMED: len(claimed)})
                return claimed
        except asyncio.CancelledError:
            await asyncio.shield(self._ledger.release(task.campaign_id, task.first, task.last, token))
            raise

    async def _soon_due(self, task: WindowTask, *, worked: bool) -> bool:
        """Whether something of the window is due within a moment; waits for it.

        What is due already has become so while the last claim was `worked` on; otherwise that claim refused it.
        """
        tally = await self._ledger.tally(task.campaign_id, task.first, task.last)
        now = datetime.now(UTC)
        if tally.next_at is None or tally.next_at > now + _SHORT_WAIT or (tally.next_at <= now and not worked):
            return False
        await asyncio.sleep(max(0.0, (tally.next_at - now).total_seconds()))
        return not activity.is_worker_shutdown()

    async def _why_not(self, task: WindowTask, campaign: Campaign, tally: WindowTally) -> Hold | None:
        """Why messages that are due stayed open: without a hold the workflow would ask again at once, for ever."""
        if tally.next_at is None or tally.next_at > datetime.now(UTC) or activity.is_worker_shutdown():
            return None
        mailbox = await self._mailboxes.get(campaign.spec.sending.mailboxes[0].name)
        if mailbox.stopped_reason:
            return Hold(until=_grown(task.holds), reason=HoldReason.MAILBOX_STOPPED)
        if (await self._campaigns.get(task.campaign_id)).control is not Control.RUN:
            return Hold(until=_grown(task.holds), reason=HoldReason.CONTROL)
        return None


def _grown(holds: int) -> datetime:
    """The end of a wait that doubles with each hold in a row."""
    wait: timedelta = _FIRST_HOLD * 2 ** min(holds, _HOLD_DOUBLINGS)
    return datetime.now(UTC) + min(wait, _LONGEST_HOLD)


def _outcomes(tally: WindowTally) -> dict[str, int]:
    names = {MessageState.SENT: "done"}
    return {
        names.get(MessageState(state), state): count
        for state, count in tally.counts.items()
        if state in (MessageState.SENT, MessageState.FAILED, MessageState.SKIPPED, MessageState.IN_DOUBT)
    }
