"""Shows the picture of a campaign: it redraws itself on a terminal; without one there is a line per change."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from math import inf

from rich.console import Group
from rich.live import Live
from rich.text import Text

from client.campaigns import FINAL
from client.cli.picture import Around, one_line, picture
from client.cli.screen import console, say
from domain.progress import Progress

_LINE_SECONDS = 1.0
"""Between lines: changes that come faster share one."""


class Watch:
    """Shows one state after another. With `quiet` nothing is shown."""

    def __init__(self, *, quiet: bool) -> None:
        """On a terminal `open` must be entered first."""
        self._console = console()
        self._live = None if quiet or not sys.stdout.isatty() else Live(console=self._console, refresh_per_second=8)
        self._quiet = quiet
        self._shown_at = -inf
        self._last = ""

    @property
    def live(self) -> bool:
        """Whether there is a terminal to draw on."""
        return self._live is not None

    @contextmanager
    def open(self) -> Iterator[None]:
        """While it is open the picture is on the screen; what was shown last stays."""
        if self._live is None:
            yield
            return
        with self._live:
            yield

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the picture off the screen for what is printed inside; it comes back below that."""
        if self._live is None:
            yield
            return
        self._live.transient = True
        self._live.stop()
        try:
            yield
        finally:
            self._live.transient = False
            self._live.start()

    def show(
        self, progress: Progress, remark: str = "", around: Around | None = None, footer: Sequence[Text] = ()
    ) -> None:
        """Show where the campaign stands; `remark` is a line below, such as that Temporal does not answer."""
        if self._live is not None:
            lines = picture(progress, remark, around, footer, size=(self._console.width, self._console.height))
            self._live.update(Group(*lines))
        elif not self._quiet:
            self._print(progress, remark)

    def _print(self, progress: Progress, remark: str) -> None:
        line = one_line(progress, remark)
        soon = time.monotonic() - self._shown_at < _LINE_SECONDS
        if line == self._last or (soon and progress.status not in FINAL):
            return
        self._last, self._shown_at = line, time.monotonic()
        say(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}")
        sys.stdout.flush()
