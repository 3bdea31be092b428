"""Pausing, resuming and cancelling from the command line, and what a person settles: with a worker and without."""

import asyncio
import json
import re
import signal
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from local_world import World, assert_promise, new_world, people, sent_so_far, spec
from local_world import until as eventually
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionDescription

from client.adapters import migrate, open_storage
from client.campaigns import CampaignClient
from client.cli.entry import execute
from client.connection import connect
from domain.campaign import Stage
from domain.progress import Progress
from domain.wire import PROGRESS, CampaignProgress, Hold, HoldReason

Found = TypeVar("Found")

pytestmark = pytest.mark.timeout(120)

REFUSALS = {
    "pause": ["error: no campaign was named", "hint: outrider pause ID (or: outrider pause --all)"],
    "resume x --all": [
        "error: name one campaign or --all, not both",
        "hint: outrider resume ID (or: outrider resume --all)",
    ],
    "cancel --all": ["error: --all ends every campaign for good", "hint: outrider cancel --all --yes"],
    "resolve x --as sent": ["error: --lead is missing: whose message was it?", "hint: outrider resolve x"],
    "resolve x --lead 3": [
        "error: --as is missing",
        'hint: outrider resolve x --lead 3 --as sent|not-sent --reason "the relay\'s log says so"',
    ],
    "resolve x --lead 3 --as not-sent": [
        "error: --reason is missing",
        'hint: outrider resolve x --lead 3 --as sent|not-sent --reason "the relay\'s log says so"',
    ],
    "resolve x --lead 3 --as maybe": [
        "error: invalid value for '--as': 'maybe' is not one of 'sent', 'not-sent'",
        "hint: outrider resolve --help",
    ],
    "retry x --stage reporting": [
        "error: invalid value for '--stage': 'reporting' is not one of 'personalization', 'sending'",
        "hint: outrider retry --help",
    ],
    "run campaign.yaml --priority 9": [
        "error: invalid value for '--priority': Input should be less than or equal to 5",
        "hint: outrider run --help",
    ],
}


@pytest.mark.parametrize("command", REFUSALS)
def test_a_wrong_command_is_refused_before_anything_is_asked(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert execute(command.split()) == 2
    said = capsys.readouterr()
    assert said.err.splitlines() == REFUSALS[command]
    assert said.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Database, Temporal and inbox, without a worker; commands of this process find them."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTRIDER_HOME", str(home))
    monkeypatch.setenv("OUTRIDER_USER", "dana")
    with new_world(home) as world:
        asyncio.run(migrate(world.settings))
        yield world


def with_client(world: World, use: Callable[[CampaignClient], Awaitable[Found]]) -> Found:
    """Use a client of this world and leave it."""

    async def used() -> Found:
        async with world.client() as client:
            return await use(client)

    return asyncio.run(used())


def create(world: World, campaign_id: str, count: int = 10, **sending: Any) -> None:  # noqa: ANN401 any field
    """Start a campaign."""
    with_client(world, lambda client: client.create(spec(**sending), people(count), campaign_id=campaign_id))


def told(world: World, campaign_id: str) -> list[tuple[str, list[str]]]:
    """What Temporal keeps for the campaign's workflow: signals with their inputs, and `(cancellation)`."""

    async def read() -> list[tuple[str, list[str]]]:
        history = await (await connect(world.settings)).get_workflow_handle(campaign_id).fetch_history()
        found = []
        for event in history.events:
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
                sent = event.workflow_execution_signaled_event_attributes
                found.append((sent.signal_name, [json.loads(one.data) for one in sent.input.payloads]))
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
                found.append(("(cancellation)", []))
        return found

    return asyncio.run(read())


def said(capsys: pytest.CaptureFixture[str], *command: str, code: int = 0) -> str:
    """What a command prints, on whichever of its two ways out; it must end with `code`."""
    capsys.readouterr()
    ended = execute(command)
    printed = capsys.readouterr()
    assert ended == code, printed
    return printed.out + printed.err


class TestWithoutAWorker:
    def test_temporal_keeps_what_was_asked_with_reason_and_name(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        create(world, "campaign-a")
        kept = "campaign-a: no worker answers; the next one takes up the {}: outrider worker\n"
        assert said(capsys, "pause", "campaign-a", "--reason", "the\nlist") == kept.format("pause")
        answer = json.loads(said(capsys, "resume", "campaign-a", "--json"))
        assert (answer["campaign_id"], answer["status"], answer["changed"]) == ("campaign-a", "requested", True)
        assert said(capsys, "cancel", "campaign-a", "--reason", "wrong") == kept.format("cancel")
        assert told(world, "campaign-a") == [
            ("pause", ["the list", "dana"]),
            ("resume", ["", "dana"]),
            ("cancel", ["wrong", "dana"]),
            ("(cancellation)", []),
        ]

    def test_all_asks_every_campaign_and_one_that_cannot_keeps_no_other_from_it(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert said(capsys, "pause", "--all") == "no campaign that has not ended\n"
        for name in ("campaign-a", "campaign-b"):
            create(world, name)

        async def terminate() -> None:
            await (await connect(world.settings)).get_workflow_handle("campaign-a").terminate()

        asyncio.run(terminate())
        lines = said(capsys, "pause", "--all", code=1).splitlines()
        assert sorted(lines) == [
            "campaign-b: no worker answers; the next one takes up the pause: outrider worker",
            (
                "failed  campaign-a: campaign campaign-a: no workflow of it runs in Temporal "
                "(outrider run --id campaign-a)"
            ),
        ]
        documents = json.loads(said(capsys, "cancel", "--all", "--yes", "--json"))
        assert {one["campaign_id"]: (one["status"], one["changed"]) for one in documents} == {
            "campaign-a": ("requested", True),
            "campaign-b": ("requested", True),
        }

    def test_a_campaign_that_was_never_started_is_cancelled_by_the_next_worker(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async def store() -> None:
            async with open_storage(world.settings) as storage:
                await storage.campaigns.create("campaign-a", spec(), people(10), [])

        asyncio.run(store())
        line = "campaign-a is being cancelled; the next worker ends it: outrider worker\n"
        assert said(capsys, "cancel", "campaign-a", "--reason", "wrong") == line
        events = json.loads(said(capsys, "events", "campaign-a", "--json"))
        assert [(one["kind"], one["by"], one["reason"]) for one in events] == [("cancelled", "dana", "wrong")]
        world.start_worker()
        with_client(world, lambda client: client.result("campaign-a"))
        progress = with_client(world, lambda client: assert_promise(world, client, "campaign-a", most_doubts=0))
        assert (progress.status, progress.leads) == ("cancelled", {"cancelled": 10})
        assert world.inbox.held() == []
        refused = said(capsys, "cancel", "campaign-a", code=2)
        assert refused == "error: campaign campaign-a is cancelled\nhint: outrider show campaign-a\n"

    def test_what_cannot_be_told_says_why(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        assert said(capsys, "pause", "nope", code=2) == "error: no campaign nope\nhint: outrider list\n"
        assert said(capsys, "retry", "nope", code=2) == "error: no campaign nope\nhint: outrider list\n"
        create(world, "campaign-a")
        assert said(capsys, "retry", "campaign-a") == "campaign-a: nothing has failed\n"
        assert said(capsys, "resolve", "campaign-a") == "nothing is in doubt\n"
        assert world.temporal is not None
        world.temporal.kill()
        world.temporal.wait(10)
        assert "error: Temporal does not answer at" in said(capsys, "pause", "campaign-a", code=3)
        assert "error: Temporal does not answer at" in said(capsys, "pause", "--all", code=3)

    def test_the_workflow_carries_name_and_goal_priority_and_fairness(self, world: World) -> None:
        name = f"campaign-{'x' * 70}"
        invite = spec().model_copy(update={"goal": "Invite " + "maintainers " * 20})

        async def start(client: CampaignClient) -> WorkflowExecutionDescription:
            await client.create(invite, people(1), campaign_id=name, priority=2)
            return await (await connect(world.settings)).get_workflow_handle(name).describe()

        async def summary(found: WorkflowExecutionDescription) -> str | None:
            return await found.static_summary()

        found = with_client(world, start)
        priority = found.raw_description.workflow_execution_info.priority
        assert (priority.priority_key, priority.fairness_key) == (2, "x" * 64)
        assert asyncio.run(summary(found)) == f"proof: {invite.goal}"[:100]

    def test_resuming_a_mailbox_wakes_those_that_wait_for_it_and_nobody_else(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in ("campaign-a", "campaign-b"):
            create(world, name)

        async def stop() -> None:
            hold = Hold(until=datetime.now(UTC) + timedelta(hours=1), reason=HoldReason.MAILBOX_STOPPED)
            async with open_storage(world.settings) as storage:
                await storage.mailboxes.stop("relay", "paused by operator")
                await storage.campaigns.set_hold("campaign-a", Stage.SENDING, hold)

        asyncio.run(stop())
        assert said(capsys, "mailbox", "resume", "relay") == "relay: open\n"
        assert told(world, "campaign-a") == [("recheck", [])]
        assert told(world, "campaign-b") == []
        asyncio.run(stop())
        assert world.temporal is not None
        world.temporal.kill()
        world.temporal.wait(10)
        noted = said(capsys, "mailbox", "resume", "relay")
        assert re.fullmatch(
            r"relay: open\nnote: Temporal does not answer at \S+; the campaigns that wait for it go on by themselves, "
            r"later\n",
            noted,
        )


class TestWithAWorker:
    def test_pause_resume_and_cancel_answer_at_once_and_say_what_was_ended(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.05})
        world.start_worker()
        create(world, "campaign-a", 400, connections=2)
        with_client(world, lambda client: sent_so_far(client, "campaign-a", 10))
        assert json.loads(said(capsys, "pause", "campaign-a", "--json"))["changed"] is True
        assert said(capsys, "pause", "campaign-a") == "campaign-a was paused already\n"
        paused = with_client(world, lambda client: until(client, "campaign-a", "paused"))
        assert paused.paused is not None
        assert (paused.paused.by, paused.run) == ("dana", 1)
        assert said(capsys, "resume", "campaign-a") == "campaign-a goes on\n"
        with_client(world, lambda client: sent_so_far(client, "campaign-a", paused.messages.sent + 5))
        ended = said(capsys, "cancel", "campaign-a")
        shown = re.fullmatch(
            r"cancelled: (\d+) sent, (\d+) cancelled, 0 in doubt; report: outrider report campaign-a\n", ended
        )
        assert shown is not None
        assert int(shown[1]) + int(shown[2]) == 400
        with_client(world, lambda client: assert_promise(world, client, "campaign-a", most_doubts=0))
        assert said(capsys, "pause", "campaign-a", code=2).startswith("error: campaign campaign-a is cancelled\n")
        refused = "error: campaign campaign-a is cancelled: nothing of it is sent any more\n"
        assert said(capsys, "retry", "campaign-a", code=2) == refused

    def test_a_worker_that_is_too_slow_is_not_called_missing(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        day = (datetime.now(UTC) + timedelta(days=2)).strftime("%a").lower()
        create(world, "campaign-a", window={"days": day})
        frozen = world.start_worker()
        with_client(world, lambda client: until(client, "campaign-a", "waiting"))
        frozen.send_signal(signal.SIGSTOP)
        line = "campaign-a: the worker did not answer within 5 s; Temporal keeps the pause\n"
        assert said(capsys, "pause", "campaign-a") == line
        frozen.send_signal(signal.SIGCONT)
        with_client(world, lambda client: until(client, "campaign-a", "paused"))

    def test_what_failed_is_tried_again_in_a_campaign_that_has_ended(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        world.inbox.faults({"at": "reply", "action": "reply", "code": 554, "enhanced": "5.6.0", "first": 3})
        world.start_worker()
        create(world, "campaign-a")
        with_client(world, lambda client: client.result("campaign-a"))
        again = said(capsys, "retry", "campaign-a", "--stage", "sending")
        assert again == "3 tried again: campaign-a was started again\n"
        with_client(world, lambda client: client.result("campaign-a"))
        progress = with_client(world, lambda client: assert_promise(world, client, "campaign-a", most_doubts=0))
        assert progress.messages.sent == 10
        assert said(capsys, "retry", "campaign-a") == "campaign-a: nothing has failed\n"

    def test_a_doubt_is_settled_as_sent_or_goes_out(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        world.inbox.faults({"at": "body", "action": "drop", "after_bytes": 200, "first": 2})
        world.start_worker()
        create(world, "campaign-a", connections=1)
        with_client(world, lambda client: client.result("campaign-a"))
        doubts = json.loads(said(capsys, "resolve", "campaign-a", "--json"))
        assert [doubt["step"] for doubt in doubts] == [1, 1]
        first, second = (str(doubt["lead_number"]) for doubt in doubts)
        listed = said(capsys, "resolve", "campaign-a")
        assert doubts[0]["message_id"] in listed
        assert f"--lead {first} --step 1 --as not-sent" in listed
        settle = ("resolve", "campaign-a", "--reason", "the relay's log", "--lead")
        assert said(capsys, *settle, first, "--as", "sent") == f"campaign-a: lead {first}, step 1 is sent now\n"
        assert said(capsys, *settle, second, "--as", "not-sent") == (
            f"lead {second}, step 1 is scheduled now: campaign-a was started again\n"
        )
        with_client(world, lambda client: client.result("campaign-a"))
        progress = with_client(world, lambda client: client.progress("campaign-a"))
        assert (progress.messages.sent, progress.messages.in_doubt) == (10, 0)
        assert len(world.inbox.held()) == 9, "the one that was called sent never was: a person's word counts"
        refused = said(capsys, *settle, second, "--as", "sent", code=2)
        assert refused.startswith(f"error: lead {second}, step 1 is sent, not in_doubt: nothing to settle\n")

    def test_a_doubt_settled_while_the_campaign_runs_is_counted_anew(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        cut = {"at": "body", "action": "drop", "after_bytes": 200, "first": 1}
        world.inbox.faults(cut, {"at": "reply", "action": "delay", "seconds": 0.05})
        world.start_worker()
        create(world, "campaign-a", 400, connections=2)
        with_client(world, lambda client: sent_so_far(client, "campaign-a", 10))
        said(capsys, "pause", "campaign-a")
        asyncio.run(until_counted(world, "campaign-a", doubts=1))
        (doubt,) = json.loads(said(capsys, "resolve", "campaign-a", "--json"))
        settle = ("resolve", "campaign-a", "--reason", "the relay's log", "--as", "sent", "--lead")
        lead = doubt["lead_number"]
        assert said(capsys, *settle, str(lead)) == f"campaign-a: lead {lead}, step 1 is sent now\n"
        asyncio.run(until_counted(world, "campaign-a", doubts=0))


async def until_counted(world: World, campaign_id: str, *, doubts: int) -> None:
    """Wait until the workflow itself, as Temporal's pages show it, has so many messages in doubt."""
    handle = (await connect(world.settings)).get_workflow_handle(campaign_id)

    async def is_so() -> bool:
        progress: CampaignProgress = await handle.query(PROGRESS, result_type=CampaignProgress)
        return progress.messages.get("sent", 0) > 0 and progress.messages.get("in_doubt", 0) == doubts

    await eventually(is_so)


async def until(client: CampaignClient, campaign_id: str, status: str) -> Progress:
    """Wait until the campaign has this status."""
    async for progress in client.follow(campaign_id, every=0.1):
        if progress.status == status and progress.run is not None:
            return progress
    raise AssertionError(f"the campaign was never {status}")
