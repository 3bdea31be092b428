"""A window of drafts goes on as far as people have decided; the rest waits, and an overdue one is said once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from local_world import spec
from stored_campaigns import CAMPAIGN, StoredCampaigns, new_message
from structlog.testing import capture_logs
from temporalio.testing import ActivityEnvironment

from activities.reviewing import ReviewActivities
from domain.campaign import CampaignSpec, Stage
from domain.review import Decided, Decision, sample
from domain.wire import Approval, HoldReason, WindowResult, WindowTask
from storage.database import Database
from storage.reviews import ReviewRows

LEADS = 10


class Reviewing:
    """One campaign whose drafts wait, and the activities in their environment."""

    def __init__(self, stored: StoredCampaigns) -> None:
        self.stored = stored
        self.reviews = ReviewRows(stored.database)
        self._activities = ReviewActivities(stored.campaigns, self.reviews)

    async def begin(self, **review: Any) -> None:  # noqa: ANN401 fields of the spec
        of = CampaignSpec.model_validate({**spec().model_dump(mode="json"), "review": review})
        await self.stored.create(leads=LEADS, of=of)
        found = await self.stored.leads.undrafted(CAMPAIGN, 1, LEADS)
        messages = [new_message(CAMPAIGN, lead.number, lead.email) for lead in found]
        waiting = [message.model_copy(update={"approved_by": ""}) for message in messages]
        await self.stored.leads.store_drafts(CAMPAIGN, waiting, [])

    async def look(self, first: int = 1, last: int = LEADS) -> WindowResult:
        task = WindowTask(campaign_id=CAMPAIGN, stage=Stage.REVIEW, first=first, last=last)
        return await ActivityEnvironment().run(self._activities.review_drafts, task)

    async def approve(self, leads: list[tuple[int, int]] | None) -> None:
        approval = Approval(campaign_id=CAMPAIGN, by="dana", leads=leads)
        await ActivityEnvironment().run(self._activities.approve_drafts, approval)

    async def reject(self, number: int) -> None:
        decided = Decided(lead_number=number, step=1, seen="0" * 64, decision=Decision.REJECTED, by="dana", reason="no")
        await self.reviews.decide(CAMPAIGN, decided)

    def made(self, ago: timedelta) -> None:
        """Let the drafts be that old."""
        at = datetime.now(UTC) - ago
        self.stored.execute("UPDATE drafts SET created_at = ?", round(at.timestamp() * 1000))


@pytest.fixture
async def reviewing(tmp_path: Path) -> AsyncIterator[Reviewing]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'outrider.db'}")
    await database.migrate()
    await database.close()
    stored = StoredCampaigns(tmp_path / "outrider.db")
    yield Reviewing(stored)
    await stored.database.close()
    stored.assert_trail_is_whole()


def until_now(result: WindowResult) -> timedelta:
    assert result.hold is not None
    return result.hold.until - datetime.now(UTC)


async def test_what_nobody_decided_about_waits_for_a_person(reviewing: Reviewing) -> None:
    await reviewing.begin(mode="all")
    result = await reviewing.look()
    assert (result.counts, result.open, result.left) == ({}, LEADS, [(1, LEADS)])
    assert result.hold is not None
    assert result.hold.reason is HoldReason.REVIEW
    assert timedelta(hours=5, minutes=59) < until_now(result) <= timedelta(hours=6)
    waits = (await reviewing.stored.campaigns.get(CAMPAIGN)).waits
    assert waits is not None
    assert (waits.stage, waits.reason) == (Stage.REVIEW, HoldReason.REVIEW)


async def test_what_is_decided_goes_on_and_the_others_stay(reviewing: Reviewing) -> None:
    await reviewing.begin(mode="all")
    await reviewing.approve([(1, 3), (7, 7)])
    await reviewing.reject(5)
    result = await reviewing.look()
    assert result.counts == {"done": 4, "rejected": 1}
    assert (result.left, result.open) == ([(4, 4), (6, 6), (8, LEADS)], 5)
    await reviewing.approve(None)
    result = await reviewing.look()
    assert (result.counts, result.open, result.left, result.hold) == ({"done": 9, "rejected": 1}, 0, [], None)
    assert (await reviewing.stored.campaigns.get(CAMPAIGN)).waits is None


async def test_a_look_is_no_later_than_the_deadline(reviewing: Reviewing) -> None:
    await reviewing.begin(mode="all", deadline="1h")
    reviewing.made(timedelta(minutes=50))
    assert timedelta(minutes=9) < until_now(await reviewing.look()) <= timedelta(minutes=10)


async def test_past_the_deadline_it_is_said_once_and_nothing_is_sent(reviewing: Reviewing) -> None:
    await reviewing.begin(mode="all", deadline="1h")
    reviewing.made(timedelta(hours=2))
    with capture_logs() as lines:
        for _ in range(3):
            result = await reviewing.look()
            assert result.hold is not None
            assert result.hold.reason is HoldReason.REVIEW_OVERDUE
            assert until_now(result) > timedelta(hours=5)
            assert (result.counts, result.open) == ({}, LEADS)
    assert [line["event"] for line in lines].count("review.overdue") == 1
    reminders = reviewing.stored.rows("SELECT kind, by, number FROM campaign_events")
    assert reminders == [{"kind": "reminded", "by": "", "number": 0}]
    assert reviewing.stored.rows("SELECT number FROM drafts WHERE decision IS NOT NULL") == []


async def test_a_rejected_sample_holds_the_others_for_a_persons_word(reviewing: Reviewing) -> None:
    await reviewing.begin(mode="sample", size=2, seed=1)
    bad, good = sorted(sample(range(1, LEADS + 1), 2, 1))
    await reviewing.reject(bad)
    await reviewing.approve([(good, good)])
    result = await reviewing.look()
    assert result.hold is not None
    assert (result.hold.reason, result.open) == (HoldReason.SAMPLE_REJECTED, LEADS - 2)
    await reviewing.approve(None)
    assert (await reviewing.look()).counts == {"done": LEADS - 1, "rejected": 1}


async def test_an_approved_sample_lets_all_go(reviewing: Reviewing) -> None:
    await reviewing.begin(mode="sample", size=2, seed=1)
    assert (await reviewing.look()).open == LEADS
    for number in sample(range(1, LEADS + 1), 2, 1):
        await reviewing.approve([(number, number)])
    result = await reviewing.look()
    assert (result.counts, result.open, result.hold) == ({"done": LEADS}, 0, None)
