"""What people write instead of a durable campaign: the same calls in one asyncio process, and ways of remembering."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

from harness.searched import searching
from harness.slow_tools import SlowRelay, SlowSource
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph

from domain.lead import Lead, LeadRepository
from domain.message import OutgoingMail
from domain.sourcing import SourcePage
from providers.writing.author import AuthoredText
from providers.writing.facts import facts_of
from providers.writing.finishing import finished
from providers.writing.templates import TemplateAuthor

SAVE_EVERY = 10
"""Mails between two versions of a checkpoint file."""

_SENDER = "news@example.com"

Window = Callable[[SourcePage], Coroutine[Any, Any, None]]


class Script:
    """No Temporal, no database: what is sent is known to this process only."""

    def __init__(self, leads: int) -> None:
        """So many people are found."""
        self.source, self.relay = SlowSource(leads), SlowRelay()
        self._author = TemplateAuthor()
        self._spec = searching(permitted=True)

    async def run(self) -> None:
        """From the search to the last mail, window by window: nobody waits for a window that another one is in."""
        await self._stream(self._window)

    async def _stream(self, window: Window) -> None:
        async with asyncio.TaskGroup() as group:

            async def search(slice_: str) -> None:
                cursor: str | None = ""
                while cursor is not None:
                    page = await self.source.page(slice_, cursor)
                    group.create_task(window(page))
                    cursor = page.next_cursor

            for slice_ in self.source.slices(self._spec, datetime.now(UTC)):
                group.create_task(search(slice_))

    async def _window(self, page: SourcePage) -> None:
        await self._send_all(await self._drafted(await self._enriched(page)))

    async def _enriched(self, page: SourcePage) -> list[Lead]:
        """The people of a page, with what they publish."""
        repositories = {one.identity: one for one in page.repositories}
        work = {one.identity: one for one in page.contributions}
        found = (await self.source.profiles(self._spec, list(work))).profiles
        return [
            Lead(
                number=number,
                email=profile.email,
                name=profile.name,
                login=profile.login,
                opt_out_token=f"{number:022}",
                repository=LeadRepository(
                    full_name=repositories[work[profile.identity].repository].full_name,
                    url="https://example.com",
                    commits=work[profile.identity].commits,
                ),
            )
            for number, profile in enumerate(found, start=1)
        ]

    async def _drafted(self, leads: Sequence[Lead]) -> list[OutgoingMail]:
        urls = [f"http://127.0.0.1:8026/u/{lead.opt_out_token}" for lead in leads]
        facts = [facts_of(self._spec, lead, url) for lead, url in zip(leads, urls, strict=True)]
        written = await self._author.draft(self._spec, facts)
        drafts = [
            finished(self._spec, person, text)
            for person, text in zip(facts, written, strict=True)
            if isinstance(text, AuthoredText)
        ]
        return [
            OutgoingMail(
                message_id=f"<{lead.email}>",
                date=datetime.now(UTC),
                sender_name="Dana Rivers",
                sender_address=_SENDER,
                reply_to="dana@example.com",
                recipient=lead.email,
                subject=draft.subject,
                text=draft.text,
                html=draft.html,
                opt_out_url=url,
            )
            for lead, draft, url in zip(leads, drafts, urls, strict=True)
        ]

    async def _send_all(self, mails: Sequence[OutgoingMail]) -> None:
        await asyncio.gather(*map(self._send, mails))

    async def _send(self, mail: OutgoingMail) -> None:
        content = self.relay.encode(mail)
        async with self.relay.connection() as connection:
            await connection.transmit(_SENDER, mail.recipient, content)


class FileScript(Script):
    """Rewrites one JSON file with everything it knows after every tenth mail."""

    def __init__(self, leads: int, path: Path) -> None:
        """`path` is the checkpoint file."""
        super().__init__(leads)
        self._path = path
        self._known: dict[str, dict[str, Any]] = {}
        self._sent = 0

    async def _drafted(self, leads: Sequence[Lead]) -> list[OutgoingMail]:
        mails = await super()._drafted(leads)
        for lead, mail in zip(leads, mails, strict=True):
            self._known[mail.recipient] = {
                **lead.model_dump(mode="json"),
                "subject": mail.subject,
                "text": mail.text,
                "html": mail.html,
                "state": "drafted",
            }
        return mails

    async def _send(self, mail: OutgoingMail) -> None:
        await super()._send(mail)
        self._known[mail.recipient]["state"] = "sent"
        self._sent += 1
        if self._sent % SAVE_EVERY == 0:
            draft = self._path.with_suffix(".new")
            draft.write_text(json.dumps(self._known), encoding="utf-8")
            draft.replace(self._path)


class _Mails(TypedDict, total=False):
    """A graph's state; everything in it is text, so that any saver can keep it."""

    page: str
    leads: list[str]
    mails: list[str]
    sent: int


class GraphScript(Script):
    """A LangGraph graph per window, or per lead, with its SQLite saver in its default durability."""

    def __init__(self, leads: int, saver: AsyncSqliteSaver, *, per_lead: bool) -> None:
        """Per lead, the graph begins behind the profiles, which are asked for a hundred at a time."""
        super().__init__(leads)
        graph = StateGraph(_Mails)
        graph.add_node("enrich", self._enrich)
        graph.add_node("draft", self._draft)
        graph.add_node("send", self._send_drafted)
        graph.add_edge(START, "draft" if per_lead else "enrich")
        graph.add_edge("enrich", "draft")
        graph.add_edge("draft", "send")
        graph.add_edge("send", END)
        self._graph = graph.compile(checkpointer=saver)
        self._per_lead = per_lead
        self._threads = 0

    @classmethod
    @asynccontextmanager
    async def saving(cls, leads: int, path: Path, *, per_lead: bool) -> AsyncIterator["GraphScript"]:
        """One that keeps its checkpoints in this file."""
        async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
            await saver.setup()
            yield cls(leads, saver, per_lead=per_lead)

    async def _window(self, page: SourcePage) -> None:
        if self._per_lead:
            leads = await self._enriched(page)
            await asyncio.gather(*(self._invoke(_Mails(leads=[lead.model_dump_json()])) for lead in leads))
        else:
            await self._invoke(_Mails(page=page.model_dump_json()))

    async def _invoke(self, state: _Mails) -> None:
        self._threads += 1
        await self._graph.ainvoke(state, {"configurable": {"thread_id": str(self._threads)}})

    async def _enrich(self, state: _Mails) -> _Mails:
        leads = await self._enriched(SourcePage.model_validate_json(state["page"]))
        return _Mails(leads=[lead.model_dump_json() for lead in leads])

    async def _draft(self, state: _Mails) -> _Mails:
        mails = await self._drafted([Lead.model_validate_json(lead) for lead in state["leads"]])
        return _Mails(mails=[mail.model_dump_json() for mail in mails])

    async def _send_drafted(self, state: _Mails) -> _Mails:
        mails = [OutgoingMail.model_validate_json(mail) for mail in state["mails"]]
        await self._send_all(mails)
        return _Mails(sent=len(mails))
