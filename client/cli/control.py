"""`pause`, `resume` and `cancel`: of one campaign, or of all that have not ended."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from client.adapters import open_storage
from client.campaigns import FINAL, CampaignClient
from client.cli.options import AsJson
from client.cli.screen import plain, print_document, say, styled
from client.control import REQUESTED
from client.settings import Settings, load_settings
from domain.errors import InputError, OutriderError
from domain.lead import LeadState
from domain.progress import Progress
from domain.wire import CANCEL, PAUSE, RESUME, Answer

_REFUSED = 1
_UNREACHABLE = 3
_AT_ONCE = 10
_END_SECONDS = 10.0
"""How long `cancel` waits to say what was ended; what is in hand is finished first."""

_Id = Annotated[str, typer.Argument(metavar="ID", help="The campaign's id, as in `outrider list`.")]
_All = Annotated[bool, typer.Option("--all", help="Every campaign that has not ended.")]
_Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept and shown.")]
_Ask = Callable[[str], Awaitable[Answer]]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(pause)
    app.command()(resume)
    app.command()(cancel)


def pause(campaign_id: _Id = "", everything: _All = False, reason: _Reason = "", as_json: AsJson = False) -> None:
    """Let nothing new start until `resume`. What is in hand is finished."""
    _run(PAUSE, campaign_id, reason, everything=everything, as_json=as_json)


def resume(campaign_id: _Id = "", everything: _All = False, reason: _Reason = "", as_json: AsJson = False) -> None:
    """Go on after a pause."""
    _run(RESUME, campaign_id, reason, everything=everything, as_json=as_json)


def cancel(
    campaign_id: _Id = "",
    everything: _All = False,
    reason: _Reason = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before cancelling all.")] = False,
    as_json: AsJson = False,
) -> None:
    """End campaigns for good: nothing leaves any more.

    What was sent stays sent, and the report is written.
    """
    if everything and not campaign_id and not yes and not _sure():
        say("nothing was cancelled")
        return
    _run(CANCEL, campaign_id, reason, everything=everything, as_json=as_json)


def _sure() -> bool:
    if not sys.stdin.isatty():
        raise InputError("--all ends every campaign for good", hint="outrider cancel --all --yes")
    return typer.confirm("End every campaign for good?", err=True)


def _run(name: str, campaign_id: str, reason: str, *, everything: bool, as_json: bool) -> None:
    if everything == bool(campaign_id):
        raise InputError(
            "name one campaign or --all, not both" if everything else "no campaign was named",
            hint=f"outrider {name} ID (or: outrider {name} --all)",
        )
    settings = load_settings()
    if everything:
        raise typer.Exit(asyncio.run(_all(settings, name, reason, as_json=as_json)))
    asyncio.run(_one(settings, name, campaign_id, reason, as_json=as_json))


async def _one(settings: Settings, name: str, campaign_id: str, reason: str, *, as_json: bool) -> None:
    async with open_storage(settings) as storage:
        await storage.campaigns.get(campaign_id)  # a wrong id is said even where Temporal is away
    async with CampaignClient.open(settings) as client:
        answer = await _asking(client, name, reason)(campaign_id)
        if name == CANCEL and answer.status != REQUESTED:
            answer = await _ended(client, campaign_id, answer)
    if as_json:
        print_document({"campaign_id": campaign_id, **answer.model_dump(mode="json")})
    else:
        say(plain(answer.line))


def _asking(client: CampaignClient, name: str, reason: str) -> _Ask:
    ask = {PAUSE: client.pause, RESUME: client.resume, CANCEL: client.cancel}[name]
    return lambda campaign_id: ask(campaign_id, reason)


async def _ended(client: CampaignClient, campaign_id: str, answer: Answer) -> Answer:
    """Wait for the end and say what was ended; where it takes longer, the answer as it is."""
    try:
        async with asyncio.timeout(_END_SECONDS):
            async for progress in client.follow(campaign_id):
                if progress.status in FINAL:
                    return Answer(status=progress.status, changed=answer.changed, line=_sum(progress))
    except TimeoutError:
        pass
    return answer.model_copy(update={"line": f"{answer.line}: outrider show {campaign_id}"})


def _sum(progress: Progress) -> str:
    counts = progress.messages
    ended = progress.leads.get(LeadState.CANCELLED, 0)
    return (
        f"{progress.status}: {counts.sent:,} sent, {ended:,} cancelled, {counts.in_doubt:,} in doubt; "
        f"report: outrider report {progress.campaign_id}"
    )


async def _all(settings: Settings, name: str, reason: str, *, as_json: bool) -> int:
    """Ask every campaign; one that refuses keeps no other from being asked."""
    free = asyncio.Semaphore(_AT_ONCE)
    async with open_storage(settings) as storage:
        names = [one.campaign_id for one in await storage.campaigns.all() if one.status not in FINAL]
    async with CampaignClient.open(settings) as client:
        ask = _asking(client, name, reason)

        async def answered(campaign_id: str) -> Answer | OutriderError:
            async with free:
                try:
                    return await ask(campaign_id)
                except OutriderError as error:
                    return error

        answers = dict(zip(names, await asyncio.gather(*map(answered, names)), strict=True))
    if as_json:
        print_document([_document(campaign_id, answer) for campaign_id, answer in answers.items()])
    elif not answers:
        say("no campaign that has not ended")
    else:
        for campaign_id, answer in answers.items():
            _print(campaign_id, answer)
    errors = [answer for answer in answers.values() if isinstance(answer, OutriderError)]
    if any(not isinstance(error, InputError) for error in errors):
        return _UNREACHABLE
    return _REFUSED if errors else 0


def _document(campaign_id: str, answer: Answer | OutriderError) -> dict[str, object]:
    """One campaign of `--json`: `changed` is null where it was refused or could not be asked."""
    if isinstance(answer, OutriderError):
        status = "refused" if isinstance(answer, InputError) else "unreachable"
        return {"campaign_id": campaign_id, "status": status, "changed": None, "line": answer.line}
    return {"campaign_id": campaign_id, **answer.model_dump(mode="json")}


def _print(campaign_id: str, answer: Answer | OutriderError) -> None:
    if isinstance(answer, OutriderError):
        hint = f" ({plain(answer.hint)})" if answer.hint else ""
        say(styled("failed").append(f"  {campaign_id}: {plain(answer.line)}{hint}", style="default"))
    else:
        say(plain(answer.line))
