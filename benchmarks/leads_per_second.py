"""Leads per second from discovery through enrichment to drafts, over the local GitHub by real HTTP without latency.

A real Temporal server and real workers carry one campaign: drafts from templates, no review, and nobody gave permission
to send. The clock runs from the campaign's start to its last draft; each lead is somebody who was found, whose profile
was asked for, and who was drafted or ended with a reason. Every campaign has a database, a Temporal server and a local
GitHub of its own. On PostgreSQL every commit is on the disk. `--large` measures 50,000 leads too.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

import raw_rows
from harness.figures import Figure, Measured, Scale
from harness.local_github import LocalGitHub, Population
from harness.searched import Searched, search
from harness.sink import StartSink
from postgres import server

LEAST = 1_000
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"

_PEOPLE = 4
"""For each repository: then it brings about one lead, as half of the repositories have seen no commit for 90 days."""

_SMALL, _MIDDLE, _LARGE = 1_000, 10_000, 50_000


class Case(NamedTuple):
    """One way to run a campaign."""

    leads: int
    database: str = SQLITE
    workers: int = 1

    def __str__(self) -> str:
        """For a row of the table."""
        workers = "1 worker" if self.workers == 1 else f"{self.workers} workers"
        return f"{self.database}, {workers}, about {self.leads:,} leads"


def measure(scale: Scale, start_sink: StartSink, scratch: Path) -> Measured:  # noqa: ARG001 no mail is sent
    """All cases; the one with the target several times."""
    target = Case(_MIDDLE if scale.full else 300)
    runs: dict[Case, list[Searched]] = {}
    for number, case in enumerate(_cases(scale, target)):
        home = scratch / str(number)
        home.mkdir()
        runs.setdefault(case, []).append(_run(case, home))
    figures = []
    for case, repeated in runs.items():
        least = LEAST if case == target else None
        figures.append(Figure(str(case), "leads/s", [one.per_second for one in repeated], least=least))
    for part in runs[target][0].cpu_seconds:
        used = [1_000 * one.cpu_seconds[part] / one.leads for one in runs[target]]
        figures.append(Figure(f"{part}, {target}", "CPU ms/lead", used))
    largest = max((case for case in runs if case[1:] == target[1:]), key=lambda case: case.leads)
    for place, name in enumerate(("first", "second", "third", "last")):
        memory = [median(_quarter(one.megabytes, place)) for one in runs[largest]]
        figures.append(Figure(f"worker's memory, {name} quarter, {largest}", "MB", memory))
    notes = [_cores(case, repeated) for case, repeated in runs.items()]
    return Measured(figures, [*notes, "a worker's Python runs on one core: where it uses 0.9 of one, it is the limit"])


def _cases(scale: Scale, target: Case) -> Iterator[Case]:
    yield from [target] * scale.repetitions
    if not scale.full:
        return
    for leads in (_SMALL, _MIDDLE, _LARGE) if scale.large else (_SMALL, _MIDDLE):
        for database in (SQLITE, POSTGRESQL):
            for workers in (1, 2):
                if (case := Case(leads, database, workers)) != target:
                    yield case


def _run(case: Case, home: Path) -> Searched:
    population = Population(people=_PEOPLE * case.leads, repositories=case.leads)
    with ExitStack() as stack:
        github = stack.enter_context(LocalGitHub(population))
        database = None
        if case.database == POSTGRESQL:
            running = stack.enter_context(server(fsync=True))
            raw_rows.execute(running.url("postgres"), "CREATE DATABASE benchmark")
            database = running.url("benchmark"), running.pid
        return asyncio.run(search(home, github, workers=case.workers, database=database))


def _quarter(values: list[float], place: int) -> list[float]:
    size = max(1, len(values) // 4)
    return values[place * size : (place + 1) * size] or values[-1:]


def _cores(case: Case, runs: list[Searched]) -> str:
    """Who was busy, as shares of a core."""
    busy = {part: median(one.cpu_seconds[part] / one.seconds for one in runs) for part in runs[0].cpu_seconds}
    shares = ", ".join(f"{part} {share:.2f}" for part, share in busy.items())
    leads, cores = f"{runs[0].leads:,} leads, {runs[0].reachable:,} drafts", os.cpu_count()
    return f"{case}: {leads}; cores used, of {cores}: {shares}"
