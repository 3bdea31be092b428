"""The web process starts with everything it needs or says what is missing, ends cleanly, and logs nothing of people."""

import asyncio
import json
import re
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from storage.keys import Keys

if TYPE_CHECKING:
    from tests.web.conftest import StartWeb, WebProcess, World


async def test_health_and_readiness(http: httpx.AsyncClient) -> None:
    for path, status in (("/healthz", "alive"), ("/readyz", "ready")):
        answer = await http.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": status})
        assert (await http.head(path)).status_code == 200
        assert answer.headers["cache-control"] == "no-store"


async def test_not_ready_while_the_database_is_at_another_revision(
    world: "World", running: "WebProcess", http: httpx.AsyncClient
) -> None:
    world.execute("UPDATE alembic_version SET version_num = '0' || version_num")
    try:
        ready, lives = await http.get("/readyz"), await http.get("/healthz")
    finally:
        world.execute("UPDATE alembic_version SET version_num = substr(version_num, 2)")
    assert (ready.status_code, ready.json()) == (503, {"status": "not ready"})
    assert lives.status_code == 200
    assert re.search(r"is at revision 0\d{4}, which this program does not know", running.log)
    assert (await http.get("/readyz")).status_code == 200


async def test_it_is_ready_while_somebody_else_writes(world: "World", http: httpx.AsyncClient) -> None:
    with world.locked():
        assert (await http.get("/readyz", timeout=5)).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_with_code_0_after_the_request_in_hand(
    world: "World", start_web: "StartWeb", number: signal.Signals
) -> None:
    process = start_web(world.home)
    person = world.person()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{await process.port()}", timeout=20) as client:
        with world.locked():
            posted = asyncio.create_task(client.post(f"/u/{person.token}"))
            await asyncio.sleep(0.5)
            process.process.send_signal(number)
            await asyncio.sleep(0.5)
            assert process.process.poll() is None
            assert not posted.done()
        assert (await posted).status_code == 200
    assert process.end(number) == 0
    assert [json.loads(line)["event"] for line in process.log.splitlines()] == [
        "web.started",
        "web.stopping",
        "opt_out.stored",
        "web.stopped",
    ]
    assert await world.suppressions.check(person.email) != []


def test_without_a_database_it_says_how_to_make_one(tmp_path: Path, start_web: "StartWeb") -> None:
    process = start_web(tmp_path / "empty")
    assert process.process.wait(timeout=20) == 3
    database = tmp_path / "empty" / "outrider.db"
    assert process.log == f"error: no database at {database}\nhint: outrider up (or: outrider migrate)\n"
    assert not database.exists()


def test_a_taken_port_is_named(world: "World", start_web: "StartWeb") -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start_web(world.home, "--port", str(port))
        assert process.process.wait(timeout=20) == 3
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in process.log
    assert "hint: give another port; --port 0 takes any free one" in process.log


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_an_impossible_port_is_refused(tmp_path: Path, start_web: "StartWeb", port: str) -> None:
    process = start_web(tmp_path, f"--port={port}")
    assert process.process.wait(timeout=20) == 2
    assert process.log.count("error: ") == 1
    assert "--port" in process.log.splitlines()[-1]


async def test_no_log_line_carries_a_token_an_address_or_where_somebody_came_from(
    world: "World", start_web: "StartWeb"
) -> None:
    process = start_web(world.home)
    person = world.person()
    unknown = Keys("the key of another database").opt_out_token("release-notes-1", 1)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{await process.port()}", timeout=20) as client:
        headers = {"X-Forwarded-For": "192.0.2.7", "User-Agent": "a curious reader"}
        for method in ("GET", "POST", "PUT"):
            for token in (person.token, unknown, "short"):
                await client.request(method, f"/u/{token}", headers=headers)
        await client.post(f"/u/{person.token}", headers=headers, content=b"x" * 20_000)
        world.execute("ALTER TABLE suppressions RENAME TO elsewhere")
        try:
            broken = await client.post(f"/u/{person.token}", headers=headers)
        finally:
            world.execute("ALTER TABLE elsewhere RENAME TO suppressions")
    assert broken.status_code == 500
    assert process.end() == 0
    assert "no such table: suppressions" in process.log, "a mistake of ours is logged with its cause"
    listening, rest = process.log.split("\n", 1)
    assert json.loads(listening)["event"] == "web.started"
    for secret in (person.token, unknown, "example.com", world.keys.address_identity(person.email)):
        assert secret not in process.log
    for origin in ("127.0.0.1", "192.0.2.7", "curious"):
        assert origin not in rest
