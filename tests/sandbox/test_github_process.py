"""The process: its one line, its options, its page, its end, and how fast it is."""

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import pytest
from local_github import ENRICH, LocalGitHub

if TYPE_CHECKING:
    from sandbox.github.population import Population


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sandbox.github", *options]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_on_a_signal(start_github: Callable[..., LocalGitHub], number: signal.Signals) -> None:
    github = start_github("--people", "5", "--repositories", "5")
    assert github.get("/healthz")["status"] == "ok"
    assert github.end(number) == (0, "", "")


def test_a_port_in_use_is_one_line_and_exit_code_3() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = run("--port", str(taken.getsockname()[1]))
    assert ended.returncode == 3
    assert ended.stderr.startswith("--port: cannot listen on 127.0.0.1:")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("options", [("--people", "0"), ("--as-of", "soon"), ("--focus-share", "1")])
def test_a_wrong_option_is_exit_code_2(options: tuple[str, str]) -> None:
    assert run(*options).returncode == 2


def test_latency_is_added_to_every_answer(start_github: Callable[..., LocalGitHub]) -> None:
    github = start_github("--people", "5", "--repositories", "5", "--latency-ms", "150")
    started = time.monotonic()
    github.post("{ viewer { login } }")
    github.http.get("/users/nobody")
    assert 0.3 <= time.monotonic() - started < 2


def test_the_page_shows_who_lives_here_and_what_was_asked(github: LocalGitHub) -> None:
    github.post("query SomeQuery { viewer { login } }")
    github.faults({"action": "primary_limit", "share": 0.5})
    page = github.http.get("/")
    assert page.status_code == 200
    for words in ("300 invented people", "400 repositories", "SomeQuery", "primary limit", "50 %"):
        assert words in page.text
    assert "script" not in page.text
    assert github.http.get("/style.css").headers["content-type"].startswith("text/css")
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_small_answer_does_not_wait_for_an_acknowledgement(github: LocalGitHub) -> None:
    started = time.monotonic()
    for _ in range(50):
        github.http.get("/users/nobody")
    assert time.monotonic() - started < 1.5, "40 ms a call: Nagle's algorithm is on"


def test_many_people_a_second(github: LocalGitHub, small: "Population") -> None:
    """A figure for a quiet machine is in benchmarks; here it must only not be slow."""
    ids = [person.id for person in small.people[:100]]
    calls = 40

    async def everything() -> float:
        async with httpx.AsyncClient(base_url=github.url, headers={"authorization": "bearer fast"}) as client:
            waiting = list(range(calls))

            async def some() -> None:
                while waiting:
                    waiting.pop()
                    answer = await client.post("/graphql", json={"query": ENRICH, "variables": {"ids": ids}})
                    assert len(answer.json()["data"]["nodes"]) == 100

            started = time.monotonic()
            await asyncio.gather(*(some() for _ in range(4)))
            return time.monotonic() - started

    seconds = asyncio.run(everything())
    print(f"{calls * 100 / seconds:,.0f} users/s for nodes(ids: 100), rich, 4 in flight")  # noqa: T201 - a figure
    assert calls * 100 / seconds > 800
