"""A part of a process in a thread with an event loop of its own: what others compute never keeps it waiting."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from threading import Thread
from typing import Any, Self

_TURN_SECONDS = 2.0


class OwnLoop:
    """An async context manager that is entered, and left, in another thread.

    When the thread ends while the block runs, the task that entered is cancelled, and the reason raised as it leaves.
    """

    def __init__(self, name: str, part: Callable[[], AbstractAsyncContextManager[object]]) -> None:
        """`part` is called in the thread; what it opens belongs to that event loop."""
        self._part = part
        self._begun: Future[asyncio.AbstractEventLoop] = Future()
        self._leave: Future[None] = Future()
        self._ended: Future[None] = Future()
        for future in (self._begun, self._leave, self._ended):
            future.set_running_or_notify_cancel()  # whoever waits for one and is cancelled does not cancel it
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._over: asyncio.Future[Any]
        self._entered: asyncio.Task[Any] | None

    async def __aenter__(self) -> Self:
        """Wait until the part is entered; raises what kept it from that."""
        self._thread.start()
        self._over = asyncio.wrap_future(self._ended)
        begun: asyncio.Future[Any] = asyncio.wrap_future(self._begun)
        try:
            await asyncio.wait([begun, self._over], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._leave.set_result(None)
            raise
        if not begun.done():
            await self._over
        self._entered = asyncio.current_task()
        self._over.add_done_callback(self._cancel)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave the part, in its thread; raises what it failed with."""
        self._over.remove_done_callback(self._cancel)
        self._leave.set_result(None)
        await self._over

    async def turns(self) -> bool:
        """Whether the event loop of the thread answers; True before it has begun and once it has ended."""
        if not self._begun.done() or self._over.done():
            return True
        turned: Future[None] = Future()
        try:
            self._begun.result().call_soon_threadsafe(turned.set_result, None)
        except RuntimeError:  # it was closed a moment ago
            return True
        answer = asyncio.wrap_future(turned)
        await asyncio.wait([answer, self._over], timeout=_TURN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        return answer.done() or self._over.done()

    def _cancel(self, _: object) -> None:
        if self._entered is not None:
            self._entered.cancel()

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except BaseException as error:  # noqa: BLE001 whoever leaves gets it
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)

    async def _work(self) -> None:
        async with self._part():
            self._begun.set_result(asyncio.get_running_loop())
            await asyncio.wrap_future(self._leave)
