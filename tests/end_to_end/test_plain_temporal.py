"""Campaigns steered with nothing but the plain `temporal` command, as somebody without Outrider does it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from local_world import World, assert_promise, people, sent_so_far, spec, until

from client.campaigns import CampaignClient
from client.temporal_cli import obtain
from domain.wire import Control

LEADS = 150
UPDATE = ("update", "execute")


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class Temporal:
    """The real command, told only where the server is."""

    def __init__(self, world: World) -> None:
        self._address = f"127.0.0.1:{world.temporal_port}"

    async def run(self, *arguments: str) -> Ran:
        """Run it to its end."""
        process = await asyncio.create_subprocess_exec(
            str(await asyncio.to_thread(obtain, print)),
            *("workflow", *arguments, "--address", self._address),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return Ran(process.returncode, out.decode(), err.decode())

    async def do(self, *arguments: str) -> str:
        """Run what must succeed."""
        ran = await self.run(*arguments)
        assert ran.code == 0, ran
        return ran.out

    async def signal(self, campaign_id: str, name: str, *inputs: str) -> None:
        """A signal with texts as its inputs."""
        flags = [flag for text in inputs for flag in ("--input", json.dumps(text))]
        await self.do("signal", "--workflow-id", campaign_id, "--name", name, *flags)

    async def progress(self, campaign_id: str) -> dict[str, Any]:
        """What the query answers, as the command prints it for programs."""
        answer = await self.do("query", "--workflow-id", campaign_id, "--type", "progress", "--output", "json")
        (progress,) = json.loads(answer)["queryResult"]
        assert isinstance(progress, dict)
        return progress

    async def listed(self, query: str) -> set[str]:
        """The campaigns that a filter finds."""
        rows = json.loads(await self.do("list", "--query", query, "--output", "json") or "[]")
        return {row["execution"]["workflowId"] for row in rows}

    async def until_listed(self, query: str, *campaigns: str) -> None:
        """Wait until a filter finds exactly these: lists follow a moment later."""

        async def found() -> bool:
            return await self.listed(query) == set(campaigns)

        await until(found)

    async def until_shown(self, campaign_id: str, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Wait until the progress is so, and return it."""

        async def is_so() -> bool:
            return bool(holds(await self.progress(campaign_id)))

        await until(is_so)
        return await self.progress(campaign_id)


@pytest.fixture
async def client(world: World) -> AsyncIterator[CampaignClient]:
    """Only to start campaigns and to hold their ledgers against the inbox; a worker runs, and mails take a while."""
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.1})
    world.start_worker()
    async with world.client() as client:
        yield client


@pytest.fixture
def temporal(world: World) -> Temporal:
    """The command for this world."""
    return Temporal(world)


def later() -> dict[str, str]:
    """A sending window that opens in two days."""
    return {"days": (datetime.now(UTC) + timedelta(days=2)).strftime("%a").lower()}


async def until_row(client: CampaignClient, campaign_id: str, control: Control) -> None:
    """Wait until the campaign's row says what was signalled."""

    async def is_so() -> bool:
        return (await client.get(campaign_id)).control is control

    await until(is_so)


async def assert_all_sent(world: World, client: CampaignClient, campaign_id: str) -> None:
    """It goes on to its end, and nobody was forgotten or written to twice."""
    world.inbox.faults()
    await client.result(campaign_id)
    progress = await assert_promise(world, client, campaign_id, most_doubts=0)
    assert (progress.status, progress.leads) == ("completed", {"contacted": LEADS})


async def test_pause_with_reason_and_name_and_an_update_that_answers(
    world: World, client: CampaignClient, temporal: Temporal
) -> None:
    name = (await client.create(spec(connections=5), people(LEADS))).campaign_id
    await sent_so_far(client, name, 5)
    await temporal.signal(name, "pause", "the list is being checked", "dana")
    await temporal.signal(name, "puase")
    progress = await temporal.until_shown(name, lambda shown: shown["status"] == "paused" and shown["unknown_signals"])
    assert (progress["paused"]["reason"], progress["paused"]["by"]) == ("the list is being checked", "dana")
    assert progress["unknown_signals"] == {"puase": 1}
    refused = await temporal.run(*UPDATE, "--name", "approve", "--workflow-id", name, "--input", '"4-2"')
    assert refused.code == 1
    assert "goes nowhere; the first is 1, and 10-20 goes upwards" in refused.err
    assert len(refused.err.splitlines()) == 1
    answered = await temporal.do(*UPDATE, "--name", "resume", "--workflow-id", name, "--output", "json")
    answer = json.loads(answered)["result"]
    assert (answer["changed"], answer["line"]) == (True, f"{name} goes on")
    assert (await temporal.progress(name))["paused"] is None
    await assert_all_sent(world, client, name)


async def test_a_batch_pauses_resumes_and_cancels_several(
    world: World, client: CampaignClient, temporal: Temporal
) -> None:
    both = [(await client.create(spec(window=later()), people(LEADS))).campaign_id for _ in range(2)]
    await temporal.until_listed('WorkflowType="CampaignWorkflow" AND CampaignStatus="waiting"', *both)
    running = 'WorkflowType="CampaignWorkflow" AND CampaignStatus="waiting" AND ExecutionStatus="Running"'
    why = ("--input", '"stop all"', "--input", '"dana"')
    await temporal.do("signal", "--name", "pause", "--query", running, "--yes", *why)
    paused = 'CampaignOwner="dana" AND CampaignStatus="paused" AND ExecutionStatus="Running"'
    await temporal.until_listed(paused, *both)
    for name in both:
        assert (await temporal.progress(name))["paused"]["reason"] == "stop all"
        await until_row(client, name, Control.HOLD)
    await temporal.do("signal", "--name", "resume", "--query", paused, "--yes")
    await temporal.until_listed(paused)
    for name in both:
        assert (await temporal.progress(name))["pause_count"] == 1
        await until_row(client, name, Control.RUN)
    await temporal.do("cancel", "--query", 'CampaignOwner="dana" AND ExecutionStatus="Running"', "--yes")
    for name in both:
        await client.result(name)
        progress = await assert_promise(world, client, name, most_doubts=0)
        assert (progress.status, progress.leads) == ("cancelled", {"cancelled": LEADS})


async def test_drafts_are_approved_by_their_numbers_and_the_rest_is_cancelled(
    world: World, client: CampaignClient, temporal: Temporal
) -> None:
    name = (await client.create(spec(review={"mode": "all"}), people(LEADS))).campaign_id
    await temporal.until_listed('CampaignWaitingFor="review"', name)
    await temporal.signal(name, "approve", "1-3", "dana")
    await sent_so_far(client, name, 3)
    await temporal.do("cancel", "--workflow-id", name)
    await client.result(name)
    await temporal.until_listed('ExecutionStatus="Canceled"', name)
    progress = await assert_promise(world, client, name, most_doubts=0)
    assert (progress.status, progress.leads) == ("cancelled", {"contacted": 3, "cancelled": LEADS - 3})
    assert sorted(recipient for _, recipient in world.inbox.held()) == [
        f"person{number}@example.com" for number in (1, 2, 3)
    ]
