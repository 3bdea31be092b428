"""A part counts when it is ours that answers; it is kept up whatever the disk does, and its log stays small."""

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from client.local_stack import LocalStack, children, listening
from client.local_stack.children import Child, PortTaken
from client.local_stack.parts import Part
from client.settings import Settings
from domain.errors import Unreachable

LISTENS = "import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)"


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening_here:
        yield listening_here.getsockname()[1]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "_FIRST_PAUSE", 0.05)


def part(program: str, *ports: int) -> Part:
    async def answers(_pid: int) -> bool:
        return True

    return Part("part", [sys.executable, "-c", program], answers, ports)


def child(of: Part, logs: Path, said: list[str], on_change: Callable[[], None] = lambda: None) -> Child:
    return Child(of, logs, said.append, on_change)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 another process sets no event of ours
            await asyncio.sleep(0.02)


async def test_it_is_ready_when_it_listens_itself(tmp_path: Path, said: list[str], taken: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ours = child(part(LISTENS.format(port=port), port), tmp_path, said)
    try:
        await ours.start()
        assert ours.pid is not None
        assert listening.listens(ours.pid, port)
        assert not listening.listens(ours.pid, taken)
    finally:
        await ours.stop()


async def test_the_answer_of_somebody_else_does_not_count(tmp_path: Path, said: list[str], taken: int) -> None:
    slow = "import time; time.sleep(0.5); "  # the port answers all the while
    with pytest.raises(PortTaken, match="part ended with exit code 1 at its start"):
        await child(part(slow + LISTENS.format(port=taken), taken), tmp_path, said).start()


async def test_one_that_ends_at_its_start_is_not_ready(tmp_path: Path, said: list[str]) -> None:
    ended = child(part("import time; time.sleep(0.2); raise SystemExit(4)", 1), tmp_path, said)
    with pytest.raises(Unreachable, match="part ended with exit code 4 at its start") as refused:
        await ended.start()
    assert not isinstance(refused.value, PortTaken)


@pytest.mark.parametrize("listens", [listening.listens, listening.asks_lsof])
def test_whose_port_it_is(listens: Callable[[int, int], bool], taken: int) -> None:
    assert listens(os.getpgid(0), taken)
    assert not listens(os.getpgid(0), 1)
    assert not listens(1, taken)


async def test_a_part_that_cannot_be_started_for_a_while_is_tried_again(tmp_path: Path, said: list[str]) -> None:
    logs, aside = tmp_path / "logs", tmp_path / "aside"
    logs.mkdir()
    kept = child(part("import time; time.sleep(0.3)"), logs, said)
    await kept.start()
    logs.rename(aside)
    keeper = asyncio.create_task(kept.keep())
    await until(lambda: any("could not be started: No such file or directory" in line for line in said))
    aside.rename(logs)
    await until(lambda: any(line.endswith(" started") for line in said))
    assert not keeper.done()
    keeper.cancel()
    with suppress(asyncio.CancelledError):
        await keeper
    await kept.stop()


async def test_what_nobody_can_keep_up_is_an_error_of_the_stack(tmp_path: Path, said: list[str]) -> None:
    changes = []

    def second_time() -> None:
        changes.append(1)
        if len(changes) == 2:
            raise ValueError("broken")

    stack = LocalStack(Settings(home=tmp_path, _env_file=None), said.append)
    kept = [child(part("import time; time.sleep(0.2)"), tmp_path, said, second_time)]
    kept.append(child(part("import time; time.sleep(60)"), tmp_path, said))
    stack._children += kept
    for each in kept:
        await each.start()
    async with asyncio.timeout(10):
        with pytest.raises(ValueError, match="broken"):
            await stack.keep()
    await stack.stop()
    assert [each.pid for each in kept] == [None, None]


async def test_a_log_stays_small(tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "_LOG_BYTES", 10_000)
    monkeypatch.setattr(children, "_LOG_LOOK_SECONDS", 0.05)
    talker = child(part("import time\nwhile True: print('x' * 999, flush=True); time.sleep(0.001)"), tmp_path, said)
    await talker.start()
    keeper = asyncio.create_task(talker.keep())
    before, sizes = tmp_path / "part.log.1", []
    await until(before.exists)
    for _ in range(40):
        sizes.append(talker.log.stat().st_size)
        await asyncio.sleep(0.02)
    keeper.cancel()
    with suppress(asyncio.CancelledError):
        await keeper
    await talker.stop()
    assert max(sizes) < 400_000
    assert sorted(sizes) != sizes, "it was never emptied"
    assert set(before.read_text().splitlines()) == {"x" * 999}
