"""A worker whose source and relay are harness/slow_tools.py: `python -m harness.slow_worker LEADS`, in benchmarks/."""

import asyncio
import dataclasses
import sys
from functools import partial

from harness.slow_tools import SlowRelays, SlowSource

from client.adapters import Ports
from client.settings import load_settings
from telemetry.logging import configure
from worker.build import build_worker, opened, tune_interpreter
from worker.search_attributes import register_search_attributes


async def main() -> None:
    """Work until killed."""
    settings = load_settings()
    configure(settings.log_level)

    def slow(ports: Ports) -> Ports:
        return dataclasses.replace(ports, source=SlowSource(int(sys.argv[1])), relays=SlowRelays())

    open_here = partial(opened, settings, slow)
    async with open_here() as (client, ports):
        await register_search_attributes(client)
        worker = build_worker(client, ports, open_here)
        tune_interpreter()
        await worker.run()


if __name__ == "__main__":
    asyncio.run(main())
