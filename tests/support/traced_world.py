"""A worker inside the test's own process, so that what it would tell a collector can be looked at."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from local_world import World
from temporalio.client import Client

from client.adapters import Ports
from worker.build import build_worker, opened
from worker.search_attributes import register_search_attributes


@asynccontextmanager
async def working(
    world: World, *, max_cached_workflows: int = 1000, changed: Callable[[Ports], Ports] = lambda ports: ports
) -> AsyncIterator[Client]:
    """A worker while the block runs, with the ports that `changed` makes of the real ones."""
    open_here = partial(opened, world.settings, changed)
    async with open_here() as (temporal, ports):
        await register_search_attributes(temporal)
        async with build_worker(temporal, ports, open_here, max_cached_workflows=max_cached_workflows):
            yield temporal
