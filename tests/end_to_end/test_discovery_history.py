"""What a searched campaign leaves in Temporal's history: few events, whatever is searched."""

from collections import Counter
from typing import Any

import pytest
from local_world import World, searching
from truth_table import assert_dense

from client.connection import connect
from domain import wire
from domain.campaign import CampaignSpec

MOST_EVENTS = {"github": 60, "repositories": 80}
"""For 1,000 leads and each stage that they go through. A thousand names with two people each fill no windows."""

STAGES = (wire.DISCOVER_PEOPLE, wire.ENRICH_LEADS, wire.DRAFT_MESSAGES, wire.SEND_MESSAGES)


def by_name(repositories: list[str]) -> CampaignSpec:
    """The same people, by the names of their repositories."""
    plain = searching().model_dump(mode="json", by_alias=True, exclude_defaults=True)
    audience = {"source": "repositories", "repositories": repositories, "max_leads": 50_000}
    return CampaignSpec.model_validate(plain | {"audience": audience})


@pytest.mark.timeout(120)
@pytest.mark.parametrize("source", MOST_EVENTS)
async def test_events_for_a_thousand_leads_and_each_stage(world: World, source: str) -> None:
    github = world.start_github("--people", "6000", "--repositories", "3500", "--focus", "0.8", "--no-secondary")
    wanted: dict[str, Any] = {"language": "Python", "topic": "testing"}
    names = github.get("/truth", **wanted)["active_repositories"]
    world.start_worker()
    async with world.client() as client:
        started = await client.create(searching() if source == "github" else by_name(names[:1000]), [])
        await client.result(started.campaign_id)
        leads = len(assert_dense(world, started.campaign_id))
        handle = (await connect(world.settings)).get_workflow_handle(started.campaign_id, run_id=started.run_id)
        events = (await handle.fetch_history()).events
    assert events[-1].HasField("workflow_execution_completed_event_attributes"), "it took one run only"
    windows = Counter(
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in events
        if event.HasField("activity_task_scheduled_event_attributes")
    )
    print(f"{leads} leads, {len(events)} events, {dict(windows)}")  # noqa: T201 the figure itself
    assert all(windows[stage] for stage in STAGES)
    assert leads > 1_800
    assert len(events) <= MOST_EVENTS[source] * len(STAGES) * leads / 1_000
