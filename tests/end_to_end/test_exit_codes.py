"""What a command's exit code says is true: the crash at interpreter exit of Temporal's client never shows."""

import asyncio
import csv
import json
import os
import signal
import time
from pathlib import Path

import pytest
from command_line import CommandLine
from local_world import World

from client.connection import connect

TIMES = 40

SPEC = """\
version: 1
name: proof
owner: dana
audience: {source: csv, file: people.csv, exclude: {contacted_within_days: 0}}
permission: {basis: consent}
sender: {name: Dana Rivers, postal_address: "1 Example Street, Example City", reply_to: dana@example.com}
sequence: [{subject: News, body: "Hello {{ lead.name }}"}]
review: {mode: none}
sending:
  provider: smtp
  mailboxes: [{name: relay, address: news@example.com, pace: none}]
"""


@pytest.fixture
def outrider(world: World, tmp_path: Path) -> CommandLine:
    """The command in this world, with a spec and a list of three people, one of them twice."""
    (tmp_path / "spec.yaml").write_text(SPEC, encoding="utf-8")
    with (tmp_path / "people.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("email", "name", "note"))
        writer.writerow(("kim@example.com", "=1+1", "a formula"))
        writer.writerow(("robin@example.org", "[red]Robin[/red] Sample", "markup"))
        writer.writerow(("sascha@example.net", "Sascha Muster", ""))
        writer.writerow(("KIM@example.com", "Kim Example", "the first one again"))
    return CommandLine(tmp_path, world.home)


@pytest.mark.timeout(180)
async def test_forty_short_commands_end_with_code_0(outrider: CommandLine) -> None:
    free = asyncio.Semaphore(os.cpu_count() or 1)
    command = ("run", "spec.yaml", "--id", "campaign-forty", "--detach", "--json")
    first = await asyncio.to_thread(outrider, *command)
    started = json.loads(first.stdout)
    assert set(started) == {"campaign_id", "workflow_id", "run_id"}
    assert started["campaign_id"] == started["workflow_id"] == "campaign-forty"

    async def again() -> tuple[int, str, str]:
        async with free:
            done = await asyncio.to_thread(outrider, *command)
            return done.returncode, done.stdout, done.stderr

    assert set(await asyncio.gather(*(again() for _ in range(TIMES)))) == {(0, first.stdout, "")}


@pytest.mark.timeout(180)
async def test_a_campaign_that_completes_is_code_0_and_its_screens_tell_the_same(
    world: World, outrider: CommandLine
) -> None:
    world.start_worker()
    ran = await asyncio.to_thread(outrider, "run", "spec.yaml", "--id", "campaign-fine")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "leads       3 = 3 contacted\n" in ran.stdout
    assert "rows        4 = 3 leads + 1 rejected\n" in ran.stdout
    shown = json.loads(outrider("show", "campaign-fine", "--json").stdout)
    assert shown["status"] == "completed"
    assert shown["leads"] == {"contacted": 3}
    assert shown["messages"]["sent"] == 3
    assert [one["campaign_id"] for one in json.loads(outrider("list", "--json").stdout)] == ["campaign-fine"]

    person = outrider("show", "campaign-fine", "--lead", "2").stdout
    assert "[red]Robin[/red] Sample <r***@example.org>" in person
    assert "robin@example.org" not in person
    assert " sent " in person
    assert " 250" in person

    file = outrider.directory / "leads.csv"
    assert outrider("export", "campaign-fine", "--what", "leads", "--out", str(file)).returncode == 0
    with file.open(encoding="utf-8", newline="") as rows:
        assert next(row["name"] for row in csv.DictReader(rows)) == "'=1+1"
    ledger = json.loads(outrider("export", "campaign-fine", "--what", "ledger", "--format", "json").stdout)
    assert {(row["message_id"], row["recipient"]) for row in ledger} == set(world.inbox.held())
    assert json.loads(outrider("drafts", "campaign-fine", "--lead", "3", "--json").stdout)[0]["subject"] == "News"
    assert outrider("report", "campaign-fine").stdout.startswith("# proof: report")

    other = outrider("run", "spec.yaml", "--id", "campaign-fine", "--set", "owner=robin")
    assert other.returncode == 2
    assert other.stderr.startswith("error: campaign campaign-fine exists already, with another spec\n")


@pytest.mark.timeout(180)
async def test_a_campaign_whose_workflow_was_ended_by_somebody_is_code_1(world: World, outrider: CommandLine) -> None:
    outrider("run", "spec.yaml", "--id", "campaign-ended", "--detach").check_returncode()
    watching = asyncio.create_task(asyncio.to_thread(outrider, "run", "--id", "campaign-ended", "--json"))
    await asyncio.sleep(5)  # the command is watching by now; were it not, it would take the campaign up again
    await (await connect(world.settings)).get_workflow_handle("campaign-ended").terminate()
    ran = await watching
    assert (ran.returncode, ran.stderr) == (1, "")
    assert json.loads(ran.stdout)["status"] == "failed"


@pytest.mark.timeout(180)
async def test_show_works_without_worker_and_without_temporal(world: World, outrider: CommandLine) -> None:
    outrider("run", "spec.yaml", "--id", "campaign-alone", "--detach").check_returncode()
    assert world.temporal is not None
    world.temporal.kill()
    world.temporal.wait(10)
    shown = outrider("show", "campaign-alone", "--json")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert json.loads(shown.stdout)["status"] == "queued"
    ran = outrider("run", "spec.yaml", "--id", "campaign-other")
    assert ran.returncode == 3
    assert ran.stderr.startswith("error: Temporal does not answer at ")
    assert [one["campaign_id"] for one in json.loads(outrider("list", "--json").stdout)] == ["campaign-alone"]


async def test_a_reader_that_leaves_early_is_no_error(outrider: CommandLine) -> None:
    outrider("run", "spec.yaml", "--id", "campaign-read", "--detach").check_returncode()
    for command in ("show campaign-read", "list", "export campaign-read --what leads"):
        reading, writing = os.pipe()
        os.close(reading)
        process = await asyncio.create_subprocess_exec(
            *map(str, outrider.command(*command.split())),
            env=outrider.environment(),
            stdout=writing,
            stderr=asyncio.subprocess.PIPE,
        )
        os.close(writing)
        _, complaints = await process.communicate()
        assert (process.returncode, complaints) == (0, b""), command


def until_said(output: Path, text: str) -> None:
    """Wait until a command has printed something."""
    deadline = time.monotonic() + 50
    while text not in output.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline, output.read_text(encoding="utf-8")
        time.sleep(0.1)


async def test_ctrl_c_stops_the_watching_and_says_that_the_campaign_goes_on(outrider: CommandLine) -> None:
    output = outrider.directory / "run.log"
    watching = outrider.start("run", "spec.yaml", "--id", "campaign-left", output=output)
    await asyncio.to_thread(until_said, output, "no worker takes it up")
    watching.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(watching.wait, 20) == 130
    assert output.read_text(encoding="utf-8").endswith("campaign-left goes on: outrider show campaign-left\n")
    assert json.loads(outrider("show", "campaign-left", "--json").stdout)["status"] == "queued"
