"""What supervises a worker can ask it: whether it lives, and whether it can do its work."""

import httpx
import pytest
from local_world import World, free_port, until


async def answer(port: int, path: str) -> httpx.Response | None:
    """None = nobody answers."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        try:
            return await http.get(f"http://127.0.0.1:{port}{path}")
        except httpx.TransportError:
            return None


async def missing(port: int) -> list[str] | None:
    """What a worker that is not ready lacks; [] = it is ready."""
    told = await answer(port, "/readyz")
    if told is None:
        return None
    found: list[str] = told.json()["missing"]
    assert told.status_code == (503 if found else 200)
    return found


async def test_a_worker_is_ready_while_it_can_work(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("OUTRIDER_HEALTH_PORT", str(port))
    worker = world.start_worker()

    async def ready() -> bool:
        return await missing(port) == []

    await until(ready)
    lives = await answer(port, "/healthz")
    assert lives is not None
    assert lives.json() == {"status": "alive", "worker": lives.json()["worker"]}
    assert lives.json()["worker"].startswith(f"{worker.pid}@")

    second = world.start_worker()

    async def said() -> bool:
        return "worker.no_health_port" in world.log and world.log.count("worker.started") == 2

    await until(said)
    second.terminate()
    assert second.wait(30) == 0, "a port that is taken is no error"

    database = world.home / "outrider.db"
    database.rename(database.with_suffix(".away"))
    assert await missing(port) == ["the database"]
    database.with_suffix(".away").rename(database)
    assert await missing(port) == []
    assert world.temporal is not None
    world.temporal.kill()
    world.temporal.wait(10)
    assert await missing(port) == ["Temporal"]
    assert (await answer(port, "/healthz")) is not None
    world.start_temporal()
    await until(ready)
    worker.terminate()
    assert worker.wait(30) == 0
    assert await answer(port, "/healthz") is None


async def test_port_0_is_nowhere(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTRIDER_HEALTH_PORT", "0")
    worker = world.start_worker()

    async def started() -> bool:
        return "worker.started" in world.log

    await until(started)
    assert await answer(8090, "/healthz") is None or str(worker.pid) not in (await answer(8090, "/healthz")).text  # type: ignore[union-attr]
    assert "no_health_port" not in world.log
