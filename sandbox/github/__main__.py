"""Runs the local GitHub until SIGTERM or SIGINT.

Prints one JSON line on stdout when the port listens: `{"port": …, "pid": …}`.
"""

import argparse
import asyncio
import gc
import json
import os
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

import uvicorn
from starlette.applications import Starlette

from sandbox.github.control import Control
from sandbox.github.distributions import Distributions
from sandbox.github.dropping import TrackedProtocol
from sandbox.github.execution import Executor
from sandbox.github.faults import Faults
from sandbox.github.gate import Gate
from sandbox.github.graphql_api import GraphQLApi
from sandbox.github.journal import Journal
from sandbox.github.limits import Limits
from sandbox.github.page import Page
from sandbox.github.population import Population
from sandbox.github.resolvers import World
from sandbox.github.rest_api import RestApi
from sandbox.listening import HttpServer, listen


@dataclass(frozen=True, slots=True)
class Options:
    """The command line; port 0 lets the system choose, times in milliseconds and seconds as named."""

    host: str
    port: int
    people: int
    repositories: int
    seed: int
    as_of: datetime
    latency_ms: float
    points_per_hour: int
    window_seconds: int
    secondary: bool
    focus: float
    focus_language: str
    focus_topics: tuple[str, ...]


def parse(arguments: list[str]) -> Options:
    """Read the command line; a mistake is one line on stderr and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.github", description=__doc__)
    default = "(default: %(default)s)"
    parser.add_argument("--host", default="127.0.0.1", help=f"IPv4 address or name to listen on {default}")
    parser.add_argument("--port", type=int, default=8181, help=f"0 = any free port {default}")
    parser.add_argument("--people", type=_at_least_one, default=600, help=f"invented people {default}")
    parser.add_argument("--repositories", type=_at_least_one, default=400, help=f"invented repositories {default}")
    parser.add_argument("--seed", type=int, default=1, help=f"the same seed draws the same population {default}")
    parser.add_argument("--as-of", type=_moment, help="ISO 8601; activity is relative to it (default: now)")
    parser.add_argument("--latency-ms", type=float, default=0.0, help=f"added to every answer {default}")
    parser.add_argument("--points-per-hour", type=_at_least_one, default=5_000, help=f"for each token {default}")
    parser.add_argument("--window-seconds", type=_at_least_one, default=3_600, help=f"length of that hour {default}")
    parser.add_argument(
        "--no-secondary", action="store_true", help="leave out the limits on concurrency and on calls in a minute"
    )
    parser.add_argument("--focus", type=float, default=0.0, help=f"share that has language and topics given {default}")
    parser.add_argument("--focus-language", default="Python", help=default)
    parser.add_argument("--focus-topics", default="testing", help=f"separated by commas {default}")
    given = parser.parse_args(arguments)
    return Options(
        host=given.host,
        port=given.port,
        people=given.people,
        repositories=given.repositories,
        seed=given.seed,
        as_of=given.as_of or datetime.now(UTC),
        latency_ms=given.latency_ms,
        points_per_hour=given.points_per_hour,
        window_seconds=given.window_seconds,
        secondary=not given.no_secondary,
        focus=given.focus,
        focus_language=given.focus_language,
        focus_topics=tuple(filter(None, given.focus_topics.split(","))),
    )


def application(options: Options) -> Starlette:
    """Draw the population and return the application that answers about it."""
    population = Population(
        people=options.people,
        repositories=options.repositories,
        seed=options.seed,
        as_of=options.as_of,
        distributions=Distributions(
            focus=options.focus, focus_language=options.focus_language, focus_topics=options.focus_topics
        ),
    )
    faults, journal = Faults(), Journal()
    limits = Limits(options.points_per_hour, options.window_seconds, secondary=options.secondary)
    gate = Gate(limits, faults, journal, latency=options.latency_ms / 1_000)
    world = World(population)
    return Starlette(
        routes=[
            *GraphQLApi(Executor(world), gate).routes(),
            *Control(population, faults, journal).routes(),
            *Page(population, faults, journal).routes(),
            *RestApi(world, gate).routes(),
        ]
    )


async def serve(options: Options) -> None:
    """Serve until a signal comes."""
    bound = listen("--port", options.host, options.port)
    http = HttpServer(
        uvicorn.Config(
            application(options),
            http=TrackedProtocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
        )
    )
    gc.freeze()  # the population lives as long as the process; looking through it again and again costs time
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, http.stop)
    print(json.dumps({"port": bound.getsockname()[1], "pid": os.getpid()}), flush=True)  # noqa: T201 - the one line that callers wait for
    await http.serve(sockets=[bound])


def main() -> None:
    """Run as a process of its own."""
    asyncio.run(serve(parse(sys.argv[1:])))


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an ISO 8601 date-time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


if __name__ == "__main__":
    main()
