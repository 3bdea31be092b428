"""The real `outrider` command in a directory of its own."""

import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

OUTRIDER = Path(sys.executable).with_name("outrider")


class CommandLine:
    """Runs `outrider` as its own process, without the settings of whoever runs the tests."""

    def __init__(self, directory: Path, home: Path | None = None) -> None:
        self.directory = directory
        self.home = home or directory / "home"

    def command(self, *arguments: str) -> list[str]:
        """The whole command line."""
        return [str(OUTRIDER), *arguments]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of every command; its home is `home`, and the PATH leads to it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OUTRIDER_", "TEMPORAL_"))}
        path = f"{OUTRIDER.parent}{os.pathsep}{os.environ['PATH']}"
        return {**kept, "PATH": path, "OUTRIDER_HOME": str(self.home), **(extra or {})}

    def __call__(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end; keywords are further environment variables."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.directory,
            env=self.environment(extra),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    def shown(self, *arguments: str, size: tuple[int, int], **extra: str) -> list[str]:
        """The lines that one command shows on a terminal of so many columns and rows, without their colours."""
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (size[1], size[0]))
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.directory,
            env=self.environment({"COLUMNS": "", "TERM": "xterm", **extra}),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        written = b""
        with suppress(OSError):  # how Linux says that the other side has closed
            while some := os.read(ours, 65536):
                written += some
        os.close(ours)
        process.wait(20)
        return re.sub(r"\x1b\[[0-9;]*m", "", written.decode()).splitlines()

    def start(self, *arguments: str, output: Path) -> subprocess.Popen[bytes]:
        """Start one command; what it prints goes to a file."""
        with output.open("wb") as file:
            return subprocess.Popen(
                self.command(*arguments),
                cwd=self.directory,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                process_group=0,
            )
