"""`drafts`, `review`, `approve`, `reject` and `edit`: what a person reads and decides before anything leaves."""

import sys
from typing import Annotated, Any

import typer

from client.adapters import Storage
from client.cli.decisions import name, stored, told
from client.cli.draft_screen import show_draft, show_queue, standing
from client.cli.edit import edit
from client.cli.options import HIGHEST, AsJson, By, CampaignId, LeadNumber, StepNumber
from client.cli.review_session import ReviewSession
from client.cli.screen import plain, print_document, say, words
from client.one_line import LONGEST_REASON, one_line
from client.settings import load_settings
from domain.campaign import Stage
from domain.errors import InputError, NotFound
from domain.lead_numbers import parse_lead_numbers
from domain.review import Decided, Decision, ReviewQueue, StoredDraft

_LISTED = 20

_Spans = list[tuple[int, int]]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (drafts, review, approve, reject, edit):
        app.command()(command)


def drafts(
    campaign_id: CampaignId,
    lead: int | None = typer.Option(None, min=1, max=HIGHEST, help="Only this person's, by number."),
    limit: int = typer.Option(10, min=1, max=HIGHEST, help="How many at most."),
    as_json: AsJson = False,
) -> None:
    """Print drafts as they will be read, with what was decided."""
    found, more = stored(load_settings(), lambda storage: _drafts(storage, campaign_id, lead, limit))
    if as_json:
        print_document(found)
        return
    if not found:
        say("no drafts yet" if lead is None else f"no draft for lead {lead}")
    for draft in found:
        show_draft(draft)
    if more:
        say(f"and {more:,} more: --limit N, or outrider export {campaign_id} --what drafts")


def review(campaign_id: CampaignId) -> None:
    """Decide about the drafts that wait, one after another.

    Without a terminal this prints what waits and the commands that decide.
    """
    settings = load_settings()
    queue, listed = stored(settings, lambda storage: _queue(storage, campaign_id))
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        show_queue(campaign_id, queue, listed)
        return
    say(standing(queue))
    session = ReviewSession(settings, campaign_id, name(""))
    try:
        session.run(queue.waiting)
    finally:
        if session.decided:
            say(" · ".join(f"{count:,} {what}" for what, count in session.decided.items()))
        if session.decided.keys() - {"skipped"}:
            say(told(settings, campaign_id))


def approve(
    campaign_id: CampaignId,
    lead: Annotated[str, typer.Option(metavar="1,4,10-20", help="Whose drafts, by number.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="All drafts that wait now.")] = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Approve drafts: they leave when the campaign sends."""
    if everything == bool(lead):
        raise InputError(
            "give --lead or --all, not both" if everything else "which drafts? give --lead 1,4,10-20 or --all",
            hint=f"outrider review {campaign_id} shows them one after another",
        )
    settings, person = load_settings(), name(by)
    spans = _spans(lead) if lead else None
    document = stored(settings, lambda storage: _approve(storage, campaign_id, spans, person))
    document["workflow"] = told(settings, campaign_id)
    if as_json:
        print_document(document)
    else:
        _say_approved(document)


def reject(
    campaign_id: CampaignId,
    lead: LeadNumber,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept and shown.")] = "",
    step: StepNumber = 1,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Reject a draft for good: it is not sent."""
    if not plain(reason):
        raise InputError(
            "--reason is missing", hint=f'outrider reject {campaign_id} --lead {lead} --reason "wrong person"'
        )
    settings, person = load_settings(), name(by)
    why = one_line(reason, LONGEST_REASON)
    draft = stored(settings, lambda storage: _reject(storage, (campaign_id, lead, step), why, person))
    line = told(settings, campaign_id)
    if as_json:
        fields = {"campaign_id", "lead_number", "step", "decision", "decided_at", "decided_by", "decision_reason"}
        print_document({**draft.model_dump(mode="json", include=fields), "workflow": line})
    else:
        say(f"lead {lead}: rejected by {plain(person)}")
        say(line)


async def _drafts(storage: Storage, campaign_id: str, lead: int | None, limit: int) -> tuple[list[StoredDraft], int]:
    """The drafts asked for, and how many more there are."""
    await storage.campaigns.get(campaign_id)
    found = await storage.reviews.drafts(campaign_id, number=lead, limit=limit)
    if lead is not None:
        return found, 0
    progress = await storage.progress.read(campaign_id)
    return found, max(progress.stages[Stage.PERSONALIZATION].done - len(found), 0)


async def _queue(storage: Storage, campaign_id: str) -> tuple[ReviewQueue, list[StoredDraft]]:
    """What waits, and the first of it."""
    queue = await storage.reviews.queue(campaign_id)
    return queue, [await storage.reviews.draft(campaign_id, *key) for key in queue.waiting[:_LISTED]]


def _spans(lead: str) -> _Spans:
    try:
        return parse_lead_numbers(lead)
    except ValueError as error:
        raise InputError(f"--lead: {str(error).removeprefix('lead numbers: ')}") from None


async def _approve(storage: Storage, campaign_id: str, spans: _Spans | None, by: str) -> dict[str, Any]:
    """Approve and say what came of it, as `approve --json` prints it."""
    await storage.campaigns.get(campaign_id)
    count = await storage.reviews.approve(campaign_id, spans, by)
    if not count and spans and spans[0][0] == spans[-1][1]:
        await _check_approved(storage, campaign_id, spans[0][0], by)
    stands = await storage.reviews.standing(campaign_id, spans) if spans else {}
    names = {"done": "approved", "undecided": "no_draft"}
    queue = await storage.reviews.queue(campaign_id)
    return {
        "campaign_id": campaign_id,
        "approved": count,
        "by": by,
        "waiting": len(queue.waiting) + queue.others,
        "leads": {names.get(outcome, outcome): number for outcome, number in stands.items()},
    }


async def _check_approved(storage: Storage, campaign_id: str, number: int, by: str) -> None:
    """Raise InputError with the reason why the one lead that was named has no approved draft."""
    found = await storage.reviews.drafts(campaign_id, number=number)
    if not found:
        raise NotFound(f"lead {number} has no draft", hint=f"outrider drafts {campaign_id}")
    for draft in found:
        if draft.decision is not Decision.APPROVED:
            await storage.reviews.decide(campaign_id, _decided(draft, Decision.APPROVED, by))


async def _reject(storage: Storage, key: tuple[str, int, int], reason: str, by: str) -> StoredDraft:
    await storage.campaigns.get(key[0])
    draft = await storage.reviews.draft(*key)
    await storage.reviews.decide(key[0], _decided(draft, Decision.REJECTED, by, reason))
    return await storage.reviews.draft(*key)


def _decided(draft: StoredDraft, decision: Decision, by: str, reason: str = "") -> Decided:
    return Decided(
        lead_number=draft.lead_number, step=draft.step, seen=draft.fingerprint, decision=decision, by=by, reason=reason
    )


def _say_approved(document: dict[str, Any]) -> None:
    count, left = document["approved"], document["waiting"]
    say(f"{count:,} approved by {plain(document['by'])}" if count else "nothing to approve")
    if document["leads"] not in ({}, {"approved": count}):
        say("of those leads: " + " · ".join(f"{number:,} {words(what)}" for what, number in document["leads"].items()))
    if left:
        say(f"{left:,} still {'waits' if left == 1 else 'wait'}")
    say(document["workflow"])
