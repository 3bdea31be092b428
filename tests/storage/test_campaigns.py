"""A campaign is created with all its people or not at all, and its row says how it stands."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from local_world import people, spec
from sqlalchemy.exc import IntegrityError
from stored_campaigns import CAMPAIGN, OTHER, StoredCampaigns

from domain.campaign import CampaignStatus, Stage
from domain.errors import InputError, NotFound
from domain.report import RejectedRow
from domain.wire import Control, Hold, HoldReason


async def test_leads_are_numbered_from_1_without_gaps_in_their_order(stored: StoredCampaigns) -> None:
    await stored.create(leads=250)
    rows = stored.rows("SELECT number, email FROM leads ORDER BY number")
    assert [row["number"] for row in rows] == list(range(1, 251))
    assert [row["email"] for row in rows] == [person.email for person in people(250)]
    assert (await stored.campaigns.get(CAMPAIGN)).numbered == 250


async def test_a_new_campaign_is_queued_and_keeps_its_spec(stored: StoredCampaigns) -> None:
    given = spec(connections=7, not_after="2031-01-31")
    await stored.create(of=given)
    campaign = await stored.campaigns.get(CAMPAIGN)
    assert campaign.spec == given
    assert (campaign.status, campaign.control, campaign.stage) == (CampaignStatus.QUEUED, Control.RUN, None)
    assert (campaign.started_at, campaign.finished_at, campaign.waits) == (None, None, None)
    assert datetime.now(UTC) - campaign.created_at < timedelta(seconds=30)


async def test_creating_is_all_or_nothing(stored: StoredCampaigns) -> None:
    twice_the_same = [*people(3), *people(1)]
    with pytest.raises(IntegrityError):
        await stored.create(leads=twice_the_same, rejected=[RejectedRow(line=3, reason="no address")])
    for table in ("campaigns", "leads", "errors"):
        assert stored.rows(f"SELECT * FROM {table}") == []  # noqa: S608 the test's own names
    await stored.create(leads=3)
    assert (await stored.campaigns.get(CAMPAIGN)).numbered == 3


async def test_an_id_that_is_taken_is_refused_and_the_campaign_there_is_left_as_it_was(
    stored: StoredCampaigns,
) -> None:
    await stored.create(leads=2)
    with pytest.raises(InputError, match=f"campaign {CAMPAIGN} exists already"):
        await stored.create(leads=5)
    assert len(stored.rows("SELECT number FROM leads")) == 2


async def test_of_two_who_create_one_id_at_once_one_wins(stored: StoredCampaigns) -> None:
    outcomes = await asyncio.gather(*(stored.create(leads=50) for _ in range(4)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InputError"] * 3 + ["NoneType"]
    assert len(stored.rows("SELECT number FROM leads")) == 50


async def test_a_campaign_without_people_can_be_stored(stored: StoredCampaigns) -> None:
    await stored.create(leads=[])
    assert (await stored.campaigns.get(CAMPAIGN)).numbered == 0


async def test_rejected_rows_are_kept_with_line_and_reason(stored: StoredCampaigns) -> None:
    await stored.create(rejected=[RejectedRow(line=3, reason="no address"), RejectedRow(line=9, reason="twice")])
    rows = stored.rows("SELECT kind, line, message, number FROM errors ORDER BY line")
    assert rows == [
        {"kind": "rejected_row", "line": 3, "message": "no address", "number": None},
        {"kind": "rejected_row", "line": 9, "message": "twice", "number": None},
    ]


async def test_an_unknown_campaign_is_not_found(stored: StoredCampaigns) -> None:
    with pytest.raises(NotFound, match="no campaign elsewhere") as refused:
        await stored.campaigns.get("elsewhere")
    assert refused.value.hint == "outrider list"


async def test_all_campaigns_are_listed_the_newest_first(stored: StoredCampaigns) -> None:
    await stored.create()
    await stored.create(OTHER)
    stored.execute("UPDATE campaigns SET created_at = created_at - 5000 WHERE campaign_id = ?", CAMPAIGN)
    assert [campaign.campaign_id for campaign in await stored.campaigns.all()] == [OTHER, CAMPAIGN]


async def test_the_first_start_and_the_first_end_stay(stored: StoredCampaigns) -> None:
    await stored.create()
    moments = []
    for status in (CampaignStatus.RUNNING, CampaignStatus.RUNNING, CampaignStatus.COMPLETED, CampaignStatus.COMPLETED):
        await stored.campaigns.set_status(CAMPAIGN, status, Stage.REPORTING)
        campaign = await stored.campaigns.get(CAMPAIGN)
        moments.append((campaign.started_at, campaign.finished_at))
        await asyncio.sleep(0.005)
    assert moments[0] == moments[1]
    assert moments[2] == moments[3]
    assert moments[0][0] == moments[2][0]
    assert (moments[0][1], moments[2][1] is not None) == (None, True)


async def test_a_hold_says_what_is_waited_for_and_since_when(stored: StoredCampaigns) -> None:
    await stored.create()
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
    hold = Hold(until=until, reason=HoldReason.RELAY_UNREACHABLE)
    await stored.campaigns.set_hold(CAMPAIGN, Stage.SENDING, hold)
    first = (await stored.campaigns.get(CAMPAIGN)).waits
    assert first is not None
    assert (first.stage, first.reason, first.until) == (Stage.SENDING, HoldReason.RELAY_UNREACHABLE, until)

    await asyncio.sleep(0.005)
    longer = hold.model_copy(update={"until": until + timedelta(minutes=5)})
    await stored.campaigns.set_hold(CAMPAIGN, Stage.SENDING, longer)
    again = (await stored.campaigns.get(CAMPAIGN)).waits
    assert again is not None
    assert (again.since, again.until) == (first.since, longer.until), "the same reason goes on: since stays"

    other = Hold(until=until, reason=HoldReason.MAILBOX_STOPPED)
    await stored.campaigns.set_hold(CAMPAIGN, Stage.SENDING, other)
    changed = (await stored.campaigns.get(CAMPAIGN)).waits
    assert changed is not None
    assert changed.since > first.since

    await stored.campaigns.set_hold(CAMPAIGN, Stage.SENDING, None)
    assert (await stored.campaigns.get(CAMPAIGN)).waits is None


async def test_a_window_that_changes_nothing_writes_nothing(stored: StoredCampaigns) -> None:
    """Else each window would wait for whoever writes, and the ledger for it."""
    await stored.create()
    await stored.campaigns.set_hold(CAMPAIGN, Stage.SENDING, None)
    async with stored.database.write(), asyncio.timeout(5):
        await stored.campaigns.set_hold(CAMPAIGN, Stage.SENDING, None)
        await stored.campaigns.set_hold(CAMPAIGN, Stage.PERSONALIZATION, None)
    assert (await stored.campaigns.get(CAMPAIGN)).stage is Stage.SENDING


async def test_a_campaign_that_has_ended_waits_for_nothing(stored: StoredCampaigns) -> None:
    await stored.create()
    hold = Hold(until=datetime.now(UTC) + timedelta(hours=1), reason=HoldReason.WINDOW_CLOSED)
    await stored.campaigns.set_hold(CAMPAIGN, Stage.SENDING, hold)
    await stored.campaigns.set_status(CAMPAIGN, CampaignStatus.FAILED, Stage.SENDING)
    assert (await stored.campaigns.get(CAMPAIGN)).waits is None


async def test_a_stage_ends_its_own_wait_and_no_others(stored: StoredCampaigns) -> None:
    await stored.create()
    hold = Hold(until=datetime.now(UTC) + timedelta(hours=1), reason=HoldReason.REVIEW)
    await stored.campaigns.set_hold(CAMPAIGN, Stage.REVIEW, hold)
    await stored.campaigns.set_hold(CAMPAIGN, Stage.SENDING, None)
    waits = (await stored.campaigns.get(CAMPAIGN)).waits
    assert waits is not None
    assert (waits.stage, waits.reason) == (Stage.REVIEW, HoldReason.REVIEW)
    await stored.campaigns.set_hold(CAMPAIGN, Stage.REVIEW, None)
    assert (await stored.campaigns.get(CAMPAIGN)).waits is None
    row = "SELECT waiting_stage, waiting_reason, waiting_since, waiting_until FROM campaigns"
    assert set(stored.rows(row)[0].values()) == {None}


async def test_priority_is_the_middle_one_unless_somebody_says_otherwise(stored: StoredCampaigns) -> None:
    await stored.create()
    await stored.campaigns.create(OTHER, spec(), [], [], priority=1)
    found = [(await stored.campaigns.get(campaign_id)).priority for campaign_id in (CAMPAIGN, OTHER)]
    assert found == [3, 1]
