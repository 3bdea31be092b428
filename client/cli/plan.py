"""`plan`: what would happen, from the files and the settings alone. Nothing is stored, nothing is contacted."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from client.adapters import check_relay, template_writer, variables
from client.cli.options import AsJson, Changes, LeadsFile
from client.cli.screen import columns, labelled, moment, paragraph, plain, print_document, say, words
from client.settings import Settings, load_settings
from client.specs import Prepared, prepare
from domain.errors import OutriderError
from domain.lead import Lead, LeadEnd
from domain.message import Draft
from domain.pacing import closes, opening, past

_SHOWN_ROWS = 20
_WINDOW = 1000
_SAMPLE_TOKEN = "made-for-each-person"  # noqa: S105 the place of a token, no token
_EMPTIEST = "the emptiest row possible"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(plan)


def plan(
    spec: Annotated[str, typer.Argument(help="The spec file.")],
    leads: LeadsFile = None,
    changes: Changes = None,
    show_variables: Annotated[bool, typer.Option("--variables", help="List the variables of the templates.")] = False,
    preview: int = typer.Option(1, min=0, help="How many drafts to show in full, beside the emptiest one."),
    as_json: AsJson = False,
) -> None:
    """Show what `run` would do; nothing is stored.

    Who is written to and who is not and why, when mails may leave, through what, and the texts of drafts.
    """
    settings = load_settings()
    prepared = prepare(spec, leads, changes or ())
    document = _document(prepared, settings)
    drafts = asyncio.run(_drafts(prepared, settings))
    document["drafts"] = _draft_summary(drafts, preview)
    if show_variables:
        found = variables(prepared.spec, prepared.file.extra_columns)
        document["variables"] = [one._asdict() for one in found]
    if as_json:
        print_document(document)
    else:
        _show(document)


def _document(prepared: Prepared, settings: Settings) -> dict[str, Any]:
    spec, file = prepared.spec, prepared.file
    refused = prepared.refusals()
    return {
        "campaign": {
            "name": spec.name,
            "owner": spec.owner,
            "goal": spec.goal,
            "spec": str(prepared.loaded.path),
            "spec_sha256": prepared.loaded.sha256,
            "dry_run": spec.dry_run,
        },
        "leads": {
            "file": str(prepared.leads_path),
            "rows": len(file.leads) + len(file.rejected),
            "accepted": len(file.leads),
            "rejected": [row._asdict() for row in file.rejected],
        },
        "permission": {"may_be_written_to": len(file.leads) - sum(refused.values()), "refused": refused},
        "sending": _sending(prepared, settings),
    }


def _sending(prepared: Prepared, settings: Settings) -> dict[str, Any]:
    sending, now = prepared.spec.sending, datetime.now(UTC)
    mailbox = sending.mailboxes[0]
    opens = opening(sending.window, now)
    found: dict[str, Any] = {
        "mailbox": mailbox.name,
        "from": mailbox.address,
        "connections": mailbox.connections,
        "relay": None,
        "relay_from": None,
        "opt_out": None,
        "problem": None,
        "open_now": opens <= now,
        "opens_at": opens,
        "closes_at": closes(sending.window, opens),
        "not_after": sending.not_after.isoformat() if sending.not_after else None,
        "too_late": past(sending.not_after, sending.window, now),
    }
    try:
        url, found["relay_from"] = settings.relay(mailbox.name)
        found["relay"] = _host_and_port(url)
        check_relay(settings, mailbox.name)
        found["opt_out"] = settings.opt_out_base()
    except OutriderError as error:
        found["problem"] = f"{error.line} ({error.hint})" if error.hint else error.line
    return found


def _host_and_port(url: str) -> str:
    """The relay without its login."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


async def _drafts(prepared: Prepared, settings: Settings) -> list[tuple[str, Draft | LeadEnd]]:
    """The drafts of everybody in the file, by the row they come from, and last the one of the emptiest row."""
    try:
        base = settings.opt_out_base()
    except OutriderError:
        base = "http://127.0.0.1"
    rows = prepared.file.leads
    people = [
        Lead(number=number, opt_out_token=_SAMPLE_TOKEN, **new.model_dump(exclude={"source_identity"}))
        for number, new in enumerate(prepared.new_leads(), start=1)
    ]
    empty = Lead(
        number=len(people) + 1,
        email="somebody@example.com",
        source=people[0].source if people else "",
        extra=dict.fromkeys(prepared.file.extra_columns, ""),
        opt_out_token=_SAMPLE_TOKEN,
    )
    writer = template_writer()
    written: list[Draft | LeadEnd] = []
    for group in [*(people[start : start + _WINDOW] for start in range(0, len(people), _WINDOW)), [empty]]:
        urls = [f"{base}/u/{lead.opt_out_token}" for lead in group]
        written += await writer.write(prepared.spec, group, urls)
    names = [f"line {row.line}, {row.email}" for row in rows]
    return list(zip([*names, _EMPTIEST], written, strict=True))


def _draft_summary(drafts: list[tuple[str, Draft | LeadEnd]], preview: int) -> dict[str, Any]:
    of_people, of_nobody = drafts[:-1], drafts[-1]
    chosen = [*of_people[:preview], of_nobody] if preview else []
    return {
        "written": sum(isinstance(draft, Draft) for _, draft in of_people),
        "none": dict(Counter(draft.reason for _, draft in of_people if isinstance(draft, LeadEnd)).most_common()),
        "preview": [{"for": name, **_one_draft(draft)} for name, draft in chosen],
    }


def _one_draft(draft: Draft | LeadEnd) -> dict[str, Any]:
    if isinstance(draft, LeadEnd):
        return {"problem": draft.reason}
    return draft.model_dump(include={"subject", "text", "html"})


def _show(document: dict[str, Any]) -> None:
    campaign = document["campaign"]
    rehearsal = "   rehearsal: nothing leaves" if campaign["dry_run"] else ""
    labelled("campaign", f"{campaign['name']}   owner {plain(campaign['owner'])}{rehearsal}")
    if campaign["goal"]:
        labelled("goal", plain(campaign["goal"]))
    labelled("spec", f"{campaign['spec']}   sha256 {campaign['spec_sha256'][:12]}")
    _show_leads(document["leads"])
    _show_permission(document)
    _show_sending(document["sending"])
    for draft in document["drafts"]["preview"]:
        say()
        _show_draft(draft)
    if "variables" in document:
        say()
        rows = [(plain(one["name"]), one["description"], plain(one["example"])) for one in document["variables"]]
        for line in columns([("variable", "what it is", "example"), *rows]):
            say(line)
    say()
    say("nothing was stored or sent; the suppression list and earlier contacts are looked at before each mail")


def _show_leads(leads: dict[str, Any]) -> None:
    rejected = leads["rejected"]
    labelled(
        "people",
        f"{leads['rows']:,} rows in {leads['file']} = {leads['accepted']:,} accepted + {len(rejected):,} rejected",
    )
    for row in rejected[:_SHOWN_ROWS]:
        labelled("", plain(f"line {row['line']}: {row['column']}: {row['detail']}".replace(": : ", ": ")))
    if len(rejected) > _SHOWN_ROWS:
        labelled("", f"and {len(rejected) - _SHOWN_ROWS:,} more: --json lists them all")


def _show_permission(document: dict[str, Any]) -> None:
    permission, drafts = document["permission"], document["drafts"]
    labelled("may we", f"{permission['may_be_written_to']:,} may be written to")
    for reason, count in permission["refused"].items():
        labelled("", f"{count:,} not: {words(reason)}")
    labelled("drafts", f"{drafts['written']:,} written")
    for reason, count in drafts["none"].items():
        labelled("", f"{count:,} without: {words(reason)}")


def _show_sending(sending: dict[str, Any]) -> None:
    relay = f"{sending['relay']}, from {sending['relay_from']}" if sending["relay"] else "none"
    connections = f"up to {sending['connections']} connections"
    labelled("sending", f"{sending['from']} by mailbox {sending['mailbox']} through {relay}, {connections}")
    if sending["problem"]:
        labelled("", f"run would refuse: {plain(sending['problem'])}")
    elif sending["opt_out"]:
        labelled("", f"opt-out page {sending['opt_out']}")
    if sending["too_late"]:
        labelled("window", f"over: not_after was {sending['not_after']}, everything would be skipped")
        return
    when = "open now" if sending["open_now"] else f"opens {moment(sending['opens_at'])}"
    until = f", closes {moment(sending['closes_at'])}" if sending["closes_at"] else ", never closes"
    last = f", last day {sending['not_after']}" if sending["not_after"] else ""
    labelled("window", f"{when}{until}{last}")


def _show_draft(draft: dict[str, Any]) -> None:
    labelled("draft", f"for {plain(draft['for'])}")
    if "problem" in draft:
        labelled("", f"none: {words(draft['problem'])}")
        return
    labelled("subject", plain(draft["subject"]))
    labelled("", "")
    labelled("", paragraph(draft["text"].rstrip()))
