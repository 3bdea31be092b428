"""The figures a campaign ends with are those of its end, for whoever has followed it too."""

from datetime import timedelta

import pytest
from local_world import World, people, spec

from client import workflow_progress
from client.connection import connect
from domain.campaign import Stage
from domain.wire import REVIEW_DRAFTS

LEADS = 10


async def test_an_answer_that_is_kept_is_not_the_last(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decisions are looked at once more after the approval, and the answer that is kept is from before it."""
    monkeypatch.setattr(workflow_progress, "_KEPT_SECONDS", 3600.0)
    monkeypatch.setattr(workflow_progress, "_PATIENCE", timedelta(seconds=20))  # the machine may be busy
    world.start_worker()
    async with world.client() as client:
        started = await client.create(spec(review={"mode": "all"}), people(LEADS))
        async for progress in client.follow(started.campaign_id, every=0.02):
            if progress.run is not None and progress.undecided == LEADS:
                break
        await client.approve(started.campaign_id)
        await client.result(started.campaign_id)
        last = (await client.progress(started.campaign_id)).stages[Stage.REVIEW].tries
    history = await (await connect(world.settings)).get_workflow_handle(started.campaign_id).fetch_history()
    asked = [event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events]
    assert last == asked.count(REVIEW_DRAFTS)
    assert last != progress.stages[Stage.REVIEW].tries, "it was asked before the end"
