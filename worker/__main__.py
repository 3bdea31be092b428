"""`python -m worker`: run a worker until SIGTERM or SIGINT, then finish the mail in hand."""

from functools import partial

from client.exit import run_entry_point, stop_requested
from client.settings import Settings
from telemetry.logging import get_logger, name_worker
from worker.build import build_worker, opened, tune_interpreter
from worker.health import Health, answering
from worker.measuring import measured
from worker.search_attributes import register_search_attributes

_log = get_logger(__name__)


async def run(settings: Settings) -> None:
    """Work until a signal asks to stop; raises OutriderError when something needed is missing."""
    stop = stop_requested()
    open_here = partial(opened, settings)
    async with open_here() as (client, ports):
        name_worker(client.identity)
        await register_search_attributes(client)
        worker = build_worker(client, ports, open_here)
        async with (
            answering(Health(settings, client, stop, worker.turns), settings),
            worker,
            measured(ports.figures.read),
        ):
            tune_interpreter()
            _log.info("worker.started")
            await stop.wait()
            _log.info("worker.stopping")
    _log.info("worker.stopped")


def main() -> None:
    """Entry point of the process."""
    run_entry_point(run, "outrider-worker", measured=True)


if __name__ == "__main__":
    main()
