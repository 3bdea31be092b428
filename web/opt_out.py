"""The opt-out address of every mail: a page on GET, the opt-out itself on POST (RFC 8058)."""

import asyncio
import re

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from client.adapters import Storage
from telemetry.logging import get_logger
from web.pages import page

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_LARGEST_BODY = 16 * 1024
_BODY_SECONDS = 15

_log = get_logger(__name__)


class OptOut:
    """Answers `/u/{token}`. The token alone says who and proves it: no login, no cookie, no question."""

    def __init__(self, storage: Storage) -> None:
        """`storage` holds the suppression list."""
        self._suppressions = storage.suppressions

    async def answer(self, request: Request) -> Response:
        """Answer GET, HEAD and POST; a token that no mail carried is not found, whatever it looks like."""
        token = request.path_params["token"]
        writer = await self._suppressions.writer(token) if _TOKEN.fullmatch(token) else None
        if writer is None:
            raise HTTPException(404)
        if request.method != "POST":
            return page("ask.html", writer=writer)  # link scanners fetch every address: this must change nothing
        await _read_to_end(request)
        await self._suppressions.opt_out(token)
        _log.debug("opt_out.stored")
        return page("done.html", writer=writer)


async def _read_to_end(request: Request) -> None:
    """Receive the body. What it says does not matter: whoever posts here wants no more mail."""
    received = 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.stream():
                received += len(chunk)
                if received > _LARGEST_BODY:
                    raise HTTPException(413)
    except TimeoutError:
        raise HTTPException(408) from None
    except ClientDisconnect:
        raise HTTPException(400) from None
