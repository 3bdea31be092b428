"""Commands and Temporal: a workflow that somebody ended, a namespace that is not there, a server that goes away."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import CommandLine
from local_world import World, new_world, people, spec
from temporalio.service import RPCError

from client.adapters import migrate, open_storage
from client.campaigns import CampaignClient
from client.cli import run
from client.cli.specs import prepare
from client.connection import connect

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Database, Temporal and inbox, without a worker."""
    with new_world(tmp_path_factory.mktemp("world")) as world:
        asyncio.run(migrate(world.settings))
        yield world
