"""Hints name the command as it was called; what people wrote stays word for word."""

import os
import subprocess
from pathlib import Path

import pytest
from command_line import OUTRIDER, CommandLine
from rich.text import Text

from client.cli.called import as_called, called, styled_as_called
from client.cli.screen import quote


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `outrider` in a directory that is not on the PATH, and was called from the one around it."""
    command = tmp_path / "with blank" / "outrider"
    command.parent.mkdir()
    command.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setattr("sys.argv", ["with blank/outrider"])
    return command


def test_the_name_is_what_was_typed_unless_the_path_leads_to_it(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert called() == "'with blank/outrider'"
    monkeypatch.setenv("PATH", str(installed.parent))
    assert called() == "outrider"
    monkeypatch.setattr("sys.argv", ["/somewhere/else/outrider"])
    assert called() == "/somewhere/else/outrider", "another one is on the PATH"
    monkeypatch.setattr("sys.argv", ["/somewhere/pytest"])
    assert called() == "outrider"


@pytest.mark.usefixtures("installed")
def test_only_commands_are_named_so() -> None:
    line = "see .outrider/logs or `outrider up`: outrider show ID, outrider --help; /opt/outrider is not outrider.db"
    assert as_called(line) == (
        "see .outrider/logs or `'with blank/outrider' up`: 'with blank/outrider' show ID, "
        "'with blank/outrider' --help; /opt/outrider is not outrider.db"
    )
    styled = styled_as_called(Text.assemble(("waits", "yellow"), ": outrider review ID ", ("now", "bold")))
    assert styled.plain == "waits: 'with blank/outrider' review ID now"
    assert [(styled.plain[span.start : span.end], span.style) for span in styled.spans] == [
        ("waits", "yellow"),
        ("now", "bold"),
    ]


@pytest.mark.usefixtures("installed")
def test_a_text_that_somebody_gets_is_shown_word_for_word(capsys: pytest.CaptureFixture[str]) -> None:
    quote("Try it:\n\n  outrider up")
    assert capsys.readouterr().out == "            Try it:\n\n              outrider up\n"


def test_what_a_command_says_can_be_typed_as_it_stands(tmp_path: Path) -> None:
    outrider = CommandLine(tmp_path)
    environment = outrider.environment({"PATH": "/usr/bin:/bin"})
    relative = os.path.relpath(OUTRIDER, tmp_path)
    said = [
        subprocess.run(
            [relative, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
        )
        for arguments in (["init", "letter.yaml"], ["run", "letter.yaml"], ["monitr"])
    ]
    assert f"next        {relative} plan letter.yaml " in said[0].stdout
    assert said[1].stderr.splitlines()[-1] == f"hint: {relative} up"
    assert said[2].stderr.splitlines()[-1] == f"hint: {relative} --help"
    assert outrider("monitr").stderr.splitlines()[-1] == "hint: outrider --help", "on the PATH of the tests"
