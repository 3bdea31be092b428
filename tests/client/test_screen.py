"""Lines that are wider than the terminal: broken between their parts, so that what is copied is in one piece."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from client.cli import screen

SUM = "117 = 53 skipped, no public address + 43 contacted + 20 skipped, excluded domain + 1 skipped, account gone"


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a terminal of 60 columns is given."""
    written = io.StringIO()
    terminal = Console(file=written, width=60, force_terminal=True, color_system="standard", highlight=False)
    monkeypatch.setattr(screen, "console", lambda: terminal)
    return written


def lines(shown: io.StringIO) -> list[str]:
    return Text.from_ansi(shown.getvalue()).plain.splitlines()


def test_a_sum_is_broken_between_its_parts_and_stays_in_its_column(shown: io.StringIO) -> None:
    screen.labelled("leads", SUM)
    assert lines(shown) == [
        "leads       117 = 53 skipped, no public address +",
        "            43 contacted + 20 skipped, excluded domain +",
        "            1 skipped, account gone",
    ]


def test_where_no_part_ends_a_comma_does(shown: io.StringIO) -> None:
    screen.labelled("why", "443 stars, Rust, topic database, last commit 2026-11-05 02:15 UTC")
    assert lines(shown) == [
        "why         443 stars, Rust, topic database,",
        "            last commit 2026-11-05 02:15 UTC",
    ]


@pytest.mark.parametrize(
    "whole", ["http://127.0.0.1:16686/trace/" + "a" * 60, "outrider review campaign-" + "b" * 60, "c" * 60 + "   ddd"]
)
def test_an_address_or_a_command_is_never_broken(shown: io.StringIO, whole: str) -> None:
    screen.labelled("trace", f"waits   {whole}")
    one = whole.split("   ", maxsplit=1)[0]
    assert [line for line in lines(shown) if line.strip() == one]


def test_only_the_label_is_bold(shown: io.StringIO) -> None:
    screen.labelled("state", "open")
    assert shown.getvalue() == "\x1b[1mstate       \x1b[0mopen\n"


def test_what_goes_to_a_pipe_stays_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    screen.labelled("leads", SUM)
    assert capsys.readouterr().out == f"leads       {SUM}\n"
