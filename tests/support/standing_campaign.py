"""A campaign in the middle of things, in the database that the command line of a test reads."""

import sqlite3
import time
from contextlib import closing

from local_world import people, spec
from stored_campaigns import CAMPAIGN, new_message

from client.adapters import migrate, open_storage
from client.settings import load_settings
from domain.campaign import CampaignSpec, CampaignStatus, Stage
from domain.lead import LeadEnd, LeadState
from domain.report import RejectedRow

LEADS = 60
REVIEWED = {"mode": "all"}
_STATES = """
    UPDATE messages SET state = 'sent', attempts = 1, reply_code = 250, mailbox = 'relay',
        first_attempt_at = {now} - 90000, began_at = {now} - 60000, sent_at = {now} - 50000,
        settled_at = {now} - 50000 WHERE number <= 50;
    UPDATE messages SET state = 'failed', reason = 'hard_bounce', reply_code = 550, sent_at = NULL WHERE number = 1;
    UPDATE messages SET state = 'failed', reason = 'refused_content', reply_code = 554, sent_at = NULL
        WHERE number = 2;
    UPDATE messages SET state = 'in_doubt', reason = 'connection_lost', reply_code = NULL, sent_at = NULL
        WHERE number = 3;
    UPDATE messages SET state = 'deferred', reason = 'deferred_by_relay', reply_code = 451, next_at = {now} + 900000
        WHERE number = 51;
    UPDATE messages SET state = 'skipped', reason = 'suppressed' WHERE number = 52;
    UPDATE campaigns SET started_at = {now} - 130000;
    UPDATE message_events SET at = {now} - 120000;
    UPDATE drafts SET created_at = {now} - 120000, decision = NULL, decided_at = NULL, decided_by = NULL;
    UPDATE drafts SET decision = 'approved', decided_at = {now} - 100000, decided_by = 'dana', decision_reason = ''
        WHERE number <= 52;
    INSERT INTO message_events (campaign_id, number, step, at, state, cause, reply_code, reply_text)
        VALUES ('{campaign}', 50, 1, {now} - 50000, 'sent', '', 250, 'Ok for person50@example.com'),
        ('{campaign}', 3, 1, {now} - 49000, 'in_doubt', 'connection_lost', NULL, NULL);
"""
_PAUSE = """
    UPDATE campaigns SET control = 'hold', status = 'paused', paused_at = {now} - 30000, paused_by = 'dana',
        paused_reason = ?;
    INSERT INTO campaign_events (campaign_id, at, kind, by, reason, number, step)
        SELECT '{campaign}', {now} - 30000, 'paused', 'dana', paused_reason, 0, 0 FROM campaigns;
    INSERT INTO campaign_events (campaign_id, at, kind, by, reason, number, step)
        VALUES ('{campaign}', {now} - 45000, 'paused', 'breaker bounces', '3 of 50 mails', 0, 0),
        ('{campaign}', {now} - 40000, 'resumed', 'dana', '', 0, 0);
"""


async def create(
    *, review: dict[str, object] | None = None, name: str = "proof", goal: str = "Tell people of the release"
) -> None:
    """A campaign of 60 people: 47 sent, 2 failed, 1 in doubt, 1 deferred, 1 skipped, 7 undecided, 1 without a draft."""
    campaign = spec().model_dump(mode="json") | {"review": review or REVIEWED, "name": name, "goal": goal}
    await migrate(load_settings())
    async with open_storage(load_settings()) as storage:
        rejected = [RejectedRow(line=7, reason="kim@example.com stands twice")]
        await storage.campaigns.create(CAMPAIGN, CampaignSpec.model_validate(campaign), people(LEADS), rejected)
        await storage.campaigns.set_status(CAMPAIGN, CampaignStatus.RUNNING, Stage.SENDING)
        *undrafted, last = await storage.leads.undrafted(CAMPAIGN, 1, LEADS)
        drafts = [new_message(CAMPAIGN, lead.number, lead.email) for lead in undrafted]
        ended = [LeadEnd(number=last.number, state=LeadState.FAILED, reason="template_error")]
        await storage.leads.store_drafts(CAMPAIGN, drafts, ended)
    _execute(_STATES)


def pause(reason: str = "") -> None:
    """Pause it as dana does; a breaker had paused it before."""
    _execute(_PAUSE, reason)


def set_status(status: CampaignStatus, *, finished: bool) -> None:
    """Let the campaign stand so, as its workflow would write it."""
    _execute("UPDATE campaigns SET status = ?", status)
    if finished:
        _execute("UPDATE campaigns SET finished_at = {now}, control = 'run'")


def _execute(statements: str, *values: object) -> None:
    """Run statements; the first one takes the values."""
    now = str(round(time.time() * 1000))
    first, *others = statements.replace("{campaign}", CAMPAIGN).replace("{now}", now).split(";\n")
    path = load_settings().home / "outrider.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(first, values)
        for statement in others:
            connection.execute(statement)
