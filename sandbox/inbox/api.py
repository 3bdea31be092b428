"""The JSON side: what arrived, what was counted, which faults are in force."""

from dataclasses import asdict

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.inbox.faults import RULES, Faults
from sandbox.inbox.listener import Listener
from sandbox.inbox.mailbox import Mail, Mailbox
from sandbox.inbox.reading import read
from sandbox.inbox.searching import BadQueryError, Search, whole_number

_DEFAULT_LIMIT = 50


class Api:
    """The routes under `/api`, and `/healthz`."""

    def __init__(self, mailbox: Mailbox, faults: Faults, listener: Listener) -> None:
        """Speak for these parts of the relay."""
        self._mailbox = mailbox
        self._faults = faults
        self._listener = listener

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        return [
            Route("/api/messages", self.messages, methods=["GET"]),
            Route("/api/messages", self.forget_messages, methods=["DELETE"]),
            Route("/api/messages/{id:int}", self.message, methods=["GET"]),
            Route("/api/messages/{id:int}/source", self.source, methods=["GET"]),
            Route("/api/counts", self.counts, methods=["GET"]),
            Route("/api/ledger", self.ledger, methods=["GET"]),
            Route("/api/faults", self.faults, methods=["GET"]),
            Route("/api/faults", self.replace_faults, methods=["PUT"]),
            Route("/api/faults", self.forget_faults, methods=["DELETE"]),
            Route("/healthz", self.health, methods=["GET"]),
        ]

    async def messages(self, request: Request) -> Response:
        """List mails, newest first: `{total, messages}`; 422 if offset or limit is no number."""
        query = request.query_params
        try:
            offset = whole_number(query, "offset", 0)
            limit = whole_number(query, "limit", _DEFAULT_LIMIT)
        except BadQueryError as error:
            return JSONResponse({"errors": [str(error)]}, status_code=422)
        search = Search(
            recipient=query.get("recipient", ""),
            subject=query.get("subject", ""),
            message_id=query.get("message_id", ""),
        )
        total, mails = search.page_of(self._mailbox, offset, limit)
        return JSONResponse({"total": total, "messages": [_summary(mail) for mail in mails]})

    async def forget_messages(self, _request: Request) -> Response:
        """Forget mails, ledger and counters; the faults stay."""
        self._mailbox.clear()
        return Response(status_code=204)

    async def message(self, request: Request) -> Response:
        """Return one mail with its decoded headers and parts."""
        mail = self._mailbox.get(request.path_params["id"])
        return JSONResponse({**_summary(mail), **asdict(read(mail.raw))}) if mail else _no_such_mail()

    async def source(self, request: Request) -> Response:
        """Return the octets of the mail, as they came after undoing the dot-stuffing."""
        mail = self._mailbox.get(request.path_params["id"])
        return Response(mail.raw, media_type="text/plain; charset=utf-8") if mail else _no_such_mail()

    async def counts(self, _request: Request) -> Response:
        """Return the counters since the last DELETE of the messages; `connections_open` is now."""
        counts = self._mailbox.counts
        return JSONResponse(
            {
                "accepted": counts.accepted,
                "by_message_id_duplicates": self._mailbox.duplicates(),
                "connections_open": len(self._listener.connections),
                "connections_total": counts.connections_total,
                "transactions": counts.transactions,
                "dropped": counts.dropped,
                "refused": counts.refused,
            }
        )

    async def ledger(self, _request: Request) -> Response:
        """Return `[message_id, recipient]` for all mails accepted since the last DELETE, oldest first."""
        return JSONResponse(self._mailbox.ledger)

    async def faults(self, _request: Request) -> Response:
        """Return the rules in force with their counters."""
        return JSONResponse(self._faults.report())

    async def replace_faults(self, request: Request) -> Response:
        """Put the rules of the body in force instead of the ones before; 422 with one line per mistake."""
        try:
            rules = RULES.validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"errors": [_line(dict(mistake)) for mistake in error.errors()]}, status_code=422)
        self._faults.replace(rules)
        refusal = self._faults.refusal_of_connections()
        if refusal:
            seconds, close_open = refusal
            self._listener.refuse(seconds, close_open=close_open)
        else:
            await self._listener.open()
        return JSONResponse(self._faults.report())

    async def forget_faults(self, _request: Request) -> Response:
        """Drop all rules, and listen at once if nobody did."""
        self._faults.replace([])
        await self._listener.open()
        return Response(status_code=204)

    async def health(self, _request: Request) -> Response:
        """Answer while the process is alive."""
        return JSONResponse({"status": "ok"})


def _summary(mail: Mail) -> dict[str, object]:
    return {
        "id": mail.id,
        "message_id": mail.message_id,
        "sender": mail.sender,
        "recipients": mail.recipients,
        "subject": mail.subject,
        "received_at": mail.received_at.isoformat(),
        "size": len(mail.raw),
    }


def _no_such_mail() -> Response:
    return JSONResponse({"errors": ["id: no such mail; it was deleted or made room for newer ones"]}, status_code=404)


def _line(mistake: dict[str, object]) -> str:
    """Return a mistake as `rule 2: seconds: missing; …`, counting rules from 1."""
    location = mistake["loc"]
    place = list(location) if isinstance(location, tuple) else []
    names = [f"rule {step + 1}" if isinstance(step, int) else str(step) for step in place]
    return ": ".join([*names, str(mistake["msg"]).removeprefix("Value error, ")])
