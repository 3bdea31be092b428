"""The event loop that mails are sent in: apart from the other, begun and ended with it."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from worker.own_loop import OwnLoop

Part = Callable[[], AbstractAsyncContextManager[None]]


def beating(beats: list[float]) -> Part:
    """Does something every 5 ms from its begin to its end."""

    async def beat() -> None:
        while True:
            beats.append(time.monotonic())
            await asyncio.sleep(0.005)

    @asynccontextmanager
    async def part() -> AsyncIterator[None]:
        task = asyncio.create_task(beat())
        yield
        task.cancel()

    return part


async def test_it_works_while_the_other_event_loop_computes() -> None:
    beats: list[float] = []
    async with OwnLoop("beating", beating(beats)):
        began = time.monotonic()
        while time.monotonic() < began + 0.5:
            pass
        longest = max(
            later - earlier for earlier, later in zip([began, *beats], [*beats, time.monotonic()], strict=True)
        )
    assert longest < 0.25
    assert len(beats) > 10


async def test_it_is_left_where_it_was_entered() -> None:
    threads: list[str] = []

    @asynccontextmanager
    async def part() -> AsyncIterator[None]:
        threads.append(threading.current_thread().name)
        yield
        await asyncio.sleep(0.05)
        threads.append(threading.current_thread().name)

    async with OwnLoop("apart", part):
        assert threads == ["apart"]
    assert threads == ["apart", "apart"]


async def test_what_keeps_it_from_beginning_is_raised() -> None:
    @asynccontextmanager
    async def part() -> AsyncIterator[None]:
        await asyncio.open_connection("127.0.0.1", 1)
        yield

    with pytest.raises(ConnectionRefusedError):
        async with OwnLoop("never", part):
            pytest.fail("it was entered")


async def test_a_failure_in_the_middle_ends_the_block_and_is_raised() -> None:
    @asynccontextmanager
    async def part() -> AsyncIterator[None]:
        async def fail() -> None:
            await asyncio.sleep(0.05)
            raise ConnectionError("gone")

        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            yield

    with pytest.raises(ExceptionGroup) as failed:
        async with asyncio.timeout(5), OwnLoop("failing", part):
            await asyncio.Event().wait()
    assert failed.group_contains(ConnectionError, match="gone")


async def test_whoever_gives_up_while_it_begins_leaves_nothing_behind() -> None:
    ended = threading.Event()

    @asynccontextmanager
    async def part() -> AsyncIterator[None]:
        await asyncio.sleep(0.2)
        yield
        ended.set()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), OwnLoop("late", part):
            pytest.fail("it was entered")
    assert await asyncio.to_thread(ended.wait, 5)


async def test_it_says_whether_it_turns() -> None:
    stuck = threading.Event()

    @asynccontextmanager
    async def part() -> AsyncIterator[None]:
        async def get_stuck() -> None:
            await asyncio.sleep(0.2)
            stuck.set()
            time.sleep(3)  # noqa: ASYNC251 this is the point

        async with asyncio.TaskGroup() as group:
            group.create_task(get_stuck())
            yield

    loop = OwnLoop("sticking", part)
    assert await loop.turns(), "it has not begun"
    async with loop:
        assert await loop.turns()
        await asyncio.to_thread(stuck.wait)
        assert not await loop.turns()


async def test_it_turns_while_it_ends_and_when_it_has_ended() -> None:
    said: list[bool] = []

    @asynccontextmanager
    async def part() -> AsyncIterator[None]:
        yield
        await asyncio.sleep(0.3)

    async def ask(loop: OwnLoop) -> None:
        while True:
            said.append(await loop.turns())
            await asyncio.sleep(0.001)

    loop = OwnLoop("ending", part)
    async with loop:
        asking = asyncio.create_task(ask(loop))
    await asyncio.sleep(0.05)
    assert not asking.done(), "whoever supervises the process is answered to its end"
    asking.cancel()
    assert all(said)
    assert len(said) > 10
