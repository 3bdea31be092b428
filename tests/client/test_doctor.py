"""What `doctor` shows: lines of one width, and ways out that are ways out."""

import pytest
from command_line import CommandLine

from client import up_lock

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
