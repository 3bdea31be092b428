"""One person of a campaign: who it is, whether they may be written to, and all that happened to the mail."""

from datetime import datetime
from typing import Any

from client.adapters import Storage
from client.cli.found_screen import found_document, show_found
from client.cli.screen import discreet, labelled, masked, moment, plain, say, styled, words
from client.cli.trail import event_line, public_event
from client.settings import Settings
from client.trace_links import trace_link
from domain.campaign import GithubAudience, SearchedAudience
from domain.errors import NotFound
from domain.message import MessageState

_DECISION = ("decision", "decided_at", "decided_by", "decision_reason")


async def lead_document(settings: Settings, storage: Storage, campaign_id: str, number: int) -> dict[str, Any]:
    """The lead with its messages and their events; raises NotFound. The address is masked."""
    campaign = await storage.campaigns.get(campaign_id)
    rows = {
        what: [row async for row in storage.exports.rows(campaign_id, what, number=number)]
        for what in ("leads", "ledger", "drafts")
    }
    if not rows["leads"]:
        raise NotFound(
            f"{campaign_id} has no lead {number}: its leads are 1 to {campaign.numbered:,}",
            hint=f"outrider export {campaign_id} --what leads --format csv",
        )
    lead = rows["leads"][0]
    drafts = {row["step"]: row for row in rows["drafts"]}
    messages = [
        {
            **{name: value for name, value in row.items() if name != "recipient"},
            **_draft(drafts.get(row["step"])),
        }
        for row in rows["ledger"]
    ]
    known = await storage.evidence.read(campaign_id, number)
    topics = audience.topics if isinstance(audience := campaign.spec.audience, GithubAudience) else ()
    found = found_document(lead, known, topics) if known else None
    days = audience.active_within_days if isinstance(audience, SearchedAudience) else None
    events = [public_event(row) for row in await storage.exports.audit(campaign_id, newest_first=False, number=number)]
    return {
        **lead,
        "email": masked(lead["email"]) if lead["email"] else "",
        "basis_of_spec": campaign.spec.permission.basis if campaign.spec.permission else "",
        "found": found and {**found, "active_within_days": days},
        "messages": messages,
        "events": events,
        "trace": trace_link(settings, events),
    }


def _draft(row: dict[str, Any] | None) -> dict[str, Any]:
    """Who wrote a draft and who decided on it; what is None is not known or not decided."""
    if row is None:
        return {"draft_by": "", **dict.fromkeys(_DECISION)}
    return {"draft_by": f"{row['author']} {row['version']}", **{name: row[name] for name in _DECISION}}


def show_lead(document: dict[str, Any]) -> None:
    """Print what `lead_document` found."""
    found = document["found"]
    name = plain(document["name"] or document["login"])
    email = document["email"]
    person = f"{name} <{email}>" if name and email else name or email
    about = [plain(document[field]) for field in ("company", "location", "timezone")]
    if found and document["timezone"]:
        about[-1] += f" ({found['clock']['agreeing']:,} of {found['clock']['commits']:,} commits)"
    labelled(f"lead {document['lead_number']}", "   ".join([person, *filter(None, about)]))
    if found:
        show_found(found, document["login"], document["source"])
    elif document["source"]:
        labelled("source", plain(document["source"]))
    bases = {row["permission_basis"] for row in document["messages"] if row["permission_basis"]}
    basis = ", ".join(map(words, sorted(bases))) or words(document["permission_basis"] or document["basis_of_spec"])
    labelled("may we", basis or "no permission basis")
    labelled("state", words(f"{document['state']}:{document['reason'] or ''}"))
    for row in document["messages"]:
        _show_message(row)
    if document["events"]:
        say()
        for row in document["events"]:
            labelled("", event_line(row))
    if trace := document["trace"]:
        labelled("trace", trace["url"] or f"{trace['trace_id']}, span {trace['span_id']}")


def _show_message(row: dict[str, Any]) -> None:
    state = styled(row["state"])
    details = [
        words(row["reason"]) if row["reason"] else "",
        _time(row["sent_at"]) if row["sent_at"] else "",
        f"by {row['mailbox']}",
        str(row["reply_code"] or ""),
        row["message_id"],
        f"{row['attempts']} attempts" if row["attempts"] > 1 else "",
        f"draft by {row['draft_by']}" if row["draft_by"] else "",
        words(row["outcome"]) if row["outcome"] else "",
    ]
    labelled(f"step {row['step']}", state.append("   " + "   ".join(filter(None, details)), style="default"))
    if row["decision"]:
        at = moment(datetime.fromisoformat(row["decided_at"])) if row["decided_at"] else ""
        why = f": {discreet(row['decision_reason'])}" if row["decision_reason"] else ""
        decided = f" by {discreet(row['decided_by'] or '')}   {at}{why}"
        labelled("draft", styled(row["decision"]).append(decided, style="default"))
    elif row["draft_by"] and row["state"] == MessageState.SCHEDULED:
        command = f"outrider review {row['campaign_id']}"
        labelled("draft", styled("waits").append(f" for a decision   {command}", style="default"))


def _time(iso: str) -> str:
    """An ISO time in UTC to the second."""
    return f"{iso[:10]} {iso[11:19]} UTC"
