"""Everybody of a window is asked for once, or not at all where they are known; every end has its reason."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from scripted_source import NOW, ScriptedSource, page, profile, searching
from stored_campaigns import CAMPAIGN, OTHER, StoredCampaigns
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.enrichment import AT_ONCE, EnrichmentActivities
from domain.campaign import CampaignSpec, Stage
from domain.errors import InputError, SourceWait
from domain.source_ports import Slice
from domain.sourcing import Profile
from domain.wire import NOT_UNDERSTOOD, Hold, HoldReason, WindowResult, WindowTask
from storage.discovery import DiscoveryRows
from storage.enrichment import PeopleRows

LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=20)


class Enriching:
    """Campaigns over one source, and the activity in its environment."""

    def __init__(self, stored: StoredCampaigns, profiles: Sequence[Profile], seconds: float = 0.0) -> None:
        self.stored = stored
        self.source = ScriptedSource(profiles=profiles, seconds=seconds)
        self.environment = ActivityEnvironment()
        self._discoveries = DiscoveryRows(stored.database, stored.keys)
        people = PeopleRows(stored.database, stored.keys)
        self._activities = EnrichmentActivities(stored.campaigns, self._discoveries, people, self.source)

    async def find(self, who: Sequence[str], campaign_id: str = CAMPAIGN, of: CampaignSpec | None = None) -> None:
        """A campaign that has found these people."""
        await self.stored.create(campaign_id, leads=0, of=of or searching())
        await self._discoveries.cut(campaign_id, ["slice"])
        slice_ = Slice(number=1, query="slice", cursor="")
        assert await self._discoveries.store_page(campaign_id, slice_, page(who), [])

    async def enrich(self, first: int, last: int, campaign_id: str = CAMPAIGN) -> WindowResult:
        task = WindowTask(campaign_id=campaign_id, stage=Stage.ENRICHMENT, first=first, last=last)
        return await self.environment.run(self._activities.enrich_leads, task)

    def reasons(self, campaign_id: str = CAMPAIGN) -> dict[str, int]:
        """How many leads ended for each reason; "" = they did not."""
        rows = self.stored.rows("SELECT reason FROM leads WHERE campaign_id = ?", campaign_id)
        return Counter(row["reason"] or "" for row in rows)


def crowd(count: int) -> list[str]:
    return [f"p{number}" for number in range(1, count + 1)]


async def test_a_window_is_judged_whole_and_every_reason_is_counted(stored: StoredCampaigns) -> None:
    said = [
        profile("ada", location="Köln, Germany"),
        profile("bo", email=""),
        profile("cy", email="cy@mail.example.org"),
        profile("di", location="Spain"),
        profile("flo", email="ada@example.com", location="Germany"),
        profile("gil-2", identity="U_gil"),
    ]
    enriching = Enriching(stored, said)
    enriching.source.unreadable = {"U_hal"}
    spec = searching(locations=["Germany"], exclude={"domains": ["example.org"], "logins": ["gil-2"]})
    await enriching.find(["ada", "bo", "cy", "di", "ed", "flo", "gil", "hal"], of=spec)
    assert await enriching.enrich(1, 8) == WindowResult(counts={"done": 1, "skipped": 7}, open=0)
    rows = stored.rows("SELECT login, coalesce(reason, 'fit') AS reason FROM leads ORDER BY number")
    assert {row["login"]: row["reason"] for row in rows} == {
        "ada": "fit",
        "bo": "no_public_address",
        "cy": "excluded_domain",
        "di": "other_location",
        "ed": "account_gone",
        "flo": "same_address",
        "gil-2": "excluded_login",
        "hal": "profile_unreadable",
    }
    assert (await enriching.enrich(1, 8)).counts == {"done": 1, "skipped": 7}
    assert len(enriching.source.people_asked) == 1, "whoever is judged is not asked for again"


async def test_people_are_asked_for_by_the_hundred(stored: StoredCampaigns) -> None:
    who = crowd(2 * AT_ONCE + 50)
    enriching = Enriching(stored, [profile(one) for one in who])
    await enriching.find(who)
    result = await enriching.enrich(1, len(who))
    assert (result.counts, result.open) == ({"done": len(who)}, 0)
    assert [len(asked) for asked in enriching.source.people_asked] == [AT_ONCE, AT_ONCE, 50]
    assert [one for asked in enriching.source.people_asked for one in asked] == [f"U_{one}" for one in who]


async def test_people_known_from_another_campaign_cost_nothing_while_that_is_fresh(stored: StoredCampaigns) -> None:
    stale = NOW - timedelta(days=7, minutes=1)
    enriching = Enriching(
        stored, [profile("ada"), profile("bo", email=""), profile("cy", read_at=stale), profile("di")]
    )
    await enriching.find(["ada", "bo", "cy"])
    await enriching.enrich(1, 3)
    await enriching.find(["ada", "bo", "cy", "di"], OTHER)
    assert (await enriching.enrich(1, 4, OTHER)).counts == {"done": 3, "skipped": 1}
    assert enriching.source.people_asked == [["U_ada", "U_bo", "U_cy"], ["U_cy", "U_di"]]
    assert enriching.reasons(OTHER) == {"": 3, "no_public_address": 1}


async def test_nobody_is_asked_about_once_enough_people_are_known(stored: StoredCampaigns) -> None:
    who = crowd(250)
    enriching = Enriching(stored, [profile(one) for one in who])
    await enriching.find(who, of=searching(max_leads=60))
    assert (await enriching.enrich(1, 250)).counts == {"done": 60, "skipped": 190}
    assert len(enriching.source.people_asked) == 1
    assert enriching.reasons() == {"": 60, "enough_people": 190}


async def test_a_score_below_the_minimum_ends_a_lead_with_its_reasons(stored: StoredCampaigns) -> None:
    enriching = Enriching(stored, [profile("ada", followers=1000), profile("bo")])
    weights = {"stars": 0, "recency": 0, "share_of_commits": 0, "followers": 1}
    await enriching.find(["ada", "bo"], of=searching(score={"minimum": 0.5, "weights": weights}))
    assert (await enriching.enrich(1, 2)).counts == {"done": 1, "skipped": 1}
    rows = stored.rows("SELECT fit, fit_reasons, reason FROM leads ORDER BY number")
    assert [tuple(row.values()) for row in rows] == [
        (1.0, '{"followers": 1.0}', None),
        (None, '{"followers": 0.0}', "below_score"),
    ]


async def test_a_source_that_cannot_be_asked_holds_the_stage_visibly(stored: StoredCampaigns) -> None:
    who = crowd(150)
    enriching = Enriching(stored, [profile(one) for one in who])
    await enriching.find(who)
    enriching.source.waits = [SourceWait("limit", LATER, "source_limited")]
    hold = Hold(until=LATER, reason=HoldReason.SOURCE_LIMITED)
    assert await enriching.enrich(1, 150) == WindowResult(counts={}, open=150, hold=hold)
    waits = (await stored.campaigns.get(CAMPAIGN)).waits
    assert waits is not None
    assert (waits.stage, waits.reason) == (Stage.ENRICHMENT, HoldReason.SOURCE_LIMITED)
    assert await enriching.enrich(1, 150) == WindowResult(counts={"done": 150}, open=0)
    assert (await stored.campaigns.get(CAMPAIGN)).waits is None


async def test_a_request_that_is_not_understood_pauses_the_campaign(stored: StoredCampaigns) -> None:
    enriching = Enriching(stored, [])
    await enriching.find(["ada"])
    enriching.source.waits = [InputError("does not understand")]
    assert await enriching.enrich(1, 1) == WindowResult(counts={}, open=1, trip=NOT_UNDERSTOOD)


async def test_who_was_not_read_before_a_wait_stays_open_and_what_it_cost_is_counted(stored: StoredCampaigns) -> None:
    enriching = Enriching(stored, [profile("ada"), profile("bo")])
    await enriching.find(["ada", "bo"])
    enriching.source.unread = {"U_bo"}
    assert await enriching.enrich(1, 2) == WindowResult(counts={"done": 1}, open=1)
    enriching.source.waits = [SourceWait("limit", LATER, "source_limited", points=17)]
    assert (await enriching.enrich(1, 2)).open == 1
    enriching.source.unread = set()
    assert await enriching.enrich(1, 2) == WindowResult(counts={"done": 2}, open=0)
    assert stored.rows("SELECT profile_points FROM campaigns") == [{"profile_points": 19}]


@pytest.mark.parametrize("times", [1, 3])
async def test_a_cancelled_window_finishes_the_request_in_hand_and_reraises(
    stored: StoredCampaigns, times: int
) -> None:
    who = crowd(250)
    enriching = Enriching(stored, [profile(one) for one in who], seconds=0.2)
    await enriching.find(who)
    window = asyncio.create_task(enriching.enrich(1, 250))
    await enriching.source.asked(2)
    for _ in range(times):
        window.cancel()
        await asyncio.sleep(0.02)
    with pytest.raises(asyncio.CancelledError):
        await window
    assert len(enriching.source.people_asked) == 2, "nothing new was begun"
    assert (await enriching.enrich(1, 200)).counts == {"done": 200}
    assert len(enriching.source.people_asked) == 2, "what was in hand is stored"
    assert (await enriching.enrich(1, 250)).counts == {"done": 250}


async def test_a_worker_that_shuts_down_gives_back_who_is_not_judged(stored: StoredCampaigns) -> None:
    who = crowd(250)
    enriching = Enriching(stored, [profile(one) for one in who], seconds=0.1)
    await enriching.find(who)
    window = asyncio.create_task(enriching.enrich(1, 250))
    await enriching.source.asked(2)
    enriching.environment.worker_shutdown()
    assert await window == WindowResult(counts={"done": 200}, open=50)


async def test_two_attempts_and_other_windows_at_once_judge_everybody_once(stored: StoredCampaigns) -> None:
    who = crowd(200)
    said = [profile(one, f"team{number // 2}@example.com") for number, one in enumerate(who)]
    enriching = Enriching(stored, said, seconds=0.02)
    zombie = Enriching(stored, said, seconds=0.03)
    await enriching.find(who)
    await asyncio.gather(*(one.enrich(first, first + 49) for one in (enriching, zombie) for first in (1, 51, 101, 151)))
    assert enriching.reasons() == {"": 100, "same_address": 100}
    kept = stored.rows("SELECT number FROM leads WHERE fit IS NOT NULL ORDER BY number")
    assert [row["number"] for row in kept] == list(range(1, 200, 2)), "the lower number of each pair"


async def test_a_campaign_whose_people_are_in_a_file_asks_about_nobody(stored: StoredCampaigns) -> None:
    await stored.create(leads=2)
    enriching = Enriching(stored, [])
    with pytest.raises(ApplicationError) as refused:
        await enriching.enrich(1, 2)
    assert refused.value.non_retryable
    assert enriching.source.people_asked == []
