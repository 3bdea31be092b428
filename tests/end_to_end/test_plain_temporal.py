"""Everything works with nothing of ours installed but the plain `temporal` command."""

import asyncio
import json
import subprocess

from local_world import World, assert_promise, people, sent_so_far, spec, until

from client.campaigns import CampaignClient
from client.temporal_cli import obtain
from domain.lead import NewLead

LEADS = 300


class Temporal:
    """The real command against this world's server."""

    def __init__(self, world: World) -> None:
        self._command = [str(obtain(print)), "--address", f"127.0.0.1:{world.temporal_port}"]

    async def __call__(self, *arguments: str, refused: bool = False) -> str:
        """What it prints; it must succeed, or be refused."""
        command = [self._command[0], *arguments, *self._command[1:]]
        ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=30, check=False)
        assert (ran.returncode != 0) is refused, ran.stderr
        return ran.stdout + ran.stderr


async def is_in(client: CampaignClient, campaign_id: str, status: str) -> None:
    """Until the campaign has this status."""

    async def holds() -> bool:
        return (await client.progress(campaign_id)).status == status

    await until(holds)


async def are_listed(temporal: Temporal, query: str, names: list[str]) -> None:
    """Until the list, which follows the campaigns a little later, has all of them."""

    async def holds() -> bool:
        shown = await temporal("workflow", "list", "--query", query)
        return all(name in shown for name in names)

    await until(holds)


def others(count: int, name: str) -> list[NewLead]:
    """People of another campaign: the cool-down would skip those of the first."""
    return [
        one.model_copy(update={"email": f"{name}.{one.email}", "source_identity": f"{name}.{one.email}"})
        for one in people(count)
    ]


async def test_one_campaign_is_paused_asked_and_resumed(world: World) -> None:
    temporal = Temporal(world)
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.1})
    world.start_worker()
    async with world.client() as client:
        campaign = (await client.create(spec(connections=10), people(LEADS))).campaign_id
        await sent_so_far(client, campaign, 20)
        reason = ("--input", '"the list is being checked"', "--input", '"dana"')
        await temporal("workflow", "signal", "--workflow-id", campaign, "--name", "pause", *reason)
        await temporal("workflow", "signal", "--workflow-id", campaign, "--name", "puase")
        await is_in(client, campaign, "paused")
        shown = await temporal("workflow", "query", "--workflow-id", campaign, "--type", "progress", "--output", "json")
        (progress,) = json.loads(shown)["queryResult"]
        assert (progress["status"], progress["paused"]["by"]) == ("paused", "dana")
        assert progress["unknown_signals"] == {"puase": 1}
        update = ("workflow", "update", "execute", "--workflow-id", campaign, "--name", "resume")
        assert "this takes a reason and a name" in await temporal(*update, "--input", "17", refused=True)
        assert f"{campaign} goes on" in await temporal(*update, "--input", '"checked"')
        world.inbox.faults()
        await client.result(campaign)
        progress = await assert_promise(world, client, campaign, most_doubts=0)
    assert progress.messages.sent == LEADS
    assert progress.pauses_by == {"dana": 1}


async def test_many_campaigns_are_paused_and_resumed_by_batch(world: World) -> None:
    temporal = Temporal(world)
    world.inbox.faults({"at": "reply", "action": "delay", "seconds": 0.2})
    world.start_worker()
    async with world.client() as client:
        names = [
            (await client.create(spec(connections=10), others(LEADS, name))).campaign_id for name in ("one", "two")
        ]
        for name in names:
            await sent_so_far(client, name, 10)
        running = 'WorkflowType="CampaignWorkflow" AND CampaignStatus="running"'
        await are_listed(temporal, running, names)
        await temporal("workflow", "signal", "--query", running, "--name", "pause", "--yes")
        for name in names:
            await is_in(client, name, "paused")
        paused = 'CampaignOwner="dana" AND CampaignStatus="paused" AND ExecutionStatus="Running"'
        await are_listed(temporal, paused, names)
        world.inbox.faults()
        await temporal("workflow", "signal", "--query", paused, "--name", "resume", "--yes")
        for name in names:
            await client.result(name)
            assert (await client.progress(name)).messages.sent == LEADS


async def test_drafts_are_approved_by_number_and_the_campaign_is_cancelled(world: World) -> None:
    temporal = Temporal(world)
    world.start_worker()
    async with world.client() as client:
        campaign = (await client.create(spec(review={"mode": "all"}), people(20))).campaign_id

        async def all_wait() -> bool:
            return (await client.progress(campaign)).undecided == 20

        await until(all_wait)
        numbers = ("--input", '"1-3,7"', "--input", '"dana"')
        await temporal("workflow", "signal", "--workflow-id", campaign, "--name", "approve", *numbers)
        await sent_so_far(client, campaign, 4)
        await temporal("workflow", "cancel", "--workflow-id", campaign)
        await client.result(campaign)
        progress = await assert_promise(world, client, campaign, most_doubts=0)
        approved = [row["lead_number"] async for row in client.export(campaign, "drafts") if row["decided_by"]]
    assert progress.status == "cancelled"
    assert progress.leads == {"contacted": 4, "cancelled": 16}
    assert approved == [1, 2, 3, 7]
