"""A worker whose source and relay are harness/slow_tools.py: `python -m harness.slow_worker LEADS`, in benchmarks/."""

import asyncio
import dataclasses
import gc
import sys

from harness.slow_tools import SlowRelays, SlowSource

from client.adapters import open_ports
from client.connection import connect
from client.settings import load_settings
from telemetry.logging import configure
from worker.build import build_worker
from worker.search_attributes import register_search_attributes


async def main() -> None:
    """Work until killed."""
    settings = load_settings()
    configure(settings.log_level)
    client = await connect(settings)
    await register_search_attributes(client)
    async with open_ports(settings) as ports:
        slow = dataclasses.replace(ports, source=SlowSource(int(sys.argv[1])), relays=SlowRelays())
        worker = build_worker(client, slow)
        gc.freeze()  # as the worker of the product does
        await worker.run()


if __name__ == "__main__":
    asyncio.run(main())
