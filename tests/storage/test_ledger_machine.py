"""Whatever workers, kills, zombies, opt-outs and other campaigns do in whatever order: nobody lost, nobody twice."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import pytest
from databases import Databases
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from stored_campaigns import (
    CAMPAIGN,
    OTHER,
    StoredCampaigns,
    change,
    deferred,
    doubtful,
    failed,
    rules,
    sent,
    settlement,
    soon,
)

from domain.errors import InputError
from domain.message import OPEN_STATES, ClaimedMessage, MessageKey, MessageState
from domain.ports import Settlement
from domain.review import Decided, Decision
from domain.wire import ChangeKind, Control
from storage.ledger import ledger_of

PEOPLE = 12
UNDECIDED = 3
"""So many drafts nobody has looked at in the beginning."""
CAMPAIGNS = (CAMPAIGN, OTHER)
QUARTER = timedelta(days=90)

TAKE_BACK = """
UPDATE drafts SET decision = NULL WHERE campaign_id = ?1 AND number = ?2 AND decision = 'approved' AND EXISTS (
  SELECT 1 FROM messages WHERE campaign_id = ?1 AND number = ?2 AND state = 'scheduled')"""
"""What an edit does to a decision."""

_Answer = TypeVar("_Answer")


@dataclass
class Worker:
    """An attempt. It may go on long after another one took its place: then it is a zombie and does not know it."""

    token: str
    claimed: list[ClaimedMessage] = field(default_factory=list)
    in_hand: list[ClaimedMessage] = field(default_factory=list)


Asked = tuple[Worker, Settlement | None, ClaimedMessage | None]
"""Who, the record of the last mail, the next one to begin."""


class LedgerMachine(RuleBasedStateMachine):
    """Holds the ledger against what really happened at the relay and what people decided."""

    databases: Databases

    @initialize()
    def open(self) -> None:
        """Two campaigns to the same people, in a database of their own."""
        self.opened = ExitStack()
        url = self.opened.enter_context(self.databases.new())
        self.loop = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.stored = StoredCampaigns(url)
        self.ledger = ledger_of(self.stored.database)
        self.run(self.ledger.__aenter__())
        for campaign_id in CAMPAIGNS:
            self.run(self.stored.schedule(campaign_id, PEOPLE, approved_by=""))
            self.run(self.stored.reviews.approve(campaign_id, [(1, PEOPLE - UNDECIDED)], "dana"))
        self.workers: list[Worker] = []
        self.started = 0
        self.accepted: set[MessageKey] = set()
        self.unknown: set[MessageKey] = set()
        self.begun: set[MessageKey] = set()
        self.suppressed: set[int] = set()
        self.held: set[str] = set()
        self.ended: set[str] = set()
        self.mailbox_stopped = False

    def run(self, asked: Awaitable[_Answer]) -> _Answer:
        async def ask() -> _Answer:
            return await asked

        return self.loop.run(ask())

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.run(self.ledger.__aexit__(None, None, None))
            self.run(self.stored.database.close())
            self.loop.close()
            self.opened.close()

    @rule(data=st.data(), steps=st.integers(1, 6))
    def work(self, data: st.DataObject, steps: int) -> None:
        """Workers do their next steps, in any order. Most of a run is work: trouble alone proves nothing."""
        for _ in range(steps):
            self.step(data)

    def step(self, data: st.DataObject) -> None:
        holding = [worker for worker in self.workers if worker.claimed]
        sending = [worker for worker in self.workers if worker.in_hand]
        steps = [*["settle"] * len(sending), *["begin"] * len(holding), "claim"]
        match data.draw(st.sampled_from(steps)):
            case "claim":
                self.claim(data.draw(st.sampled_from(CAMPAIGNS)), data.draw(st.integers(1, PEOPLE)))
            case "begin":
                some = st.lists(st.sampled_from(holding), min_size=1, max_size=3, unique_by=lambda worker: worker.token)
                self.go_on(*((worker, None, worker.claimed.pop(0)) for worker in data.draw(some)))
            case "settle":
                self.settle_and_begin(data.draw(st.sampled_from(sending)), data.draw(st.sampled_from(OFTEN)))

    def claim(self, campaign_id: str, first: int) -> None:
        """A new attempt at a window; whoever had it before knows nothing of it."""
        self.started += 1
        worker = Worker(f"token{self.started}")
        worker.claimed = self.run(self.ledger.claim(campaign_id, first, PEOPLE, worker.token, rules(cool_down=QUARTER)))
        assert campaign_id not in self.held | self.ended or not worker.claimed
        assert not self.mailbox_stopped or not worker.claimed
        assert not {message.key.number for message in worker.claimed} & self.suppressed
        self.workers.append(worker)

    def settle_and_begin(self, worker: Worker, ending: str) -> None:
        """A relay's answer, recorded together with the begin of the next mail."""
        message = worker.in_hand.pop(0)
        if ending != "doubt":
            self.unknown.discard(message.key)
        if ending == "accept":
            self.accepted.add(message.key)
        if ending == "bounce" and self.state(message.key) == "transmitting":
            self.suppressed.add(message.key.number)
        self.go_on((worker, ENDINGS[ending](message), worker.claimed.pop(0) if worker.claimed else None))
        if ending == "accept":
            assert self.state(message.key) == "sent", "a 250 always wins, however late"

    def go_on(self, *asked: Asked) -> None:
        """What some workers ask of the ledger, in one commit."""

        async def ask() -> list[bool]:
            return await asyncio.gather(*(self.ledger.advance(last, following) for _, last, following in asked))

        for (worker, _, following), began in zip(asked, self.loop.run(ask()), strict=True):
            if following is not None and began:
                self.check_begun(following.key)
                worker.in_hand.append(following)
            else:
                assert not began

    def check_begun(self, key: MessageKey) -> None:
        assert key not in self.accepted, "handed to the relay again after it was taken"
        assert key not in self.unknown, "handed to the relay again while it may have been taken"
        assert key.number not in self.suppressed, "sent to somebody who had opted out"
        assert key.campaign_id not in self.held, "sent while the campaign was held"
        assert key.campaign_id not in self.ended, "sent after the campaign was cancelled"
        assert self.decision(key) == "approved", "sent without a person's approval"
        assert not self.mailbox_stopped, "sent from a stopped mailbox"
        self.unknown.add(key)
        self.begun.add(key)

    @rule(
        trouble=st.sampled_from(
            ["go on", "opt out", "kill", "go on", "opt out", "hold", "go on", "stop", "expire", "deploy"]
        ),
        campaign_id=st.sampled_from(CAMPAIGNS),
        number=st.integers(1, PEOPLE),
    )
    def trouble(self, trouble: str, campaign_id: str, number: int) -> None:
        """What people, the calendar and deploys do meanwhile."""
        mailboxes = self.stored.mailboxes
        match trouble:
            case "kill":  # what was in the air may or may not have reached the relay, for ever unknown
                del self.workers[number:]
            case "opt out":
                self.suppressed.add(number)
                self.run(self.stored.suppressions.add([f"person{number}@example.com"], "unsubscribed", "a person"))
            case "hold" if campaign_id not in self.ended:
                self.held.add(campaign_id)
                self.run(self.stored.write_control(Control.HOLD, change(ChangeKind.PAUSED), campaign_id=campaign_id))
            case "stop":
                self.mailbox_stopped = True
                self.run(mailboxes.stop("relay", "refused_sender"))
            case "expire":
                assert self.run(self.ledger.claim(campaign_id, number, number, "late", rules(expired=True))) == []
            case "deploy":
                for worker in self.workers:
                    self.run(self.ledger.release(campaign_id, 1, PEOPLE, worker.token))
            case "go on":
                for held in self.held:
                    self.run(self.stored.write_control(Control.RUN, change(ChangeKind.RESUMED), campaign_id=held))
                self.held.clear()
                self.mailbox_stopped = False
                self.run(mailboxes.resume("relay"))

    @rule(
        decision=st.sampled_from(
            ["approve", "retry", "arrived", "approve", "not arrived", "reject", "take back", "arrived", "cancel"]
        ),
        campaign_id=st.sampled_from(CAMPAIGNS),
        number=st.integers(1, PEOPLE),
    )
    def decide(self, decision: str, campaign_id: str, number: int) -> None:
        """What people decide about drafts, doubts, failures and whole campaigns."""
        key = MessageKey(campaign_id, number, 1)
        match decision:
            case "approve":
                self.run(self.stored.reviews.approve(campaign_id, [(number, PEOPLE)], "dana"))
            case "reject":
                self.reject(key)
            case "take back":
                self.stored.execute(TAKE_BACK, campaign_id, number)
            case "retry" if campaign_id in self.ended:
                with pytest.raises(InputError, match="is cancelled"):
                    self.run(self.stored.settling.retry_failed(campaign_id, None, "dana"))
            case "retry":
                self.run(self.stored.settling.retry_failed(campaign_id, None, "dana"))
            case "arrived" | "not arrived":
                self.resolve(key, sent=decision == "arrived")
            case "cancel" if number <= PEOPLE // 3:  # seldom: nothing is left to do afterwards
                self.ended.add(campaign_id)
                self.held.discard(campaign_id)
                self.run(self.stored.write_control(Control.END, change(ChangeKind.CANCELLED), campaign_id=campaign_id))
                self.run(self.ledger.cancel(campaign_id, 1, PEOPLE))

    def reject(self, key: MessageKey) -> None:
        seen = self.stored.fingerprint(key.number, key.campaign_id)
        wanted = Decided(lead_number=key.number, step=1, decision=Decision.REJECTED, by="dana", seen=seen)
        rejectable = self.state(key) == "scheduled" and self.decision(key) != "rejected"
        try:
            self.run(self.stored.reviews.decide(key.campaign_id, wanted))
        except InputError:
            assert not rejectable
        else:
            assert rejectable
            assert self.state(key) == "skipped"

    def resolve(self, key: MessageKey, *, sent: bool) -> None:
        """A person has looked into the relay's log; what is not there is not on its way any more either."""
        if self.state(key) != "in_doubt":
            with pytest.raises(InputError, match="not in_doubt"):
                self.run(self.stored.settling.resolve(*key, sent=sent, by="dana", reason=""))
            return
        self.run(self.stored.settling.resolve(*key, sent=sent, by="dana", reason=""))
        self.unknown.discard(key)
        if sent:
            self.accepted.add(key)
        else:
            for worker in self.workers:
                worker.in_hand = [message for message in worker.in_hand if message.key != key]

    def decision(self, key: MessageKey) -> str | None:
        asked = "SELECT decision FROM drafts WHERE campaign_id = ? AND number = ? AND step = ?"
        (row,) = self.stored.rows(asked, *key)
        decision: str | None = row["decision"]
        return decision

    def state(self, key: MessageKey) -> str:
        state: str = self.stored.message(key.number, key.campaign_id)["state"]
        return state

    @invariant()
    def the_sums_add_up(self) -> None:
        for campaign_id in CAMPAIGNS:
            tally = self.run(self.ledger.tally(campaign_id, 1, PEOPLE))
            assert sum(tally.counts.values()) == PEOPLE
            assert set(tally.counts) <= set(MessageState)
            assert tally.open == sum(tally.counts.get(state, 0) for state in OPEN_STATES)

    @invariant()
    def the_ledger_knows_what_the_relay_knows(self) -> None:
        rows = self.stored.rows("SELECT campaign_id, number, step, state FROM messages")
        states = {MessageKey(row["campaign_id"], row["number"], row["step"]): row["state"] for row in rows}
        assert {key for key, state in states.items() if state == "sent"} == self.accepted
        assert all(states[key] in ("transmitting", "in_doubt") for key in self.unknown)
        assert {key for key, state in states.items() if state == "transmitting"} <= self.unknown
        assert {key for key, state in states.items() if state == "in_doubt"} <= self.begun

    @invariant()
    def nothing_waits_in_a_cancelled_campaign(self) -> None:
        for campaign_id in self.ended:
            assert not set(self.stored.states(campaign_id)) & set(OPEN_STATES)

    @invariant()
    def nobody_hears_from_two_campaigns_within_the_cool_down(self) -> None:
        reached = [key.number for key in self.accepted | self.unknown]
        assert len(reached) == len(set(reached))

    @invariant()
    def every_transition_is_on_record(self) -> None:
        self.stored.assert_trail_is_whole()


ENDINGS: dict[str, Callable[[ClaimedMessage], Settlement]] = {
    "accept": sent,
    "defer": lambda message: deferred(message, -timedelta(seconds=1)),
    "wait": lambda message: deferred(message, timedelta(hours=1)),
    "fail": failed,
    "bounce": lambda message: failed(message, suppress=True),
    "lose": lambda message: settlement(
        message, MessageState.SCHEDULED, reason="connection_lost", code=None, next_at=soon(-timedelta(seconds=1))
    ),
    "doubt": doubtful,
}

EXAMPLES = {"sqlite": 40, "postgresql": 10}
"""A server answers each of the many small questions a little later than a file does."""

OFTEN = ("lose", "accept", "defer", "doubt", "defer", "fail", "lose", "bounce", "wait")


@pytest.mark.timeout(120)
def test_nobody_is_lost_and_nobody_is_handed_to_the_relay_twice(databases: Databases, backend: str) -> None:
    source = databases

    class Machine(LedgerMachine):
        databases = source

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES[backend],
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            phases=[Phase.generate],  # a failure prints its steps; making them fewer would take minutes
        ),
    )
