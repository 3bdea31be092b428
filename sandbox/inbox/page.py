"""The page for people: the list of mails, and the one that was clicked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from sandbox.inbox.faults import Faults
from sandbox.inbox.listener import Listener
from sandbox.inbox.mailbox import Mail, Mailbox
from sandbox.inbox.reading import read
from sandbox.inbox.searching import BadQueryError, Search, whole_number

_HERE = Path(__file__).parent
_PER_PAGE = 30
_HEAD = re.compile(r"<head(?:\s[^>]*)?>", re.IGNORECASE)

_PAGE_POLICY = "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'"
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""A mail runs no script and loads nothing; a link that is clicked opens beside it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list; pages count from 1, `query` is what was typed into the search field."""

    query: str
    number: int
    total: int
    mails: list[Mail]

    @property
    def last(self) -> int:
        """The number of the last page, at least 1."""
        return max(1, -(-self.total // _PER_PAGE))

    @property
    def first_row(self) -> int:
        """The position of the first mail shown, counted from 1."""
        return (self.number - 1) * _PER_PAGE + 1


class Page:
    """The routes that answer HTML."""

    def __init__(self, mailbox: Mailbox, faults: Faults, listener: Listener) -> None:
        """Show these parts of the relay."""
        self._mailbox = mailbox
        self._faults = faults
        self._listener = listener
        self._templates = Jinja2Templates(directory=_HERE / "templates")

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        return [
            Route("/", self.inbox, methods=["GET"]),
            Route("/messages/{id:int}/html", self.html_part, methods=["GET"]),
            Route("/style.css", self.style, methods=["GET"]),
        ]

    async def inbox(self, request: Request) -> Response:
        """Show the list and, with `?id=`, one mail."""
        try:
            listing = self._listing(request.query_params)
            mail_id = whole_number(request.query_params, "id", 0)
        except BadQueryError as error:
            return PlainTextResponse(str(error), status_code=422)
        mail = self._mailbox.get(mail_id)
        return self._templates.TemplateResponse(
            request,
            "inbox.html",
            {
                "listing": listing,
                "mail": mail,
                "reading": read(mail.raw) if mail else None,
                "missing": bool(mail_id) and mail is None,
                "source": mail.raw.decode("utf-8", errors="replace").replace("\r\n", "\n") if mail else "",
                "counts": self._mailbox.counts,
                "duplicates": self._mailbox.duplicates(),
                "rules": self._faults.report(),
                "smtp_port": self._listener.port,
            },
            headers={"Content-Security-Policy": _PAGE_POLICY, "X-Content-Type-Options": "nosniff"},
        )

    async def html_part(self, request: Request) -> Response:
        """Return the HTML part for the frame, forbidden to run or load anything."""
        mail = self._mailbox.get(request.path_params["id"])
        html = read(mail.raw).html if mail else None
        if html is None:
            return PlainTextResponse("This mail has no HTML part, or is gone.", status_code=404)
        return HTMLResponse(
            _links_beside(html),
            headers={
                "Content-Security-Policy": _MAIL_POLICY,
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
            },
        )

    async def style(self, _request: Request) -> Response:
        """Return the style sheet."""
        return FileResponse(_HERE / "templates" / "style.css", media_type="text/css")

    def _listing(self, query: Mapping[str, str]) -> Listing:
        wanted = query.get("q", "").strip()
        number = max(1, whole_number(query, "page", 1))
        total, mails = Search(either=wanted).page_of(self._mailbox, (number - 1) * _PER_PAGE, _PER_PAGE)
        return Listing(wanted, number, total, mails)


def _links_beside(html: str) -> str:
    """Let links open in a tab of their own: inside the frame nothing may be loaded."""
    return _HEAD.sub(r'\g<0><base target="_blank">', html, count=1)
