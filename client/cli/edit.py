"""`edit`: write a draft anew, in the person's own editor or from a file."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from client.adapters import Storage
from client.cli.decisions import name, stored, told
from client.cli.draft_screen import show_draft
from client.cli.editor import Wording, in_editor, write_anew
from client.cli.options import AsJson, By, CampaignId, LeadNumber, StepNumber
from client.cli.screen import note, print_document, say
from client.settings import Settings, load_settings
from client.spec_file.text_file import Unreadable, read_text_file
from domain.errors import InputError
from domain.review import StoredDraft

_MAX_BYTES = 1_000_000


def edit(
    campaign_id: CampaignId,
    lead: LeadNumber,
    step: StepNumber = 1,
    subject: Annotated[str | None, typer.Option(help="The new subject; the text stays unless it is given too.")] = None,
    body_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The new text with its foot, as `drafts` prints it.")
    ] = None,
    approve: Annotated[bool, typer.Option("--approve", help="Approve the new text with it.")] = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Write a draft anew, in $EDITOR or from a file. An approval of the old text does not hold for the new one."""
    settings, person = load_settings(), name(by)
    text = _text_of(body_file) if body_file else None
    before = stored(settings, lambda storage: _draft(storage, campaign_id, lead, step))

    def write(wording: Wording) -> StoredDraft:
        return stored(settings, lambda storage: write_anew(storage, before, wording, person, approved=approve))

    if subject is None and text is None:
        now = _in_editor(before, write)
    else:
        now = write(Wording(before.subject if subject is None else subject, before.text if text is None else text))
    _say(settings, now, changed=now is not before, as_json=as_json)


def _say(settings: Settings, draft: StoredDraft, *, changed: bool, as_json: bool) -> None:
    line = told(settings, draft.campaign_id) if changed else "nothing was changed"
    if as_json:
        print_document({**draft.model_dump(mode="json"), "changed": changed, "workflow": line})
    else:
        show_draft(draft)
        say(line)


async def _draft(storage: Storage, campaign_id: str, lead: int, step: int) -> StoredDraft:
    await storage.campaigns.get(campaign_id)
    return await storage.reviews.draft(campaign_id, lead, step)


def _text_of(path: Path) -> str:
    try:
        return read_text_file(path, _MAX_BYTES).text
    except Unreadable as why:
        raise InputError(f"--body-file: {path}: {why}") from None


def _in_editor(before: StoredDraft, write: Callable[[Wording], StoredDraft]) -> StoredDraft:
    """The draft after editing, or as it was when nothing was changed; a text that is refused can be gone on with."""
    if not sys.stdin.isatty():
        raise InputError("there is no terminal to edit in", hint="give --subject TEXT or --body-file FILE")
    own = content = Wording.of(before).content()
    while True:
        content = in_editor(content)
        if content == own:
            return before
        try:
            return write(Wording.parse(content))
        except InputError as error:
            note(error.line)
            if not typer.confirm("go on with your text?", default=True, err=True):
                raise
