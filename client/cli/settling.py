"""`retry` and `resolve`: what failed is tried again, what is in doubt is settled by a person."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from client.adapters import open_storage
from client.campaigns import CampaignClient
from client.cli.options import HIGHEST, AsJson, CampaignId
from client.cli.screen import columns, labelled, moment, plain, print_document, say, words
from client.settings import Settings, load_settings
from domain.campaign import Stage
from domain.errors import InputError
from domain.progress import DoubtfulMessage
from domain.wire import Answer


class Became(StrEnum):
    """What somebody found out about a message in doubt."""

    SENT = "sent"
    NOT_SENT = "not-sent"


class Tried(StrEnum):
    """Stages in which something can fail and be tried again."""

    PERSONALIZATION = Stage.PERSONALIZATION.value
    SENDING = Stage.SENDING.value


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(retry)
    app.command()(resolve)


def retry(
    campaign_id: CampaignId,
    stage: Annotated[Tried | None, typer.Option(help="Only what failed there.")] = None,
    as_json: AsJson = False,
) -> None:
    """Try again what failed, and only that.

    What was sent or is in doubt stays. A campaign that has ended is started again.
    """
    answer = asyncio.run(_retry(load_settings(), campaign_id, stage))
    _print(campaign_id, answer, as_json=as_json)


def resolve(
    campaign_id: CampaignId,
    lead: Annotated[int | None, typer.Option(min=1, max=HIGHEST, help="Whose message, by number.")] = None,
    step: Annotated[int, typer.Option(min=1, max=HIGHEST, help="Which of the messages.")] = 1,
    became: Annotated[Became | None, typer.Option("--as", help="What the relay's log says.")] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="How you know; it is kept.")] = "",
    as_json: AsJson = False,
) -> None:
    """Settle messages in doubt; without --lead, list them.

    One that was not sent goes out now.
    """
    settings = load_settings()
    if lead is None:
        if became is not None or reason:
            raise InputError("--lead is missing: whose message was it?", hint=f"outrider resolve {campaign_id}")
        doubts = asyncio.run(_doubts(settings, campaign_id))
        print_document(doubts) if as_json else _print_doubts(campaign_id, doubts)
        return
    missing = "--as" if became is None else "--reason" if not plain(reason) else ""
    if became is None or missing:
        raise InputError(
            f"{missing} is missing",
            hint=f'outrider resolve {campaign_id} --lead {lead} --as sent|not-sent --reason "the relay\'s log says so"',
        )
    answer = asyncio.run(_resolve(settings, campaign_id, lead, step, sent=became is Became.SENT, reason=reason))
    _print(campaign_id, answer, as_json=as_json)


async def _retry(settings: Settings, campaign_id: str, stage: Tried | None) -> Answer:
    async with CampaignClient.open(settings) as client:
        return await client.retry(campaign_id, Stage(stage) if stage else None)


async def _resolve(settings: Settings, campaign_id: str, lead: int, step: int, *, sent: bool, reason: str) -> Answer:
    async with CampaignClient.open(settings) as client:
        return await client.resolve(campaign_id, lead, step, sent=sent, reason=reason)


async def _doubts(settings: Settings, campaign_id: str) -> list[DoubtfulMessage]:
    async with open_storage(settings) as storage:
        return (await storage.progress.read(campaign_id)).in_doubt


def _print(campaign_id: str, answer: Answer, *, as_json: bool) -> None:
    if as_json:
        print_document({"campaign_id": campaign_id, **answer.model_dump(mode="json")})
    else:
        say(plain(answer.line))


def _print_doubts(campaign_id: str, doubts: list[DoubtfulMessage]) -> None:
    if not doubts:
        say("nothing is in doubt")
        return
    rows = [
        (f"lead {one.lead_number}", f"step {one.step}", one.message_id, f"since {moment(one.since)}", words(one.reason))
        for one in doubts
    ]
    for line in columns(rows):
        say(line)
    first = doubts[0]
    command = f"outrider resolve {campaign_id} --lead {first.lead_number} --step {first.step}"
    say()
    labelled("what to do", "look for the Message-ID in the relay's log, or ask its operator")
    labelled("it is there", f'{command} --as sent --reason "in the relay\'s log"')
    labelled("it is not", f'{command} --as not-sent --reason "not in the relay\'s log"   (it goes out now)')
