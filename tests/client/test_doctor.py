"""What `doctor` shows: lines of one width, and ways out that are ways out."""

import asyncio
import json
from pathlib import Path

import pytest
from command_line import CommandLine
from local_world import free_port
from otlp_sink import otlp_sink

from client import up_lock
from client.adapters import open_storage
from client.settings import Settings

STARTING = "failed  Temporal  `outrider up` has not started everything yet"


def test_lines_fit_a_page_and_name_nothing_that_is_a_placeholder(outrider: CommandLine) -> None:
    said = outrider("doctor")
    assert said.returncode == 1
    lines = said.stdout.splitlines()
    assert [line for line in lines if len(line) > 100] == []
    assert "<" not in said.stdout
    at = lines.index("failed  relay     no relay: neither OUTRIDER_SMTP_URL nor the variable of a mailbox is set")
    assert lines[at + 1] == "                  -> set one of them, or run `outrider up` for a local inbox"


def test_while_up_starts_every_way_out_is_to_wait(outrider: CommandLine) -> None:
    outrider("migrate").check_returncode()
    with up_lock.hold(outrider.home):
        lines = outrider("doctor").stdout.splitlines()
    assert STARTING in lines
    ways_out = [line.partition("-> ")[2] for line in lines if "-> " in line]
    assert len(ways_out) == 3, "Temporal, relay, web"
    assert all(way_out.startswith("try again in a few seconds") for way_out in ways_out)
    assert [line for line in lines if len(line) > 100] == []
    outrider_is_down = outrider("doctor").stdout
    assert "try again" not in outrider_is_down


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_campaign_that_comes_too_early_is_told_to_wait(outrider: CommandLine, command: str) -> None:
    for arguments in (["init"], ["migrate"]):
        outrider(*arguments).check_returncode()
    with up_lock.hold(outrider.home):
        said = outrider(command, "campaign.yaml")
    assert "try again in a few seconds" in said.stdout + said.stderr


async def stop_mailboxes(home: Path) -> None:
    """Ten of them, for two reasons."""
    async with open_storage(Settings(home=home)) as storage:
        for number in range(10):
            await storage.mailboxes.stop(f"mailbox{number}", "refused_sender" if number else "paused by operator")


@pytest.mark.parametrize("size", [(80, 24), (100, 30)])
def test_many_failures_fit_one_screen_and_nothing_is_cut(
    outrider: CommandLine, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(outrider.directory)
    outrider("migrate").check_returncode()
    asyncio.run(stop_mailboxes(outrider.home))
    outrider.home.chmod(0o755)
    broken = {
        "OUTRIDER_HOME": outrider.home.name,  # a directory of usual length
        "TEMPORAL_ADDRESS": "127.0.0.1:1",
        "OUTRIDER_SMTP_URL": "smtp://127.0.0.1:1",
        "OUTRIDER_MAILBOX_MAILBOX3_SMTP_URL": "smtp://127.0.0.1:2",
        "OUTRIDER_PUBLIC_URL": "http://127.0.0.1:3",
        "OUTRIDER_GITHUB_API_URL": "http://127.0.0.1:4",
        "OUTRIDER_GITHUB_TOKEN": "not-a-token",
    }
    lines = outrider.shown("doctor", size=size, **broken)
    assert max(map(len, lines)) <= size[0]
    assert len(lines) < size[1], "the prompt has a line too"
    found = json.loads(outrider("doctor", "--json", **broken).stdout)["checks"]
    assert {check["name"] for check in found if check["verdict"] != "ok"} >= {"home", "mailbox", "Temporal", "GitHub"}
    shown = " ".join(" ".join(lines).split())
    for check in found:
        assert " ".join(check["detail"].split()) in shown
        assert f"-> {check['way_out']}" in shown or not check["way_out"]


def test_mailboxes_of_one_relay_are_one_line(outrider: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(outrider.directory)
    outrider("migrate").check_returncode()
    asyncio.run(stop_mailboxes(outrider.home))
    own = {"OUTRIDER_MAILBOX_MAILBOX3_SMTP_URL": "smtp://127.0.0.1:2"}
    for shared in ({}, {"OUTRIDER_SMTP_URL": "smtp://127.0.0.1:1"}):
        said = outrider("doctor", "--json", **own, **shared)
        relays = [check["detail"] for check in json.loads(said.stdout)["checks"] if check["name"] == "relay"]
        many, one = relays
        assert many.endswith("; for mailbox0, mailbox1, mailbox2 and 6 more")
        assert "127.0.0.1:2" in one
        assert one.endswith("; for mailbox3")
    stopped = [check for check in json.loads(said.stdout)["checks"] if check["name"] == "mailbox"]
    assert [(check["detail"], check["way_out"]) for check in stopped] == [
        ("mailbox0 is stopped: paused by operator", "outrider mailbox resume mailbox0"),
        (
            "mailbox1, mailbox2, mailbox3 and 6 more are stopped: refused_sender",
            "outrider mailbox resume mailbox1; then the others",
        ),
    ]


def otlp(outrider: CommandLine, **environment: str) -> list[tuple[str, str, str]]:
    """What `doctor` says of traces and metrics."""
    found = json.loads(outrider("doctor", "--json", **environment).stdout)["checks"]
    return [(one["verdict"], one["detail"], one["way_out"]) for one in found if one["name"] == "OTLP"]


def test_it_says_whether_traces_and_metrics_are_asked_for_and_taken(outrider: CommandLine) -> None:
    assert otlp(outrider) == []
    with otlp_sink() as sink:
        ((verdict, detail, way_out),) = otlp(outrider, OTEL_EXPORTER_OTLP_ENDPOINT=sink.url)
    assert (verdict, way_out) == ("ok", "")
    assert detail == f"traces and metrics are taken at {sink.url} (http/protobuf)"


def test_telemetry_that_is_lost_is_a_warning_with_the_variable(outrider: CommandLine) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    ((verdict, detail, way_out),) = otlp(outrider, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://dana:hidden@{nobody}")
    assert (verdict, detail) == ("warning", f"traces and metrics are lost: nobody listens at http://{nobody}")
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in way_out
    with otlp_sink() as sink:
        wrong = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_METRICS_EXPORTER": "none"}
        (traces,) = otlp(outrider, OTEL_EXPORTER_OTLP_ENDPOINT=sink.url, **wrong)
    assert traces == (
        "warning",
        f"traces are lost: {sink.url} does not take them by grpc",
        "grpc is usually at port 4317; or OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
    )


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "foo", "http/protobuf, grpc"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318", "an address such as http://localhost:4318"),
    ],
)
def test_a_variable_that_cannot_be_obeyed_is_named_with_what_it_may_say(
    outrider: CommandLine, variable: str, value: str, expected: str
) -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", variable: value}
    ((verdict, detail, way_out),) = otlp(outrider, **environment)
    assert (verdict, way_out) == ("warning", f"{variable}: {expected}")
    assert detail == f"traces and metrics are off: {variable} has a value that it cannot have"
    assert value not in detail
