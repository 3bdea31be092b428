"""The real `outrider` command in a directory of its own."""

from pathlib import Path

import pytest
from command_line import CommandLine


@pytest.fixture
def outrider(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)
