"""`plan`: what would happen, from the files and the settings alone. Nothing is stored, nothing is contacted."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from client.adapters import check_relay, template_writer, variables
from client.cli import plan_holes, plan_people
from client.cli.options import AsJson, Changes, LeadsFile
from client.cli.plan_screen import show_plan
from client.cli.screen import print_document
from client.settings import Settings, load_settings
from client.specs import Prepared, is_goal, prepare
from domain.campaign import Audience, GithubAudience, SearchedAudience
from domain.errors import InputError, OutriderError
from domain.goal import Goal, audience_of, disagreements, read_goal
from domain.lead import LeadEnd
from domain.message import Draft
from domain.pacing import closes, opening, past
from domain.permission import refusal
from domain.search import searches

_WINDOW = 1000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(plan)


def plan(
    spec: Annotated[str, typer.Argument(metavar='SPEC|"goal"', help="The spec file, or a goal in words.")],
    leads: LeadsFile = None,
    changes: Changes = None,
    show_variables: Annotated[bool, typer.Option("--variables", help="List the variables of the templates.")] = False,
    preview: int = typer.Option(1, min=0, help="How many drafts to show in full, beside the emptiest one."),
    as_json: AsJson = False,
) -> None:
    """Show what `run` would do; nothing is stored, nobody is asked.

    What is searched, who is written to and who is not and why, when mails may leave, through what, and the texts of
    drafts. Of a goal in words: what was understood and what was not; the rest stands in ./campaign.yaml. Exit code 2
    where `run` would refuse the spec or the goal.
    """
    settings = load_settings()
    refused: InputError | None = None
    try:
        prepared = prepare(spec, leads, changes or ())
    except InputError as error:
        if not is_goal(spec):
            raise
        document, refused = _goal_alone(spec, error)
    else:
        document = _document(prepared, settings)
        drafts, holes = asyncio.run(_drafts(prepared, settings))
        document["drafts"] = {**_draft_summary(drafts, preview), "holes": holes}
        if show_variables:
            found = variables(prepared.spec, prepared.file.extra_columns)
            document["variables"] = [one._asdict() for one in found]
    if as_json:
        print_document(document)
    else:
        show_plan(document)
    if refused:
        raise refused


def _goal_alone(text: str, error: InputError) -> tuple[dict[str, Any], InputError]:
    """What a goal says when there is no campaign to be made of it, and why there is none."""
    goal, audience, problem = read_goal(text), None, error.line.split("\n")
    try:
        audience = audience_of(goal)
    except InputError as unsearchable:
        problem = list(dict.fromkeys([unsearchable.line, *problem]))
    refused = InputError("\n".join(problem), hint=error.hint)
    if error.hint:
        problem.append(f"hint: {error.hint}")
    return {**_search(goal, audience, ""), "problem": problem}, refused


def _search(goal: Goal, audience: Audience | None, provider: str) -> dict[str, Any]:
    """What was understood of a goal, whom the audience looks for, and where the two disagree."""
    return {
        "goal": {**goal.model_dump(mode="json", exclude={"understood"}), "guessed_places": goal.guessed_places},
        "audience": audience.model_dump(mode="json") if audience else None,
        "searches": searches(audience, datetime.now(UTC)) if isinstance(audience, GithubAudience) else (),
        "disagreements": [one._asdict() for one in (disagreements(goal, audience, provider) if audience else [])],
    }


def _document(prepared: Prepared, settings: Settings) -> dict[str, Any]:
    spec, file = prepared.spec, prepared.file
    searched = isinstance(spec.audience, SearchedAudience)
    refused = prepared.refusals()
    found = _search(read_goal(spec.goal or ""), spec.audience, spec.sending.provider) if searched else {}
    return {
        **found,
        "campaign": {
            "name": spec.name,
            "owner": spec.owner,
            "goal": spec.goal,
            "spec": str(prepared.loaded.path),
            "spec_sha256": prepared.loaded.sha256,
            "dry_run": spec.dry_run,
        },
        "leads": {
            "file": str(prepared.leads_path) if prepared.leads_path else None,
            "rows": len(file.leads) + len(file.rejected),
            "accepted": len(file.leads),
            "rejected": [row._asdict() for row in file.rejected],
        },
        "permission": {
            "may_be_written_to": len(file.leads) - sum(refused.values()),
            "refused": refused,
            "whoever_is_found": refusal(spec, "", {}) if searched else None,
        },
        "sending": _sending(prepared, settings),
    }


def _sending(prepared: Prepared, settings: Settings) -> dict[str, Any]:
    sending, now = prepared.loaded.spec.sending, datetime.now(UTC)
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


async def _drafts(prepared: Prepared, settings: Settings) -> tuple[list[tuple[str, Draft | LeadEnd]], list[str]]:
    """The drafts of everybody in the file, by the row they come from, last that of the emptiest row; and its holes."""
    try:
        base = settings.opt_out_base()
    except OutriderError:
        base = "http://127.0.0.1"
    people = plan_people.of_file(prepared) if prepared.leads_path else plan_people.invented()
    empty = plan_people.emptiest(prepared, len(people) + 1, people[0].source if people else "")
    filled = plan_holes.filled(prepared, empty)
    writer = template_writer()
    written: list[Draft | LeadEnd] = []
    everybody = [*people, empty, *filled.values()]
    for group in (everybody[start : start + _WINDOW] for start in range(0, len(everybody), _WINDOW)):
        urls = [f"{base}/u/{lead.opt_out_token}" for lead in group]
        written += await writer.write(prepared.spec, group, urls)
    names = [f"line {row.line}, {row.email}" for row in prepared.file.leads]
    names = names or [f"an invented person, {person.name}" for person in people]
    emptiest = "the emptiest row possible" if prepared.leads_path else "the emptiest profile possible"
    shown, probes = written[: len(people) + 1], written[len(people) + 1 :]
    holes = plan_holes.holes(shown[-1], dict(zip(filled, probes, strict=True)))
    return list(zip([*names, emptiest], shown, strict=True)), holes


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
