"""`errors` and `events`: what went wrong, and who did what when. Addresses are masked."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.text import Text

from client.adapters import Storage, open_storage
from client.cli.options import HIGHEST, AsJson, CampaignId
from client.cli.screen import clock, columns, discreet, moment, print_document, say, styled, words
from client.settings import Settings, load_settings
from domain.campaign import Stage
from domain.delivery import HARD_BOUNCE
from domain.lead import LeadState
from domain.message import MessageState


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("errors")(errors)
    app.command("events")(events)


def errors(
    campaign_id: CampaignId,
    stage: Annotated[Stage | None, typer.Option(help="Only what went wrong in this stage.")] = None,
    limit: int = typer.Option(10, min=1, max=HIGHEST, help="How many of each kind."),
    as_json: AsJson = False,
) -> None:
    """Show what went wrong, by kind, with the way out. People who failed and mails in doubt count too."""
    asyncio.run(_errors(load_settings(), campaign_id, stage, limit, as_json=as_json))


def events(
    campaign_id: CampaignId,
    limit: int = typer.Option(50, min=1, max=HIGHEST, help="How many, the newest."),
    lead: int | None = typer.Option(None, min=1, max=HIGHEST, help="Only this person's, by number."),
    as_json: AsJson = False,
) -> None:
    """Show who did what and what became of mails, the newest last."""
    asyncio.run(_events(load_settings(), campaign_id, limit, lead, as_json=as_json))


async def _errors(settings: Settings, campaign_id: str, stage: Stage | None, limit: int, *, as_json: bool) -> None:
    async with open_storage(settings) as storage:
        if as_json:
            print_document(await _grouped(storage, campaign_id, stage, limit))
        else:
            await print_errors(storage, campaign_id, stage, limit=limit)


async def print_errors(storage: Storage, campaign_id: str, stage: Stage | None = None, *, limit: int) -> None:
    """Print what went wrong in a campaign, at most `limit` of each kind; raises NotFound."""
    groups = await _grouped(storage, campaign_id, stage, limit)
    if not groups:
        say("nothing went wrong so far")
    for group in groups:
        head = Text.assemble((words(group["kind"]), "bold"), f"  {group['count']:,}")
        say(head.append(f"   {group['way_out']}" if group["way_out"] else "", style="dim"))
        rows = [
            (
                clock(datetime.fromisoformat(row["at"]), datetime.now().astimezone()) if row["at"] else "",
                f"lead {row['lead_number']}" if row["lead_number"] else "",
                f"line {row['line']}" if row["line"] else "",
                words(row["stage"]),
                f"step {row['step']}" if row["step"] else "",
                str(row["reply_code"] or ""),
                row["message"],
            )
            for row in group["rows"]
        ]
        for line in columns(_filled(rows), indent="  "):
            say(line)
        if group["count"] > len(group["rows"]):
            say(f"  and {group['count'] - len(group['rows']):,} more: --limit {group['count']}")
        say()


def _filled(rows: Sequence[tuple[str, ...]]) -> list[list[str]]:
    """The rows without the columns in which nothing stands."""
    kept = [place for place, column in enumerate(zip(*rows, strict=True)) if any(column)]
    return [[row[place] for place in kept] for row in rows]


async def _grouped(storage: Storage, campaign_id: str, stage: Stage | None, limit: int) -> list[dict[str, Any]]:
    """What went wrong by kind, the most frequent first, each with its newest count and at most `limit` rows."""
    await storage.campaigns.get(campaign_id)
    groups: dict[str, dict[str, Any]] = {}
    for row in await _all(storage, campaign_id):
        if stage is not None and row["stage"] != stage:
            continue
        kind = row["kind"]
        group = groups.setdefault(kind, {"kind": kind, "count": 0, "way_out": _way_out(row, campaign_id), "rows": []})
        group["count"] += 1
        if len(group["rows"]) < limit:
            group["rows"].append(row)
    return sorted(groups.values(), key=lambda group: -group["count"])


async def _all(storage: Storage, campaign_id: str) -> list[dict[str, Any]]:
    """Errors of the rows, mails that failed or are in doubt, and people who failed before there was a mail."""
    found = [
        _error(row["kind"], row["stage"], row, at=row["at"], line=row["line"], message=row["message"])
        async for row in storage.exports.rows(campaign_id, "errors")
    ]
    mailed = set()
    async for row in storage.exports.rows(campaign_id, "ledger"):
        if row["state"] in (MessageState.FAILED, MessageState.IN_DOUBT):
            mailed.add(row["lead_number"])
            kind = f"{row['state']}:{row['reason']}"
            message = f"{row['message_id']} by {row['mailbox']}"
            found.append(_error(kind, Stage.SENDING, row, code=row["reply_code"], message=message))
    people = [row async for row in storage.exports.rows(campaign_id, "leads") if row["state"] == LeadState.FAILED]
    found += [
        _error(f"failed:{row['reason'] or ''}", Stage.PERSONALIZATION, row)
        for row in people
        if row["lead_number"] not in mailed
    ]
    return found


def _error(
    kind: str,
    stage: str,
    row: Mapping[str, Any],
    *,
    at: str | None = None,
    line: int | None = None,
    code: int | None = None,
    message: str = "",
) -> dict[str, Any]:
    return {
        "kind": kind,
        "stage": str(stage),
        "lead_number": row["lead_number"],
        "step": row.get("step"),
        "at": at,
        "line": line,
        "reply_code": code,
        "message": message if message.startswith("<") else discreet(message),
    }


def _way_out(row: Mapping[str, Any], campaign_id: str) -> str:
    state, _, reason = row["kind"].partition(":")
    if state == MessageState.IN_DOUBT:
        return f"outrider resolve {campaign_id}"
    if state == MessageState.FAILED and reason == HARD_BOUNCE:
        return "these addresses are suppressed now"
    if state == MessageState.FAILED:
        return f"outrider retry {campaign_id}"
    return "correct these lines of the file" if row["line"] else ""


async def _events(settings: Settings, campaign_id: str, limit: int, lead: int | None, *, as_json: bool) -> None:
    async with open_storage(settings) as storage:
        await storage.campaigns.get(campaign_id)
        newest = await storage.exports.audit(campaign_id, limit, number=lead)
    found = [public_event(row) for row in reversed(newest)]
    if as_json:
        print_document(found)
    elif not found:
        say("nothing happened so far")
    else:
        for row in found:
            say(event_line(row))


def public_event(row: Mapping[str, Any]) -> dict[str, Any]:
    """The event without what a relay answered in words, which often quotes the address."""
    kept = {name: value for name, value in row.items() if name != "reply_text"}
    return {**kept, "reason": discreet(row["reason"] or ""), "by": discreet(row["by"] or "")}


def event_line(row: Mapping[str, Any], now: datetime | None = None) -> Text:
    """One event of the audit trail; with `now` its time is short."""
    at = datetime.fromisoformat(row["at"])
    what = styled(row["kind"])
    what.pad_right(max(1, 13 - len(what.plain)))
    line = Text.assemble((f"{clock(at, now) if now else moment(at)}  ", "dim"), what)
    why = discreet(row["reason"] or "")
    parts = [
        f"lead {row['lead_number']}  step {row['step']}" if row["lead_number"] else "",
        f"by {discreet(row['by'])}" if row["by"] else "",
        str(row["reply_code"] or ""),
        why if row["by"] else words(why),
    ]
    line.append("  ".join(filter(None, parts)))
    line.rstrip()
    return line
