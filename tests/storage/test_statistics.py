"""PostgreSQL knows about how large a campaign is while it grows, before its own look at the tables."""

import json

import pytest
from databases import ONLY_POSTGRESQL
from scripted_source import contribution, repository, searching
from stored_campaigns import CAMPAIGN, OTHER, StoredCampaigns, new_message

from domain.source_ports import Slice
from domain.sourcing import Onlooker, PassedOver, SourcePage

FOUND = ("leads", "onlookers", "repositories", "contributions")
DRAFTED = ("drafts", "messages", "message_events")
PAGE = 10


async def search(stored: StoredCampaigns, campaign_id: str, people: int) -> None:
    """A campaign of one slice: each page has a repository, ten people who become leads and ten who do not."""
    await stored.create(campaign_id, leads=0, of=searching(max_leads=people))
    await stored.discoveries.cut(campaign_id, ["slice"])
    for first in range(0, people, PAGE):
        place = f"{campaign_id}-{first}"
        page = SourcePage(
            repositories=(repository(place),),
            contributions=tuple(contribution(f"{place}-{one}", place) for one in range(PAGE)),
            passed_over=tuple(Onlooker(identity=f"B_{first}_{one}", reason=PassedOver.BOT) for one in range(PAGE)),
            next_cursor=str(first + PAGE),
        )
        slice_ = Slice(number=1, query="slice", cursor=str(first) if first else "")
        assert await stored.discoveries.store_page(campaign_id, slice_, page, []) == PAGE


async def draft(stored: StoredCampaigns, campaign_id: str, people: int) -> None:
    """Drafts for all of them, in windows."""
    for first in range(1, people, 100):
        numbers = range(first, min(first + 100, people + 1))
        new = [new_message(campaign_id, number, f"{number}@{campaign_id}.example.com") for number in numbers]
        await stored.leads.store_drafts(campaign_id, new, [])


def expected(stored: StoredCampaigns, table: str, campaign_id: str) -> int:
    """How many rows of a campaign the server believes to be there."""
    (row,) = stored.rows(
        f"EXPLAIN (FORMAT JSON) SELECT 1 FROM {table} WHERE campaign_id = '{campaign_id}'"  # noqa: S608 our own names
    )
    (described,) = json.loads(row["QUERY PLAN"])
    rows: int = described["Plan"]["Plan Rows"]
    return rows


@ONLY_POSTGRESQL
@pytest.mark.parametrize("people", [520, 2_040])
async def test_beside_another_campaign_it_is_wrong_by_a_factor_of_two(stored: StoredCampaigns, people: int) -> None:
    await search(stored, OTHER, 1_500)
    await draft(stored, OTHER, 1_500)
    stored.execute("ANALYZE")
    assert expected(stored, "leads", CAMPAIGN) <= 1
    await search(stored, CAMPAIGN, people)
    await draft(stored, CAMPAIGN, people)
    for table in (*FOUND, *DRAFTED):
        real = people / PAGE if table == "repositories" else people
        assert 1 / 2.2 < expected(stored, table, CAMPAIGN) / real < 2.2, table


@ONLY_POSTGRESQL
async def test_people_of_a_file_are_counted_as_they_come(stored: StoredCampaigns) -> None:
    await stored.create(leads=600)
    assert expected(stored, "leads", CAMPAIGN) == 600


@ONLY_POSTGRESQL
async def test_a_user_who_may_only_read_and_write_is_not_kept_from_it(stored: StoredCampaigns) -> None:
    stored.execute("DROP ROLE IF EXISTS writer; CREATE ROLE writer LOGIN IN ROLE pg_read_all_data, pg_write_all_data")
    as_writer = StoredCampaigns(stored.url.replace("postgres@", "writer@"))
    try:
        await as_writer.create(leads=600)
    finally:
        await as_writer.database.close()
    assert expected(stored, "leads", CAMPAIGN) < 60, "only the owner may have the server look"


@ONLY_POSTGRESQL
async def test_people_are_stored_where_the_server_fails_to_look(stored: StoredCampaigns) -> None:
    stored.execute(
        "CREATE FUNCTION sore(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN"
        " IF current_query() LIKE 'ANALYZE%' THEN RAISE EXCEPTION 'damaged'; END IF; RETURN 1; END $$;"
        "CREATE INDEX sore_leads ON leads (sore(number))"
    )
    await stored.create(leads=600)
    assert stored.rows("SELECT count(*) AS count FROM leads") == [{"count": 600}]
    assert expected(stored, "leads", CAMPAIGN) < 60
