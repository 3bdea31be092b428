"""Pages for people: plain HTML that loads nothing, runs nothing and is kept nowhere."""

import base64
import hashlib
from http import HTTPStatus
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse

_PAGES = Path(__file__).parent / "pages"
_STYLE = (_PAGES / "style.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # the address of the page is the token
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}
_LAST_ANSWER = {"Connection": "close"}
"""What the server does after a mistake of ours: a client that was not told would lose its next request."""
_TRY_AGAIN = "Please try again in a minute."
_PROBLEMS = {
    HTTPStatus.NOT_FOUND: (
        "This link does not work",
        "It may have been cut off on its way. Open it again from the mail, or copy the whole of it.",
    ),
    HTTPStatus.REQUEST_TIMEOUT: ("That took too long", _TRY_AGAIN),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("That did not work", f"Something broke on our side. {_TRY_AGAIN}"),
}
_OTHER_PROBLEM = ("This cannot be answered", "Open the link from the mail and use the button on the page.")

_environment = Environment(
    loader=FileSystemLoader(_PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_environment.globals["style"] = Markup(_STYLE)  # noqa: S704 our own file, and the page's policy is its hash


def page(template: str, status: int = HTTPStatus.OK, **values: str) -> HTMLResponse:
    """A page made of a template under `web/pages/`; values are escaped."""
    return HTMLResponse(_environment.get_template(template).render(values), status_code=status, headers=_HEADERS)


def problem(_request: Request, error: Exception) -> HTMLResponse:
    """The page of an error: an HTTPException's own status, 500 for a mistake of ours (which the server logs)."""
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, _LAST_ANSWER)
    title, advice = _PROBLEMS.get(HTTPStatus(status), _OTHER_PROBLEM)
    response = page("problem.html", status, title=title, advice=advice)
    response.headers.update(headers or {})
    return response
