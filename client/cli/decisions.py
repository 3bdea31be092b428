"""What all decisions about drafts have in common: they are stored first, then the workflow is told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from client.adapters import Storage, open_storage
from client.one_line import LONGEST_NAME, one_line
from client.person import who
from client.settings import Settings
from domain.errors import InputError, OutriderError

_T = TypeVar("_T")


def stored(settings: Settings, work: Callable[[Storage], Awaitable[_T]]) -> _T:
    """Open the rows for one piece of work: keys and editors are waited for outside, where Ctrl-C reaches them."""

    async def run() -> _T:
        async with open_storage(settings) as storage:
            return await work(storage)

    return asyncio.run(run())


def name(by: str) -> str:
    """Who decides: the name that was given, else the person at the keyboard."""
    return one_line(by, LONGEST_NAME) or who()


def told(settings: Settings, campaign_id: str) -> str:
    """Have the workflow look at the decisions, and say what comes of it; they are stored either way."""
    return asyncio.run(_told(settings, campaign_id))


async def _told(settings: Settings, campaign_id: str) -> str:
    from temporalio.service import RPCError  # noqa: PLC0415 half a second that `drafts` need not wait

    from client.campaigns import CampaignClient  # noqa: PLC0415 as above

    try:
        async with CampaignClient.open(settings) as client:
            return await client.recheck(campaign_id)
    except InputError as ended:
        return ended.line
    except OutriderError as error:
        why = error.line
    except RPCError as error:
        why = f"Temporal refuses or does not answer: {error.status.name.lower().replace('_', ' ')}"
    return f"{why}; what was decided is stored, and the campaign looks at it later by itself (outrider doctor)"
