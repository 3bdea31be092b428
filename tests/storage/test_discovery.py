"""A page is stored once and whole, whoever else is at it, and lead numbers have no gaps."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from itertools import pairwise

import pytest
from databases import ONLY_SQLITE
from scripted_source import contribution, page, repository, searching
from sqlalchemy.exc import DBAPIError
from statement_plans import Statements
from stored_campaigns import CAMPAIGN, OTHER, StoredCampaigns

from domain.errors import NotFound
from domain.source_ports import Seen, Slice, SliceCounts
from domain.sourcing import Onlooker, PassedOver, SourcePage
from storage.discovery import DiscoveryRows

FIRST = Slice(number=1, query="slice a", cursor="")


@pytest.fixture
async def discoveries(stored: StoredCampaigns) -> DiscoveryRows:
    """Of a campaign with two slices and nobody found."""
    await stored.create(leads=0, of=searching())
    rows = DiscoveryRows(stored.database, stored.keys)
    assert await rows.cut(CAMPAIGN, ["slice a", "slice b"]) == 2
    return rows


def found(stored: StoredCampaigns, campaign_id: str = CAMPAIGN) -> dict[int, str]:
    """Logins of the leads by number."""
    rows = stored.rows("SELECT number, login FROM leads WHERE campaign_id = ? ORDER BY number", campaign_id)
    return {row["number"]: row["login"] for row in rows}


def everything(stored: StoredCampaigns) -> list[list[dict[str, object]]]:
    tables = ("campaigns", "leads", "slices", "pages", "repositories", "contributions", "onlookers")
    return [stored.rows(f"SELECT * FROM {table}") for table in tables]  # noqa: S608 names of our own


async def test_slices_are_cut_once(discoveries: DiscoveryRows) -> None:
    assert await discoveries.cut(CAMPAIGN, ["another", "plan", "of slices"]) == 2
    assert await discoveries.open_slices(CAMPAIGN, 1, 10) == [FIRST, Slice(number=2, query="slice b", cursor="")]
    assert await discoveries.open_slices(CAMPAIGN, 2, 2) == [Slice(number=2, query="slice b", cursor="")]
    with pytest.raises(NotFound):
        await discoveries.cut("campaign-nobody", ["slice"])


@pytest.mark.parametrize("cursors", [["", "2", "2"], ["", "2", "3", "2"], ["", ""], ["", "2", "3", ""]])
async def test_a_slice_that_goes_round_in_circles_ends_and_says_that_it_was_not_read_to_its_end(
    stored: StoredCampaigns, discoveries: DiscoveryRows, cursors: list[str]
) -> None:
    for number, (cursor, behind) in enumerate(pairwise(cursors)):
        slice_ = FIRST.model_copy(update={"cursor": cursor})
        assert await discoveries.store_page(CAMPAIGN, slice_, page([f"p{number}"], next_cursor=behind), [])
    assert await discoveries.open_slices(CAMPAIGN, 1, 1) == []
    (row,) = stored.rows("SELECT state, incomplete, pages FROM slices WHERE number = 1")
    assert (row["state"], bool(row["incomplete"]), row["pages"]) == ("done", True, len(cursors) - 1)
    assert len(found(stored)) == len(cursors) - 1, "what was on its pages stays"


async def test_a_slice_without_end_ends(
    stored: StoredCampaigns, discoveries: DiscoveryRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.discovery._MOST_PAGES", 3)
    for number in range(3):
        (slice_,) = await discoveries.open_slices(CAMPAIGN, 1, 1)
        await discoveries.store_page(CAMPAIGN, slice_, page(["ada"], next_cursor=f"c{number}"), [])
    (row,) = stored.rows("SELECT state, incomplete, pages FROM slices WHERE number = 1")
    assert (row["state"], bool(row["incomplete"]), row["pages"]) == ("done", True, 3)


async def test_a_page_numbers_its_people_and_moves_its_slice_on(
    stored: StoredCampaigns, discoveries: DiscoveryRows
) -> None:
    shown = page(["ada", "bo", "cy"], next_cursor="2").model_copy(update={"gone": 2, "incomplete": True})
    assert await discoveries.store_page(CAMPAIGN, FIRST, shown, []) == 3
    assert found(stored) == {1: "ada", 2: "bo", 3: "cy"}
    assert (await stored.campaigns.get(CAMPAIGN)).numbered == 3
    assert (await discoveries.open_slices(CAMPAIGN, 1, 1)) == [FIRST.model_copy(update={"cursor": "2"})]
    (lead,) = stored.rows("SELECT * FROM leads WHERE number = 2")
    assert (lead["source_identity"], lead["email"], lead["address_identity"]) == ("github:U_bo", "", "")
    assert (lead["fit"], lead["enriched_at"], lead["ended"], lead["extra"]) == (None, None, None, "{}")
    assert lead["opt_out_token"] == stored.keys.opt_out_token(CAMPAIGN, 2)
    (row,) = stored.rows("SELECT pages, gone, points, incomplete, state FROM slices WHERE number = 1")
    assert row == {"pages": 1, "gone": 2, "points": 1, "incomplete": 1, "state": "open"}
    (stored_page,) = stored.rows("SELECT slice, cursor, people, looked_at FROM pages")
    assert stored_page == {"slice": 1, "cursor": "", "people": 3, "looked_at": 3}


async def test_the_last_page_ends_its_slice_and_what_was_said_before_stays(discoveries: DiscoveryRows) -> None:
    await discoveries.store_page(
        CAMPAIGN, FIRST, page(["ada"], next_cursor="2").model_copy(update={"incomplete": True}), []
    )
    assert (
        await discoveries.store_page(CAMPAIGN, FIRST.model_copy(update={"cursor": "2"}), page(["ada", "bo"]), []) == 1
    )
    assert await discoveries.open_slices(CAMPAIGN, 1, 1) == []
    assert await discoveries.counted(CAMPAIGN, 1, 2) == SliceCounts(slices=2, numbered=2, counts={"done": 1}, open=1)
    assert (await discoveries.seen(CAMPAIGN)).incomplete == 1


async def test_a_zombies_page_changes_nothing_but_what_was_spent(
    stored: StoredCampaigns, discoveries: DiscoveryRows
) -> None:
    assert await discoveries.store_page(CAMPAIGN, FIRST, page(["ada"], next_cursor="2"), []) == 1
    before = everything(stored)
    free = page(["ada", "bo"], next_cursor="3").model_copy(update={"points": 0})
    assert await discoveries.store_page(CAMPAIGN, FIRST, free, []) is None
    assert await discoveries.store_page(CAMPAIGN, Slice(number=9, query="", cursor=""), page(["bo"]), []) is None
    assert everything(stored) == before


async def test_two_attempts_at_one_page_at_once_store_it_once(
    stored: StoredCampaigns, discoveries: DiscoveryRows
) -> None:
    attempts = [discoveries.store_page(CAMPAIGN, FIRST, page(["ada", "bo"], next_cursor="2"), []) for _ in range(4)]
    assert Counter(await asyncio.gather(*attempts)) == {2: 1, None: 3}
    assert found(stored) == {1: "ada", 2: "bo"}
    assert len(stored.rows("SELECT * FROM pages")) == 1
    spent = "SELECT pages, points FROM slices WHERE number = 1"
    assert stored.rows(spent) == [{"pages": 1, "points": 4}], "what it cost is gone"
    await discoveries.spent(CAMPAIGN, FIRST, 7)
    assert stored.rows(spent) == [{"pages": 1, "points": 11}]


async def test_one_person_on_several_pages_is_one_lead_with_all_their_work(
    stored: StoredCampaigns, discoveries: DiscoveryRows
) -> None:
    shown = SourcePage(
        repositories=(repository("widgets"), repository("gadgets")),
        contributions=(contribution("ada"), contribution("bo"), contribution("ada", "gadgets", commits=7)),
    )
    await discoveries.store_page(CAMPAIGN, FIRST, shown, [])
    second = Slice(number=2, query="slice b", cursor="")
    await discoveries.store_page(CAMPAIGN, second, page(["cy", "bo", "ada"], where="gizmos"), [])
    assert found(stored) == {1: "ada", 2: "bo", 3: "cy"}
    work = stored.rows("SELECT repository, commits FROM contributions WHERE identity = 'U_ada' ORDER BY repository")
    assert [tuple(row.values()) for row in work] == [("R_gadgets", 7), ("R_gizmos", 5), ("R_widgets", 5)]
    assert (await discoveries.counted(CAMPAIGN, 1, 2)).numbered == 3


async def test_four_windows_at_once_number_densely_and_count_everybody_once(stored: StoredCampaigns) -> None:
    """Each slice shows people of its own, some that all slices show, and a bot that all of them show."""
    await stored.create(leads=0, of=searching())
    discoveries = DiscoveryRows(stored.database, stored.keys)
    await discoveries.cut(CAMPAIGN, [f"slice {number}" for number in range(1, 5)])

    async def go_through(number: int) -> None:
        for at in range(10):
            people = [f"own-{number}-{at}-{index}" for index in range(5)] + [
                f"shared-{at}-{index}" for index in range(3)
            ]
            last = at == 9
            shown = page(people, next_cursor=None if last else str(at + 1), where=f"r-{number}-{at}")
            bots = (Onlooker(identity="U_bot", reason=PassedOver.BOT),)
            slice_ = Slice(number=number, query="", cursor=str(at) if at else "")
            assert await discoveries.store_page(
                CAMPAIGN, slice_, shown.model_copy(update={"passed_over": bots}), ["own-1-0-0"]
            )

    await asyncio.gather(*(go_through(number) for number in range(1, 5)))
    numbers = found(stored)
    assert list(numbers) == list(range(1, 4 * 50 - 1 + 30 + 1))
    assert len(set(numbers.values())) == len(numbers)
    assert await discoveries.counted(CAMPAIGN, 1, 4) == SliceCounts(
        slices=4, numbered=len(numbers), counts={"done": 4}, open=0
    )
    assert await discoveries.seen(CAMPAIGN) == Seen(
        looked_at=len(numbers) + 2,
        leads=len(numbers),
        passed_over={PassedOver.BOT: 1, PassedOver.EXCLUDED: 1},
        repositories=40,
        pages=40,
        incomplete=0,
        gone=0,
        points=40,
    )
    (people,) = stored.rows("SELECT sum(people) AS sum FROM pages")
    assert people["sum"] == len(numbers), "each lead was brought by exactly one page"


async def test_whoever_was_passed_over_stays_so_and_a_lead_stays_a_lead(
    stored: StoredCampaigns, discoveries: DiscoveryRows
) -> None:
    odd = SourcePage(passed_over=(Onlooker(identity="U_ada", reason=PassedOver.ORGANIZATION),), next_cursor="2")
    await discoveries.store_page(CAMPAIGN, FIRST, odd, [])
    back = page(["ada", "bo"], next_cursor="3")
    await discoveries.store_page(CAMPAIGN, FIRST.model_copy(update={"cursor": "2"}), back, [])
    again = SourcePage(passed_over=(Onlooker(identity="U_bo", reason=PassedOver.BOT),))
    await discoveries.store_page(CAMPAIGN, FIRST.model_copy(update={"cursor": "3"}), again, [])
    assert found(stored) == {1: "bo"}
    seen = await discoveries.seen(CAMPAIGN)
    assert (seen.looked_at, seen.leads, seen.passed_over) == (2, 1, {PassedOver.ORGANIZATION: 1})


async def test_excluded_logins_are_passed_over_whatever_their_capitals(
    stored: StoredCampaigns, discoveries: DiscoveryRows
) -> None:
    await discoveries.store_page(CAMPAIGN, FIRST, page(["Ada", "bo"]), ["ADA"])
    assert found(stored) == {1: "bo"}
    assert (await discoveries.seen(CAMPAIGN)).passed_over == {PassedOver.EXCLUDED: 1}


async def test_a_split_slice_is_replaced_by_its_parts_in_one_transaction(discoveries: DiscoveryRows) -> None:
    too_much = SourcePage(split=("older", "newer"), points=1)
    assert await discoveries.store_page(CAMPAIGN, FIRST, too_much, []) == 0
    again = await discoveries.store_page(CAMPAIGN, FIRST, too_much, [])
    assert again is None, "a second attempt adds no more parts"
    left = await discoveries.open_slices(CAMPAIGN, 1, 10)
    assert [(one.number, one.query) for one in left] == [(2, "slice b"), (3, "older"), (4, "newer")]
    assert await discoveries.counted(CAMPAIGN, 1, 2) == SliceCounts(slices=4, numbered=0, counts={"split": 1}, open=1)
    seen = await discoveries.seen(CAMPAIGN)
    assert (seen.pages, seen.points) == (0, 2)


async def test_what_fails_in_the_middle_leaves_the_slice_where_it_was(
    stored: StoredCampaigns, discoveries: DiscoveryRows
) -> None:
    """The last row of a page is refused by the database: nobody of it is stored, and nothing is numbered."""
    before = everything(stored)
    stored.execute("ALTER TABLE pages RENAME TO elsewhere")
    with pytest.raises(DBAPIError, match="pages"):
        await discoveries.store_page(CAMPAIGN, FIRST, page(["ada"], next_cursor="2"), [])
    stored.execute("ALTER TABLE elsewhere RENAME TO pages")
    assert everything(stored) == before
    assert await discoveries.store_page(CAMPAIGN, FIRST, page(["ada"], next_cursor="2"), [])
    assert found(stored) == {1: "ada"}


async def test_enough_closes_what_is_open_and_nothing_else(stored: StoredCampaigns, discoveries: DiscoveryRows) -> None:
    await discoveries.store_page(CAMPAIGN, FIRST, page(["ada", "bo", "cy"]), [])
    assert not await discoveries.enough(CAMPAIGN, 1)
    stored.execute("UPDATE leads SET fit = 0 WHERE number < 3")
    assert await discoveries.enough(CAMPAIGN, 2)
    assert not await discoveries.enough(CAMPAIGN, 3)
    await discoveries.not_needed(CAMPAIGN, 1, 2)
    counted = await discoveries.counted(CAMPAIGN, 1, 2)
    assert (counted.counts, counted.open) == ({"done": 1, "not_needed": 1}, 0)


async def test_campaigns_do_not_see_each_others_people(stored: StoredCampaigns, discoveries: DiscoveryRows) -> None:
    await stored.create(OTHER, leads=0, of=searching())
    await discoveries.cut(OTHER, ["slice a"])
    await discoveries.store_page(CAMPAIGN, FIRST, page(["ada", "bo"]), [])
    await discoveries.store_page(OTHER, FIRST, page(["bo"]), [])
    assert (found(stored), found(stored, OTHER)) == ({1: "ada", 2: "bo"}, {1: "bo"})


PEOPLE = 20_000


async def test_a_page_may_bring_more_people_than_a_statement_takes_parameters(
    stored: StoredCampaigns, discoveries: DiscoveryRows
) -> None:
    everybody = [f"p{number}" for number in range(1, PEOPLE + 1)]
    assert await discoveries.store_page(CAMPAIGN, FIRST, page(everybody, next_cursor="2"), []) == PEOPLE
    seen = tuple(Onlooker(identity=f"U_{who}", reason=PassedOver.BOT) for who in [*everybody, "bot"])
    later = page(["ada"]).model_copy(update={"passed_over": seen})
    assert await discoveries.store_page(CAMPAIGN, FIRST.model_copy(update={"cursor": "2"}), later, []) == 1
    assert found(stored)[PEOPLE + 1] == "ada"
    assert (await discoveries.seen(CAMPAIGN)).passed_over == {PassedOver.BOT: 1}, "who is a lead stays one"


@pytest.fixture
def large(stored: StoredCampaigns, discoveries: DiscoveryRows) -> DiscoveryRows:
    """With 20,000 leads and onlookers; no statistics."""
    with closing(sqlite3.connect(stored.path)) as connection, connection:
        connection.execute(
            "WITH RECURSIVE n(number) AS (VALUES (1) UNION ALL SELECT number + 1 FROM n WHERE number < ?)"
            " INSERT INTO leads (campaign_id, number, source_identity, address_identity, domain_identity, email, name,"
            " company, location, timezone, permission_basis, extra, source, opt_out_token, created_at)"
            " SELECT ?, number, 'github:' || number, '', '', '', '', '', '', '', '', '{}', '', number, 1 FROM n",
            (PEOPLE, CAMPAIGN),
        )
        connection.execute("INSERT INTO onlookers SELECT campaign_id, 'O' || number, 'bot' FROM leads")
        connection.execute("UPDATE campaigns SET numbered = ?", (PEOPLE,))
    return discoveries


@ONLY_SQLITE
async def test_no_statement_of_a_page_reads_a_whole_table(stored: StoredCampaigns, large: DiscoveryRows) -> None:
    statements = Statements(stored)
    shown = page(["ada", "bo"], next_cursor="2").model_copy(
        update={"passed_over": (Onlooker(identity="U_bot", reason=PassedOver.BOT),)}
    )
    assert await large.store_page(CAMPAIGN, FIRST, shown, [])
    assert await large.open_slices(CAMPAIGN, 1, 2)
    await large.enough(CAMPAIGN, 200)
    await large.counted(CAMPAIGN, 1, 2)
    await large.not_needed(CAMPAIGN, 1, 2)
    assert statements.scans() == []
    highest_slice, enough = sorted(statements.over_whole_campaigns(), reverse=True)
    assert "slices USING COVERING INDEX" in highest_slice, "it is the last entry of that index"
    assert "leads USING COVERING INDEX ix_leads_campaign_id_fit_number" in enough, "counted up to a limit"
    assert found(stored)[PEOPLE + 1] == "ada"
