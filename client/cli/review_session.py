"""`review` at a terminal: one draft after another, one key for each decision, each stored at once."""

from collections import Counter
from contextlib import suppress

import typer

from client.cli.decisions import stored
from client.cli.draft_screen import show_draft
from client.cli.editor import Wording, in_editor, write_anew
from client.cli.screen import plain, say
from client.settings import Settings
from domain.errors import InputError
from domain.review import Decided, Decision, StoredDraft

_KEYS = "a approve   e edit   r reject   s skip   A approve the rest   q quit"
_QUIT = ("q", "", "\x1b")
"""Nothing is read when the terminal has gone."""


class ReviewSession:
    """Asks a person about each draft of a queue. `decided` counts what came of it, whenever it ends."""

    def __init__(self, settings: Settings, campaign_id: str, by: str) -> None:
        """`by` is the name that stands beside the decisions."""
        self._settings = settings
        self._campaign_id = campaign_id
        self._by = by
        self.decided: Counter[str] = Counter()

    def run(self, waiting: list[tuple[int, int]]) -> None:
        """Go through the drafts, (lead number, step) of each, until the end or the person's `q`."""
        for index, (number, step) in enumerate(waiting):
            if not _Question(self, (number, step), f"{index + 1} of {len(waiting)}").answered(waiting[index:]):
                return

    def shown(self, key: tuple[int, int], place: str) -> StoredDraft | None:
        """Show a draft as it is now; None when it waits no longer."""
        draft = stored(self._settings, lambda storage: storage.reviews.draft(self._campaign_id, *key))
        if not draft.waits:
            say(f"lead {draft.lead_number}: decided meanwhile")
            return None
        say()
        show_draft(draft, place)
        return draft

    def decide(self, draft: StoredDraft, decision: Decision, reason: str = "") -> None:
        """Store a decision about the text that was shown; raises InputError when there is another one now."""
        decided = Decided(
            lead_number=draft.lead_number,
            step=draft.step,
            seen=draft.fingerprint,
            decision=decision,
            by=self._by,
            reason=reason,
        )
        stored(self._settings, lambda storage: storage.reviews.decide(self._campaign_id, decided))
        self.decided[decision] += 1
        say(f"lead {draft.lead_number}: {decision}")

    def write_anew(self, draft: StoredDraft, wording: Wording) -> StoredDraft:
        """Store another wording, which then waits for a decision; raises InputError."""
        new = stored(self._settings, lambda storage: write_anew(storage, draft, wording, self._by, approved=False))
        self.decided["edited"] += 1
        return new

    def approve_all(self, draft: StoredDraft, unseen: list[tuple[int, int]]) -> bool:
        """Approve the draft on the screen and then all that follow, after asking once; False when the person says no.

        Raises InputError, with nothing approved, when the draft has another text than the one that was shown.
        """
        drafts = f"these {len(unseen) + 1:,} drafts, {len(unseen):,} of them unseen" if unseen else "this draft"
        if not typer.confirm(f"approve {drafts}?"):
            return False
        self.decide(draft, Decision.APPROVED)
        spans = [(number, number) for number, _ in unseen]
        count = stored(self._settings, lambda storage: storage.reviews.approve(self._campaign_id, spans, self._by))
        self.decided[Decision.APPROVED] += count
        return True


class _Question:
    """One draft on the screen until the person has decided about it."""

    def __init__(self, session: ReviewSession, key: tuple[int, int], place: str) -> None:
        self._session = session
        self._place = place
        self._key = key
        self._draft = session.shown(key, place)
        self._refused = ""
        """What the person wrote and could not be taken: the next `e` goes on with it."""

    def answered(self, rest: list[tuple[int, int]]) -> bool:
        """Whether the person goes on to the next draft; `rest` begins with this one."""
        while self._draft is not None:
            say(_KEYS)
            key = _pressed()
            if key in _QUIT:
                return False
            if key == "s":
                self._session.decided["skipped"] += 1
                return True
            try:
                if key == "A" and self._session.approve_all(self._draft, rest[1:]):
                    return False
                self._do(self._draft, key)
            except InputError as error:  # somebody else was quicker
                say(plain(error.line))
                self._draft = self._session.shown(self._key, self._place)
        return True

    def _do(self, draft: StoredDraft, key: str) -> None:
        if key == "e":
            self._edit(draft)
        elif key == "a":
            self._session.decide(draft, Decision.APPROVED)
            self._draft = None
        elif key == "r":
            reason = plain(typer.prompt("reason", default="", show_default=False))
            if not reason:
                say("not rejected: a reason is needed")
                return
            self._session.decide(draft, Decision.REJECTED, reason)
            self._draft = None

    def _edit(self, draft: StoredDraft) -> None:
        own = Wording.of(draft).content()
        try:
            content = in_editor(self._refused or own)
            if content == own:
                say("nothing was changed")
                return
            self._refused = content
            self._draft = self._session.write_anew(draft, Wording.parse(content))
        except InputError as error:
            say(plain(error.line))
            say("press e to go on with your text")
            return
        self._refused = ""
        say()
        show_draft(self._draft, self._place)


def _pressed() -> str:
    """The next key; "" when the terminal has gone."""
    with suppress(EOFError, OSError):
        return typer.getchar()
    return ""
