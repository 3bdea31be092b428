"""A world of its own for each test: nothing of one test's campaigns can reach another's worker."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from local_world import World, new_world

from client.adapters import migrate


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Database, Temporal and inbox, without a worker."""
    with new_world(tmp_path) as world:
        await migrate(world.settings)
        yield world
