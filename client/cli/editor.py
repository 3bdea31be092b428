"""A draft in the person's own editor: a subject line, an empty line, the text."""

import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from client.adapters import Storage, edited
from domain.errors import InputError
from domain.outgoing import fingerprint_of
from domain.review import Edited, StoredDraft

_SUBJECT = "Subject:"


class Wording(NamedTuple):
    """What a person can change about a draft."""

    subject: str
    text: str

    @classmethod
    def of(cls, draft: StoredDraft) -> "Wording":
        """The draft's own."""
        return cls(draft.subject, draft.text)

    @classmethod
    def parse(cls, content: str) -> "Wording":
        """What stands in the editor's file; raises InputError."""
        head, _, text = content.partition("\n")
        if not head.startswith(_SUBJECT) or (text.strip() and text.split("\n", 1)[0].strip()):
            raise InputError(f'the first line must be "{_SUBJECT} …", and the second one empty')
        return cls(head.removeprefix(_SUBJECT).strip(), text.removeprefix("\n"))

    def content(self) -> str:
        """The editor's file."""
        return f"{_SUBJECT} {self.subject}\n\n{self.text}"


def in_editor(content: str) -> str:
    """Have a person edit a text with VISUAL, EDITOR or vi; raises InputError when that does not work."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="outrider-") as directory:  # its owner's only, with the editor's own files
        path = Path(directory) / "draft.txt"
        path.write_text(content, encoding="utf-8")
        try:
            with _interrupts_ignored():
                status = subprocess.run([*shlex.split(editor), str(path)], check=False).returncode  # noqa: S603 the person's own editor
            if status:
                raise InputError(f"the editor ended with status {status}; nothing was changed")
            return path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise InputError(
                "the editor that VISUAL or EDITOR names cannot be used", hint="EDITOR=nano, or another one"
            ) from None


async def write_anew(
    storage: Storage, before: StoredDraft, wording: Wording, by: str, *, approved: bool
) -> StoredDraft:
    """Put another wording in the place of `before`, approved with it or waiting; returns it as it is stored.

    Raises InputError when the text cannot be sent as it is, or `before` is not what is there any more.
    """
    campaign = await storage.campaigns.get(before.campaign_id)
    lead = await storage.leads.get(before.campaign_id, before.lead_number)
    draft = edited(campaign.spec, lead, before, wording.subject, wording.text)
    mailbox = campaign.spec.sending.mailboxes[0]
    fingerprint = fingerprint_of(campaign.spec, mailbox, draft, before.recipient, before.opt_out_url)
    change = Edited(seen=before.fingerprint, draft=draft, fingerprint=fingerprint, by=by, approved=approved)
    await storage.reviews.edit(before.campaign_id, change)
    return await storage.reviews.draft(before.campaign_id, before.lead_number, before.step)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ctrl-C belongs to the editor while it has the terminal."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
