"""The web application: which path is answered by what."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from client.adapters import Storage
from client.settings import Settings
from web.health import Health
from web.opt_out import OptOut
from web.pages import problem


def build_app(settings: Settings, storage: Storage) -> Starlette:
    """An ASGI application on open rows. It sets no cookie, answers no redirect and keeps nothing in memory."""
    health = Health(settings)
    app = Starlette(
        routes=[
            Route("/u/{token}", OptOut(storage).answer, methods=["GET", "POST"]),
            Route("/healthz", health.lives, methods=["GET"]),
            Route("/readyz", health.ready, methods=["GET"]),
        ],
        exception_handlers={HTTPException: problem, Exception: problem},
    )
    app.router.redirect_slashes = False  # RFC 8058: an opt-out address does not redirect
    return app
