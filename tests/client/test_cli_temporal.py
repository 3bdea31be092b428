"""Commands and Temporal: a workflow that somebody ended, a namespace that is not there, a server that goes away."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import CommandLine
from local_world import World, new_world
from temporalio.client import Client

from client.adapters import migrate
from client.cli.entry import execute
from client.cli.namespace import check_namespace
from client.connection import connect

pytestmark = pytest.mark.timeout(120)

EXAMPLE = str(Path(__file__).parents[2] / "examples" / "newsletter.yaml")
START = ["run", EXAMPLE, "--detach"]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Database, Temporal and inbox, without a worker; commands of this process find them."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTRIDER_HOME", str(home))
    with new_world(home) as world:
        asyncio.run(migrate(world.settings))
        yield world


def terminate(world: World, campaign_id: str) -> None:
    """End a workflow as somebody could in Temporal's own screens."""

    async def end() -> None:
        await (await connect(world.settings)).get_workflow_handle(campaign_id).terminate()

    asyncio.run(end())


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """The campaigns that `list` shows, and their status."""
    capsys.readouterr()
    assert execute(["list", "--json"]) == 0
    return {one["campaign_id"]: one["status"] for one in json.loads(capsys.readouterr().out)}


def test_a_terminated_workflow_is_a_failed_campaign_on_every_screen_with_the_way_out(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ended", "alive", "alone"):
        assert execute([*START, "--id", name]) == 0
    terminate(world, "ended")
    assert listed(capsys) == {"ended": "failed", "alive": "queued", "alone": "queued"}
    assert execute(["show", "ended"]) == 0
    shown = capsys.readouterr().out
    assert shown.split()[1] == "failed"
    assert "way out     outrider run --id ended takes it up again: what was sent stays sent\n" in shown
    assert execute(["show", "alive"]) == 0
    assert "way out" not in capsys.readouterr().out


def test_a_namespace_that_is_not_there_is_said_before_anything_is_written(world: World, tmp_path: Path) -> None:
    outrider = CommandLine(tmp_path, world.home)
    ran = outrider(*START, TEMPORAL_NAMESPACE="nope")
    assert ran.stderr.splitlines() == [
        f"error: Temporal at 127.0.0.1:{world.temporal_port} has no namespace nope",
        "hint: set TEMPORAL_NAMESPACE, or: temporal operator namespace create nope",
    ]
    assert ran.returncode == 3
    assert json.loads(outrider("list", "--json").stdout) == []


def test_a_campaign_that_is_stored_and_not_started_is_named_with_the_way_back(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def there_and_gone(temporal: Client) -> None:
        await check_namespace(temporal)
        assert world.temporal is not None
        world.temporal.kill()
        world.temporal.wait(10)

    monkeypatch.setattr("client.cli.run.check_namespace", there_and_gone)
    assert execute(START) == 3
    said = re.fullmatch(
        r"(campaign-release-notes-2026-11-[0-9a-f]{8}) is stored; to start or watch it: outrider run --id (\S+)\n"
        r"error: Temporal refuses or does not answer: unavailable\n"
        r"hint: outrider doctor\n",
        capsys.readouterr().err,
    )
    assert said is not None
    assert said[1] == said[2]
    assert listed(capsys) == {said[1]: "queued"}, "without Temporal the rows tell"
    monkeypatch.undo()
    monkeypatch.setenv("OUTRIDER_HOME", str(world.home))
    world.start_temporal()
    assert execute(["run", "--id", said[1], "--detach"]) == 0
    assert capsys.readouterr().out.startswith(f"started     {said[1]}\n")
