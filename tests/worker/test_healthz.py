"""What supervises a worker hears when mails stand still, though the rest of the process works."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from local_world import free_port
from temporalio.client import Client

from client.settings import load_settings
from worker.health import Health, answering
from worker.own_loop import OwnLoop


async def test_a_worker_whose_sending_is_stuck_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    port, stick, stuck = free_port(), threading.Event(), threading.Event()
    monkeypatch.setenv("OUTRIDER_HEALTH_PORT", str(port))

    @asynccontextmanager
    async def part() -> AsyncIterator[None]:
        async def get_stuck() -> None:
            await asyncio.to_thread(stick.wait)
            stuck.set()
            time.sleep(4)  # noqa: ASYNC251 this is the point

        async with asyncio.TaskGroup() as group:
            group.create_task(get_stuck())
            yield

    settings = load_settings()
    client = await Client.connect("127.0.0.1:1", lazy=True)
    sending = OwnLoop("sending", part)
    health = Health(settings, client, asyncio.Event(), sending.turns)
    async with answering(health, settings), sending, httpx.AsyncClient(trust_env=False, timeout=10) as http:
        assert (await http.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
        stick.set()
        await asyncio.to_thread(stuck.wait)
        told = await http.get(f"http://127.0.0.1:{port}/healthz")
    assert told.status_code == 503
    assert told.json()["status"] == "the event loop that sends mails is stuck"
