"""The live picture of a campaign: a table that redraws itself on a terminal, a line a second without one."""

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from client.cli.screen import console, deadline, plain, say, span, styled, words
from domain.campaign import Stage
from domain.progress import Progress, StageProgress, Waiting

_LINE_SECONDS = 1.0
_SAME_LINE_SECONDS = 60.0
_BAR_WIDTH = 28


class Watch:
    """Shows one state after another. With `quiet` nothing is shown."""

    def __init__(self, *, quiet: bool) -> None:
        """On a terminal `open` must be entered first."""
        self._live = None if quiet or not sys.stdout.isatty() else Live(console=console(), refresh_per_second=8)
        self._quiet = quiet
        self._shown_at = -_SAME_LINE_SECONDS
        self._last = ""

    def open(self) -> AbstractContextManager[object]:
        """While it is open the picture is on the screen; what was shown last stays."""
        return self._live or nullcontext()

    def show(self, progress: Progress, remark: str = "") -> None:
        """Show where the campaign stands; `remark` is a line below, such as that Temporal does not answer."""
        if self._live is not None:
            self._live.update(picture(progress, remark))
        elif not self._quiet:
            self._print(progress, remark)

    def _print(self, progress: Progress, remark: str) -> None:
        line = f"{one_line(progress)}{f' remark={remark!r}' if remark else ''}"
        pause = _SAME_LINE_SECONDS if line == self._last else _LINE_SECONDS
        if time.monotonic() - self._shown_at < pause and (progress.finished_at is None or line == self._last):
            return
        self._last, self._shown_at = line, time.monotonic()
        say(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}")
        sys.stdout.flush()


def one_line(progress: Progress) -> str:
    """The state in one line: status, stage, messages by state, what is waited for."""
    counts = " ".join(f"{state}={count}" for state, count in progress.messages.model_dump().items() if count)
    waits = "".join(f' waiting_for="{_waiting(one, progress.as_of)}"' for one in progress.waiting_for)
    drafted = f"drafted={progress.stages[Stage.PERSONALIZATION].done}"
    parts = [progress.status, progress.stage or "", drafted, counts]
    return " ".join(part for part in parts if part) + waits


def picture(progress: Progress, remark: str = "") -> RenderableType:
    """The state as a small table with a bar for each stage."""
    began = progress.started_at or progress.created_at
    head = Text.assemble(
        (plain(progress.name), "bold"),
        "   ",
        styled(progress.status),
        "   ",
        span((progress.finished_at or progress.as_of) - began),
    )
    if progress.dry_run:
        head.append("   rehearsal: nothing leaves", style="dim")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=True, header_style="dim")
    table.add_column("stage")
    table.add_column("")
    for name in ("done", "failed", "skipped", "in doubt", "open"):
        table.add_column(name, justify="right")
    for stage, counts in progress.stages.items():
        table.add_row(words(stage), _bar(counts), *(f"{count:,}" for count in _numbers(counts)))
    lines: list[RenderableType] = [head, table]
    lines += [Text(f"waiting for {_waiting(one, progress.as_of)}", style="yellow") for one in progress.waiting_for]
    if remark:
        lines.append(Text(remark, style="yellow"))
    return Group(*lines)


def _waiting(waiting: Waiting, now: datetime) -> str:
    until = f" until {deadline(waiting.until, now)}" if waiting.until else ""
    way_out = f": {waiting.command}" if waiting.command else ""
    return f"{words(waiting.reason)}{until}{way_out}"


def _ended(stage: StageProgress) -> int:
    return stage.done + stage.failed + stage.skipped + stage.in_doubt


def _bar(stage: StageProgress) -> ProgressBar:
    return ProgressBar(total=max(stage.found, 1), completed=_ended(stage), width=_BAR_WIDTH)


def _numbers(stage: StageProgress) -> tuple[int, ...]:
    return stage.done, stage.failed, stage.skipped, stage.in_doubt, stage.found - _ended(stage)
