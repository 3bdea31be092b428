"""The page for people: who lives here, what was asked, what it cost."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from sandbox.github.faults import Faults
from sandbox.github.journal import Journal
from sandbox.github.population import Population

_HERE = Path(__file__).parent
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'"
_MOST_STARS = 12


class Page:
    """The routes that answer HTML."""

    def __init__(self, population: Population, faults: Faults, journal: Journal) -> None:
        """Show these parts."""
        self._population = population
        self._faults = faults
        self._journal = journal
        self._largest = sorted(population.repositories, key=lambda repository: -repository.stars)[:_MOST_STARS]
        self._templates = Jinja2Templates(directory=_HERE / "templates")

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        return [
            Route("/", self.overview, methods=["GET"]),
            Route("/style.css", self.style, methods=["GET"]),
        ]

    async def overview(self, request: Request) -> Response:
        """Show everything on one page."""
        return self._templates.TemplateResponse(
            request,
            "github.html",
            {
                "population": self._population,
                "largest": self._largest,
                "journal": self._journal,
                "operations": self._journal.by_operation(),
                "rules": self._faults.report(),
            },
            headers={"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"},
        )

    async def style(self, _request: Request) -> Response:
        """Return the style sheet."""
        return FileResponse(_HERE / "templates" / "style.css", media_type="text/css")
