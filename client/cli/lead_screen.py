"""One person of a campaign: who it is, whether they may be written to, and all that happened to the mail."""

from typing import Any

from client.adapters import Storage
from client.cli.screen import columns, labelled, masked, plain, say, styled, words
from domain.errors import NotFound


async def lead_document(storage: Storage, campaign_id: str, number: int) -> dict[str, Any]:
    """The lead with its messages and their events; raises NotFound. The address is masked."""
    campaign = await storage.campaigns.get(campaign_id)
    rows = {
        what: [row async for row in storage.exports.rows(campaign_id, what, number=number)]
        for what in ("leads", "ledger", "drafts", "events")
    }
    if not rows["leads"]:
        raise NotFound(
            f"{campaign_id} has no lead {number}: its leads are 1 to {campaign.numbered:,}",
            hint=f"outrider export {campaign_id} --what leads --format csv",
        )
    lead = rows["leads"][0]
    authors = {row["step"]: f"{row['author']} {row['version']}" for row in rows["drafts"]}
    messages = [
        {
            **{name: value for name, value in row.items() if name != "recipient"},
            "draft_by": authors.get(row["step"], ""),
        }
        for row in rows["ledger"]
    ]
    events = [{name: value for name, value in row.items() if name != "reply_text"} for row in rows["events"]]
    return {**lead, "email": masked(lead["email"]), "messages": messages, "events": events}


def show_lead(document: dict[str, Any]) -> None:
    """Print what `lead_document` found."""
    name = plain(document["name"])
    person = f"{name} <{document['email']}>" if name else document["email"]
    about = (plain(document[field]) for field in ("company", "location", "timezone"))
    labelled(f"lead {document['lead_number']}", "   ".join([person, *filter(None, about)]))
    if document["source"]:
        labelled("source", plain(document["source"]))
    bases = {row["permission_basis"] for row in document["messages"] if row["permission_basis"]}
    basis = ", ".join(map(words, sorted(bases))) or words(document["permission_basis"])
    labelled("may we", basis or "no permission basis")
    labelled("state", words(f"{document['state']}:{document['reason'] or ''}"))
    for row in document["messages"]:
        _show_message(row)
    if document["events"]:
        say()
        rows = [
            (
                f"step {row['step']}",
                _time(row["at"]),
                styled(row["state"]),
                words(row["cause"]),
                str(row["reply_code"] or ""),
            )
            for row in document["events"]
        ]
        for line in columns(rows):
            labelled("", line)


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


def _time(iso: str) -> str:
    """An ISO time in UTC to the second."""
    return f"{iso[:10]} {iso[11:19]} UTC"
