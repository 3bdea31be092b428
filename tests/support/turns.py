"""Whether a piece of work gives whoever shares its event loop a turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """How many turns somebody else has had so far."""

    had = 0


@asynccontextmanager
async def counted_turns() -> AsyncIterator[Turns]:
    """Somebody else who wants every turn there is, until the block ends."""
    turns = Turns()

    async def take() -> None:
        while True:
            turns.had += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(take())
    try:
        yield turns
    finally:
        other.cancel()
