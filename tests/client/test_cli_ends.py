"""However a command ends, its exit code and its one line say why; what quotes people's data is not shown."""

import errno
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from temporalio.service import RPCError, RPCStatusCode

from client.cli.entry import execute


def test_an_unexpected_error_shows_its_kind_and_where_to_look(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("kim@example.com")

    monkeypatch.setattr("client.cli.mailbox.load_settings", broken)
    assert execute(["mailbox", "list"]) == 1
    assert capsys.readouterr().err == (
        "error: unexpected ZeroDivisionError\nhint: set OUTRIDER_DEBUG=1 to see where it comes from\n"
    )
    monkeypatch.setenv("OUTRIDER_DEBUG", "1")
    assert execute(["mailbox", "list"]) == 1
    assert "ZeroDivisionError: kim@example.com" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (
            RPCError("of kim@example.com", RPCStatusCode.PERMISSION_DENIED, b""),
            3,
            "error: Temporal refuses or does not answer: permission denied\nhint: outrider doctor\n",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "error: stdout: no space left on device\n"),
        (FileNotFoundError(errno.ENOENT, "No such file", "x.csv"), 2, "error: x.csv: no such file\n"),
        (SystemExit(5), 5, ""),
        (SystemExit(), 0, ""),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 0, ""),
    ],
)
def test_every_end_keeps_its_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    lines: str,
) -> None:
    def broken() -> None:
        raise error

    monkeypatch.setattr("client.cli.mailbox.load_settings", broken)
    with monkeypatch.context() as streams:  # typer wraps them when a reader has gone
        streams.setattr("sys.stdout", sys.stdout)
        streams.setattr("sys.stderr", sys.stderr)
        assert execute(["mailbox", "list"]) == code
    assert capsys.readouterr().err == lines


def test_a_locked_database_is_said_to_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OUTRIDER_HOME", str(tmp_path))
    monkeypatch.setattr("storage.sqlite_file._BUSY_MILLISECONDS", 50)
    assert execute(["migrate"]) == 0
    assert execute(["suppress", "list"]) == 0
    file = tmp_path / "outrider.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert execute(["suppress", "add", "kim@example.com"]) == 3
    assert capsys.readouterr().err == (
        f"error: the database at {file} is locked by another process\nhint: try again when that process is done\n"
    )
