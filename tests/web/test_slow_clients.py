"""Whoever is slow, or holds many connections, keeps nobody from the opt-out page and writes nobody's disk full."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from web.connections import BoundedProtocol, quiet_logs

if TYPE_CHECKING:
    from tests.web.conftest import StartWeb, World

HALF_A_HEAD = b"GET /healthz HTTP/1.1\r\n"
HALF_A_BODY = b"POST /u/%b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx"


@contextmanager
def connections(port: int, count: int, sent: bytes) -> Iterator[list[socket.socket]]:
    """Connections that send a beginning and then nothing more."""
    with ExitStack() as opened:
        made = [opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5)) for _ in range(count)]
        for connection in made:
            with suppress(ConnectionError):  # it may have made room for another one already
                connection.sendall(sent)
        yield made


@pytest.mark.parametrize("beginning", ["head", "body", "nothing"])
async def test_with_400_slow_connections_and_256_descriptors_it_answers_within_two_seconds(
    world: "World", start_web: "StartWeb", beginning: str
) -> None:
    process, person, slow_person = start_web(world.home, descriptors=256), world.person(), world.person()
    port = await process.port()
    sent = {"head": HALF_A_HEAD, "body": HALF_A_BODY % slow_person.token.encode(), "nothing": b""}[beginning]

    with connections(port, 400, sent):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=2) as client:
            for _ in range(3):
                started = time.monotonic()
                lives = await client.get("/healthz", headers={"Connection": "close"})
                posted = await client.post(f"/u/{person.token}", headers={"Connection": "close"})
                assert time.monotonic() - started < 2
                assert (lives.status_code, posted.status_code) == (200, 200)

    assert await world.suppressions.check(person.email) != []
    assert await world.suppressions.check(slow_person.email) == []
    assert process.end() == 0
    assert process.log.count('"web.connections_full"') == 1, "one line, however many connections there are"
    assert len(process.log.splitlines()) < 10


async def test_a_connection_in_hand_is_not_given_up_for_a_newcomer(world: "World", start_web: "StartWeb") -> None:
    process, person = start_web(world.home, descriptors=256), world.person()
    port = await process.port()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        with world.locked():
            posted = asyncio.create_task(client.post(f"/u/{person.token}"))
            await asyncio.sleep(0.3)
            with connections(port, 300, HALF_A_HEAD):
                assert (await client.get("/healthz")).status_code == 200
            assert not posted.done()
        assert (await posted).status_code == 200


async def test_a_lack_of_descriptors_is_one_line(world: "World", start_web: "StartWeb") -> None:
    process = start_web(world.home, descriptors=24)
    port = await process.port()

    with connections(port, 200, HALF_A_HEAD):
        await asyncio.sleep(2)

    assert process.process.poll() is None
    assert process.log.count('"web.no_descriptors"') <= 1
    assert len(process.log.splitlines()) < 10


async def test_strangers_who_send_no_http_write_no_log(world: "World", start_web: "StartWeb") -> None:
    process = start_web(world.home)
    with connections(await process.port(), 50, b"\x16\x03\x01 nonsense\r\n\r\n") as strangers:
        for stranger in strangers:
            assert stranger.recv(1024).startswith(b"HTTP/1.1 400 ")
    assert process.end() == 0
    assert len(process.log.splitlines()) == 3


class Impatient(BoundedProtocol):
    head_seconds = 0.4
    request_seconds = 0.8


@pytest.fixture
async def impatient() -> AsyncIterator[int]:
    """The port of a server whose deadlines are short. `/` answers at once, `/never` does not."""

    async def answer(request: Request) -> PlainTextResponse:
        await asyncio.sleep(0 if request.url.path == "/" else 30)
        return PlainTextResponse("answer")

    listening = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=[Route("/", answer), Route("/never", answer)])
    config = uvicorn.Config(app, http=Impatient, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listening]))
    try:
        yield listening.getsockname()[1]
    finally:
        for task in list(server.server_state.tasks):
            task.cancel()
        server.should_exit = True
        await serving
        listening.close()


@pytest.mark.parametrize(
    ("beginning", "drop"),
    [
        pytest.param(b"", b"", id="nothing at all"),
        pytest.param(b"GET / HTTP/1.1\r\n", b"X-Slow: 1\r\n", id="a head that goes on and on"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", b"x", id="a body that nobody asked for"
        ),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"G", id="a second request that does not come"),
        pytest.param(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n", b"", id="an answer that does not come"),
    ],
)
async def test_every_connection_has_its_deadline(impatient: int, beginning: bytes, drop: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", impatient)
    started = time.monotonic()

    async def trickle() -> None:
        writer.write(beginning)
        while True:
            writer.write(drop)
            await asyncio.sleep(0.1)

    trickling = asyncio.create_task(trickle())
    try:
        async with asyncio.timeout(5):
            while True:
                try:
                    if not await reader.read(1024):
                        break
                except ConnectionError:
                    break
    finally:
        trickling.cancel()
        writer.transport.abort()

    assert 0.3 < time.monotonic() - started < 3


async def test_many_requests_over_one_connection_outlive_the_deadline_of_one(impatient: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", impatient)
    for _ in range(8):
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert await reader.readexactly(6) == b"answer"
        await asyncio.sleep(0.15)
    writer.transport.abort()


async def test_only_the_lack_of_descriptors_is_kept_short(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    quiet_logs()
    try:
        loop.call_exception_handler({"message": "something else"})
        for _ in range(100):
            loop.call_exception_handler({"message": "socket.accept() out of system resource"})
    finally:
        loop.set_exception_handler(before)
    assert [record.getMessage() for record in caplog.records] == ["something else"]
