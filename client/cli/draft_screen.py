"""Drafts on a screen: as they will be read, with what was decided about them."""

from client.cli.screen import columns, labelled, masked, moment, plain, quote, say, styled
from domain.review import ReviewQueue, StoredDraft


def show_draft(draft: StoredDraft, place: str = "") -> None:
    """Print one draft; `place` is where it stands, such as "3 of 12"."""
    about = [f"step {draft.step}", f"to {masked(draft.recipient)}", f"by {draft.author} {draft.version}", place]
    labelled(f"lead {draft.lead_number}", "   ".join(filter(None, about)))
    labelled("decision", styled(draft.decision or "").append(_decision(draft), style="default"))
    labelled("subject", plain(draft.subject))
    labelled("", "")
    quote(draft.text.rstrip())
    say()


def show_queue(campaign_id: str, queue: ReviewQueue, listed: list[StoredDraft]) -> None:
    """Print what waits, and the commands that decide; `listed` are the first of the queue."""
    say(standing(queue))
    rows = [
        (f"lead {one.lead_number}", f"step {one.step}", masked(one.recipient), plain(one.subject)) for one in listed
    ]
    for line in columns(rows) if rows else ():
        labelled("", line)
    if len(queue.waiting) > len(listed):
        labelled("", f"and {len(queue.waiting) - len(listed):,} more")
    if queue.waiting:
        labelled("look", f"outrider drafts {campaign_id} --lead N")
        labelled("decide", f"outrider approve {campaign_id} --lead 1,4,10-20 (or: --all)")
        labelled("", f"outrider reject {campaign_id} --lead N --reason TEXT")
        labelled("", f"outrider edit {campaign_id} --lead N")


def standing(queue: ReviewQueue) -> str:
    """How the queue stands, in one line."""
    count = len(queue.waiting)
    waits = f"{_drafts(count)} for a decision" if count else "nothing waits for a decision"
    if not queue.drawn:
        return f"{waits}; the sample is drawn when everybody has a draft"
    if queue.sample_rejected:
        return f"{waits}: {queue.sample_rejected:,} of the sample rejected, so the others need a person's word"
    return f"{waits}; {_drafts(queue.others)} for the sample" if queue.others else waits


def _drafts(count: int) -> str:
    return f"{count:,} draft waits" if count == 1 else f"{count:,} drafts wait"


def _decision(draft: StoredDraft) -> str:
    if draft.decision is None:
        return "waits for a person" if draft.waits else "none: it will not be sent"
    by = f" by {plain(draft.decided_by)}" if draft.decided_by else ""
    why = f": {plain(draft.decision_reason)}" if draft.decision_reason else ""
    return f"{by}, {moment(draft.decided_at)}{why}"
