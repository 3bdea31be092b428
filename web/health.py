"""Whether the process lives, and whether it can do its work."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from client.adapters import open_storage
from client.settings import Settings
from domain.errors import OutriderError
from telemetry.logging import get_logger

_NO_STORE = {"Cache-Control": "no-store"}

_log = get_logger(__name__)


class Health:
    """The answers for whatever supervises the process."""

    def __init__(self, settings: Settings) -> None:
        """`settings` say where the database is."""
        self._settings = settings

    async def lives(self, _request: Request) -> JSONResponse:
        """200 as long as the process answers at all."""
        return JSONResponse({"status": "alive"}, headers=_NO_STORE)

    async def ready(self, _request: Request) -> JSONResponse:
        """200 when the database answers and has the right revision and key, else 503; the log says why.

        Opens the database anew: rows that were opened before would go on answering from a file that was deleted.
        """
        try:
            async with open_storage(self._settings):
                return JSONResponse({"status": "ready"}, headers=_NO_STORE)
        except OutriderError as error:
            _log.warning("web.not_ready", reason=error.line)
            return JSONResponse({"status": "not ready"}, status_code=503, headers=_NO_STORE)
