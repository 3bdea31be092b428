"""A lead is enriched once; addresses and places are given in the transaction, by lead number."""

import asyncio
import json
import re
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from databases import ONLY_SQLITE
from scripted_source import NOW, contribution, page, profile, repository, searching
from sqlalchemy.exc import IntegrityError
from statement_plans import Statements
from stored_campaigns import CAMPAIGN, OTHER, StoredCampaigns, new_message

from domain.enriching import ended
from domain.lead import LeadEnd, LeadState, NewLead
from domain.source_ports import Enriched, Slice
from domain.sourcing import SourcePage
from storage.discovery import DiscoveryRows
from storage.enrichment import PeopleRows

FIRST = Slice(number=1, query="slice", cursor="")
LONG_AGO = NOW - timedelta(days=7)
MANY = 1000


@pytest.fixture
def people(stored: StoredCampaigns) -> PeopleRows:
    """Over an empty database."""
    return PeopleRows(stored.database, stored.keys)


async def find(stored: StoredCampaigns, *who: str, campaign_id: str = CAMPAIGN) -> None:
    """A campaign that has found these people, on pages of a thousand."""
    await stored.create(campaign_id, leads=0, of=searching())
    discoveries = DiscoveryRows(stored.database, stored.keys)
    await discoveries.cut(campaign_id, ["slice"])
    for start in range(0, len(who), 1000):
        here = FIRST.model_copy(update={"cursor": str(start) if start else ""})
        following = str(start + 1000) if start + 1000 < len(who) else None
        assert await discoveries.store_page(campaign_id, here, page(who[start : start + 1000], following), [])


def reachable(number: int, who: str, email: str | None = None, fit: float = 0.5) -> Enriched:
    """Somebody who can be written to."""
    said = profile(who, email)
    return Enriched(
        number=number, profile=said, email=said.email, repository="R_widgets", fit=fit, reasons={"stars": fit}
    )


def unreachable(number: int, who: str, reason: str = "no_public_address") -> Enriched:
    """Somebody whose profile says that they cannot."""
    end = LeadEnd(number=number, state=LeadState.SKIPPED, reason=reason)
    return Enriched(number=number, profile=profile(who, email=""), repository="R_widgets", ended=end)


def outcomes(stored: StoredCampaigns, campaign_id: str = CAMPAIGN) -> dict[int, str]:
    """Why each lead ended, or that it can be written to, or nothing yet."""
    rows = stored.rows("SELECT * FROM leads WHERE campaign_id = ? ORDER BY number", campaign_id)
    return {row["number"]: row["reason"] or ("fit" if row["fit"] is not None else "") for row in rows}


async def test_what_was_found_comes_with_all_work_and_its_repositories(
    stored: StoredCampaigns, people: PeopleRows
) -> None:
    await find(stored, "ada", "bo", "cy")
    await DiscoveryRows(stored.database, stored.keys).cut(CAMPAIGN, [])
    stored.execute("UPDATE slices SET state = 'open', cursor = '2'")
    more = SourcePage(
        repositories=(repository("gadgets", stars=7),),
        contributions=(contribution("ada", "gadgets", commits=9, offsets={-330: 8, 0: 1}),),
    )
    discoveries = DiscoveryRows(stored.database, stored.keys)
    assert await discoveries.store_page(CAMPAIGN, FIRST.model_copy(update={"cursor": "2"}), more, []) == 0
    ada, bo = await people.unenriched(CAMPAIGN, 1, 2, LONG_AGO)
    assert (ada.number, ada.identity, ada.login, ada.known) == (1, "U_ada", "ada", None)
    assert ada.contributions == (contribution("ada", "gadgets", 9, offsets={-330: 8, 0: 1}), contribution("ada"))
    assert ada.repositories == (repository("gadgets", stars=7), repository())
    assert (bo.number, bo.contributions) == (2, (contribution("bo"),))


async def test_somebody_without_their_repository_is_found_all_the_same(
    stored: StoredCampaigns, people: PeopleRows
) -> None:
    await find(stored, "ada")
    stored.execute("DELETE FROM repositories")
    (ada,) = await people.unenriched(CAMPAIGN, 1, 1, LONG_AGO)
    assert [one.identity for one in ada.repositories] == ["R_widgets"]


async def test_a_profile_fills_the_lead_in(stored: StoredCampaigns, people: PeopleRows) -> None:
    await find(stored, "ada")
    said = profile("ada-2", email="ada@example.com", company="Example Labs", location="Köln", identity="U_ada")
    result = Enriched(
        number=1, profile=said, email="ada@example.com", timezone="UTC+02:00", repository="R_widgets", fit=0.75,
        reasons={"stars": 0.5, "recency": 0.25},
    )  # fmt: skip
    await people.store_enriched(CAMPAIGN, [result], MANY)
    (row,) = stored.rows("SELECT * FROM leads")
    assert (row["email"], row["name"], row["company"]) == ("ada@example.com", "Ada-2 Example", "Example Labs")
    assert (row["location"], row["timezone"], row["login"]) == ("Köln", "UTC+02:00", "ada-2")
    assert row["address_identity"] == stored.keys.address_identity("ada@example.com")
    assert row["domain_identity"] == stored.keys.domain_identity("example.com")
    assert row["source"] == f"your public GitHub profile github.com/ada-2, read on {NOW:%Y-%m-%d}"
    assert (row["repository"], row["fit"], row["ended"]) == ("R_widgets", 0.75, None)
    assert json.loads(row["fit_reasons"]) == {"stars": 0.5, "recency": 0.25}
    assert row["enriched_at"] is not None
    (lead,) = await stored.leads.undrafted(CAMPAIGN, 1, 1)
    assert lead.email == "ada@example.com"


async def test_a_mail_states_the_share_of_the_commits_that_were_read(
    stored: StoredCampaigns, people: PeopleRows
) -> None:
    await stored.create(leads=0, of=searching())
    await stored.discoveries.cut(CAMPAIGN, ["slice"])
    busy = repository(commits=5000).model_copy(update={"commits_read": 1000})
    shown = SourcePage(repositories=(busy,), contributions=(contribution("ada", commits=400),))
    await stored.discoveries.store_page(CAMPAIGN, FIRST, shown, [])
    await people.store_enriched(CAMPAIGN, [reachable(1, "ada")], MANY)
    (lead,) = await stored.leads.undrafted(CAMPAIGN, 1, 1)
    assert lead.repository is not None
    assert (lead.repository.commits, lead.repository.share_percent) == (400, 40)


async def test_what_is_stored_stays_and_a_zombie_changes_nothing(stored: StoredCampaigns, people: PeopleRows) -> None:
    await find(stored, "ada", "bo", "cy")
    await people.store_enriched(CAMPAIGN, [reachable(1, "ada"), unreachable(2, "bo")], MANY)
    before = stored.rows("SELECT * FROM leads")
    await people.store_enriched(CAMPAIGN, [unreachable(1, "ada", "account_gone"), reachable(2, "bo")], MANY)
    assert stored.rows("SELECT * FROM leads") == before
    assert [one.number for one in await people.unenriched(CAMPAIGN, 1, 3, LONG_AGO)] == [3]
    assert await people.enrichment_counts(CAMPAIGN, 1, 3) == {"done": 1, "skipped": 1, "open": 1}
    assert await people.enrichment_counts(CAMPAIGN, 1, 1) == {"done": 1}


@pytest.mark.parametrize(
    ("state", "days_ago", "ada"),
    [
        ("sent", 10, "contacted_recently"),
        ("in_doubt", 10, "contacted_recently"),
        ("sent", 40, "fit"),
        ("claimed", 0, "fit"),
        ("failed", 10, "fit"),
    ],
)
async def test_whoever_another_campaign_wrote_to_takes_nobodys_place(
    stored: StoredCampaigns, people: PeopleRows, state: str, days_ago: int, ada: str
) -> None:
    await stored.schedule(OTHER, [NewLead(source_identity="ada", email="Ada@example.com", name="Ada Example")])
    await find(stored, "ada", "bo")
    identity, at = stored.keys.address_identity("ada@example.com"), NOW - timedelta(days=days_ago)
    stored.execute("UPDATE messages SET state = ?", state)
    stored.execute("UPDATE message_events SET state = ?", state)
    stored.execute("INSERT INTO contacts VALUES (?, ?, ?, ?)", identity, OTHER, int(at.timestamp() * 1000), None)
    since = NOW - timedelta(days=30)
    await people.store_enriched(CAMPAIGN, [reachable(1, "ada"), reachable(2, "bo")], 1, contacted_since=since)
    assert outcomes(stored) == {1: ada, 2: "enough_people" if ada == "fit" else "fit"}


async def test_whoever_somebody_has_ended_meanwhile_is_not_opened_again(
    stored: StoredCampaigns, people: PeopleRows
) -> None:
    await find(stored, "ada")
    stored.execute("UPDATE leads SET ended = 'cancelled', reason = ''")
    await people.store_enriched(CAMPAIGN, [reachable(1, "ada")], MANY)
    assert stored.rows("SELECT ended, fit, email FROM leads") == [{"ended": "cancelled", "fit": None, "email": ""}]
    assert await people.enrichment_counts(CAMPAIGN, 1, 1) == {"cancelled": 1}


async def test_the_second_lead_with_one_address_ends_by_number_not_by_order(
    stored: StoredCampaigns, people: PeopleRows
) -> None:
    await find(stored, "ada", "bo", "cy", "di", "ed")
    shared = "team@example.com"
    await people.store_enriched(CAMPAIGN, [reachable(3, "cy", shared), reachable(2, "bo", shared)], MANY)
    assert outcomes(stored) == {1: "", 2: "fit", 3: "same_address", 4: "", 5: ""}
    await people.store_enriched(
        CAMPAIGN, [reachable(1, "ada", "TEAM@EXAMPLE.COM"), reachable(4, "di"), unreachable(5, "ed")], MANY
    )
    assert outcomes(stored) == {1: "same_address", 2: "fit", 3: "same_address", 4: "fit", 5: "no_public_address"}


async def test_an_address_whose_first_owner_ended_is_free_and_other_campaigns_have_their_own(
    stored: StoredCampaigns, people: PeopleRows
) -> None:
    await find(stored, "ada", "bo")
    await find(stored, "ada", campaign_id=OTHER)
    low = replace(unreachable(1, "ada", "below_score"), email="team@example.com")
    await people.store_enriched(CAMPAIGN, [low], MANY)
    await people.store_enriched(CAMPAIGN, [reachable(2, "bo", "team@example.com")], MANY)
    await people.store_enriched(OTHER, [reachable(1, "ada", "team@example.com")], MANY)
    assert (outcomes(stored), outcomes(stored, OTHER)) == ({1: "below_score", 2: "fit"}, {1: "fit"})


async def test_places_are_given_by_number_until_there_are_enough(stored: StoredCampaigns, people: PeopleRows) -> None:
    await find(stored, "ada", "bo", "cy", "di", "ed")
    await people.store_enriched(CAMPAIGN, [reachable(5, "ed")], 3)
    batch = [reachable(4, "di"), reachable(3, "cy"), unreachable(1, "ada"), reachable(2, "bo")]
    await people.store_enriched(CAMPAIGN, batch, 3)
    assert outcomes(stored) == {1: "no_public_address", 2: "fit", 3: "fit", 4: "enough_people", 5: "fit"}
    assert await DiscoveryRows(stored.database, stored.keys).enough(CAMPAIGN, 3)


@pytest.mark.parametrize(("max_leads", "enough"), [(2, True), (3, True), (4, False)])
async def test_it_is_enough_when_every_place_is_taken(
    stored: StoredCampaigns, people: PeopleRows, max_leads: int, *, enough: bool
) -> None:
    await find(stored, "ada", "bo", "cy")
    discoveries = DiscoveryRows(stored.database, stored.keys)
    for number, who in ((1, "ada"), (2, "bo"), (3, "cy")):
        assert not await discoveries.enough(CAMPAIGN, 3)
        await people.store_enriched(CAMPAIGN, [reachable(number, who)], max_leads)
    assert await discoveries.enough(CAMPAIGN, max_leads) == enough


async def test_four_windows_at_once_give_exactly_as_many_places_and_no_address_twice(
    stored: StoredCampaigns, people: PeopleRows
) -> None:
    await find(stored, *(f"p{number}" for number in range(1, 81)))

    async def window(first: int) -> None:
        batch = [
            reachable(number, f"p{number}", f"team{number % 30}@example.com") for number in range(first, first + 20)
        ]
        await people.store_enriched(CAMPAIGN, batch, 25)

    await asyncio.gather(*(window(first) for first in (1, 21, 41, 61)))
    said = outcomes(stored)
    assert sum(one == "fit" for one in said.values()) == 25
    (distinct,) = stored.rows("SELECT count(DISTINCT email) AS addresses FROM leads WHERE fit IS NOT NULL")
    assert distinct["addresses"] == 25
    assert set(said.values()) == {"fit", "same_address", "enough_people"}
    assert await people.enrichment_counts(CAMPAIGN, 1, 80) == {"done": 25, "skipped": 55}


async def test_people_whom_another_campaign_has_read_are_known_while_that_is_fresh(
    stored: StoredCampaigns, people: PeopleRows
) -> None:
    await find(stored, "ada", "bo", "cy")
    await find(stored, "cy", "ada", campaign_id=OTHER)
    await people.store_enriched(CAMPAIGN, [reachable(1, "ada"), unreachable(3, "cy")], MANY)
    cy, ada = await people.unenriched(OTHER, 1, 2, LONG_AGO)
    assert (ada.known, cy.known) == (profile("ada"), profile("cy", email=""))
    cy, ada = await people.unenriched(OTHER, 1, 2, NOW + timedelta(seconds=1))
    assert (ada.known, cy.known) == (None, None)


async def test_an_older_profile_never_replaces_a_newer_one(stored: StoredCampaigns, people: PeopleRows) -> None:
    await find(stored, "ada")
    await find(stored, "ada", campaign_id=OTHER)
    await people.store_enriched(CAMPAIGN, [reachable(1, "ada", "new@example.com")], MANY)
    older = profile("ada", "old@example.com", read_at=NOW - timedelta(days=1))
    late = Enriched(number=1, profile=older, email=older.email, fit=0.5, reasons={"stars": 0.5})
    await people.store_enriched(OTHER, [late], MANY)
    (row,) = stored.rows("SELECT profile FROM people")
    assert json.loads(row["profile"])["email"] == "new@example.com"


async def test_what_fails_in_the_middle_leaves_everybody_unenriched(
    stored: StoredCampaigns, people: PeopleRows
) -> None:
    await find(stored, "ada", "bo")
    nowhere = replace(reachable(2, "bo"), repository=None)  # type: ignore[arg-type]  # what no row takes
    with pytest.raises(IntegrityError):
        await people.store_enriched(CAMPAIGN, [reachable(1, "ada"), nowhere], MANY)
    assert outcomes(stored) == {1: "", 2: ""}
    assert stored.rows("SELECT * FROM people") == []


async def test_the_account_that_is_gone_keeps_its_login_and_nothing_else(
    stored: StoredCampaigns, people: PeopleRows
) -> None:
    await find(stored, "ada")
    await people.store_enriched(CAMPAIGN, [ended(1, "account_gone")], MANY)
    (row,) = stored.rows("SELECT login, email, source, reason FROM leads")
    assert row == {"login": "ada", "email": "", "source": "", "reason": "account_gone"}
    assert stored.rows("SELECT * FROM people") == []


async def test_only_the_best_stay_and_the_lower_number_wins(stored: StoredCampaigns, people: PeopleRows) -> None:
    await find(stored, "ada", "bo", "cy", "di", "ed", "flo")
    fits = {1: 0.2, 2: 0.9, 3: 0.5, 4: 0.5, 6: 0.1}
    batch = [reachable(number, f"p{number}", fit=fit) for number, fit in fits.items()]
    await people.store_enriched(CAMPAIGN, [*batch, unreachable(5, "ed")], MANY)
    assert await people.keep_top(CAMPAIGN, 2) == 3
    top = {1: "not_among_top", 2: "fit", 3: "fit", 4: "not_among_top", 5: "no_public_address", 6: "not_among_top"}
    assert outcomes(stored) == top
    stored.execute("UPDATE leads SET ended = 'cancelled', reason = 'by hand' WHERE number = 2")
    assert await people.keep_top(CAMPAIGN, 2) == 0, "nobody moves up or down when somebody ended"
    assert await people.keep_top(CAMPAIGN, 6) == 0
    assert outcomes(stored) == {**top, 2: "by hand"}
    assert await people.enrichment_counts(CAMPAIGN, 1, 6) == {"done": 5, "skipped": 1}


SCORES = {"ada": 0.1, "bo": 0.9, "cy": 0.5, "di": 0.9, "ed": 0.3}
TEAM = "team@example.com"


@pytest.mark.parametrize("order", [("ada", "bo", "cy"), ("bo", "ada", "cy"), ("cy", "ada", "bo"), ("cy", "bo", "ada")])
async def test_of_a_shared_address_the_best_is_ranked_in_whatever_order_they_came(
    stored: StoredCampaigns, people: PeopleRows, order: tuple[str, ...]
) -> None:
    await find(stored, *order)
    for number, who in enumerate(order, start=1):
        email = None if who == "cy" else TEAM
        await people.store_enriched(CAMPAIGN, [reachable(number, who, email, SCORES[who])], 2)
    counts = await people.enrichment_counts(CAMPAIGN, 1, 3)
    for _ in range(2):
        await people.keep_top(CAMPAIGN, 1)
        said = outcomes(stored)
        assert {who: said[number] for number, who in enumerate(order, start=1)} == {
            "ada": "same_address", "bo": "fit", "cy": "not_among_top",
        }  # fmt: skip
    assert await people.enrichment_counts(CAMPAIGN, 1, 3) == counts == {"done": 2, "skipped": 1}
    (bo,) = await stored.leads.undrafted(CAMPAIGN, 1, 3)
    assert (bo.login, bo.email) == ("bo", TEAM)
    assert stored.rows("SELECT fit FROM leads WHERE login = 'bo'") == [{"fit": 0.9}]


async def test_equal_scores_at_one_address_leave_it_to_the_lower_number(
    stored: StoredCampaigns, people: PeopleRows
) -> None:
    await find(stored, "bo", "di", "ada", "ed")
    for number, who in ((4, "ed"), (3, "ada"), (2, "di"), (1, "bo")):
        await people.store_enriched(CAMPAIGN, [reachable(number, who, TEAM, SCORES[who])], MANY)
    await people.keep_top(CAMPAIGN, 3)
    assert outcomes(stored) == {1: "fit", 2: "same_address", 3: "same_address", 4: "same_address"}


@pytest.mark.parametrize(
    "meanwhile", ["UPDATE leads SET ended = 'cancelled', reason = 'by hand' WHERE number = 1", "draft"]
)
async def test_a_shared_address_stays_where_it_is_once_somebody_decided_or_drafted(
    stored: StoredCampaigns, people: PeopleRows, meanwhile: str
) -> None:
    await find(stored, "ada", "bo")
    await people.store_enriched(CAMPAIGN, [reachable(1, "ada", TEAM, 0.1), reachable(2, "bo", TEAM, 0.9)], MANY)
    if meanwhile == "draft":
        await stored.leads.store_drafts(CAMPAIGN, [new_message(CAMPAIGN, 1, TEAM)], [])
    else:
        stored.execute(meanwhile)
    before = outcomes(stored)
    await people.keep_top(CAMPAIGN, 1)
    assert outcomes(stored) == before


async def test_whoever_has_a_draft_already_is_not_ended_by_a_later_ranking(
    stored: StoredCampaigns, people: PeopleRows
) -> None:
    await find(stored, "ada", "bo")
    await people.store_enriched(CAMPAIGN, [reachable(1, "ada", fit=0.1), reachable(2, "bo", fit=0.9)], MANY)
    await stored.leads.store_drafts(CAMPAIGN, [new_message(CAMPAIGN, 1, "ada@example.com")], [])
    assert await people.keep_top(CAMPAIGN, 1) == 0
    assert outcomes(stored) == {1: "fit", 2: "fit"}


PEOPLE = 20_000
MORE_THAN_PARAMETERS = 33_000


async def test_a_window_may_hold_more_people_than_a_statement_takes_parameters(
    stored: StoredCampaigns, people: PeopleRows
) -> None:
    everybody = [f"p{number}" for number in range(1, MORE_THAN_PARAMETERS + 1)]
    await stored.create(leads=0, of=searching())
    await stored.discoveries.cut(CAMPAIGN, ["slice"])
    assert await stored.discoveries.store_page(CAMPAIGN, FIRST, page(everybody), [])
    found = await people.unenriched(CAMPAIGN, 1, MORE_THAN_PARAMETERS, LONG_AGO)
    assert [(one.login, one.contributions[0].identity) for one in found] == [(who, f"U_{who}") for who in everybody]
    results = [Enriched(number=one.number, profile=None, email=f"{one.login}@example.com", fit=0.5) for one in found]
    await people.store_enriched(CAMPAIGN, results, MORE_THAN_PARAMETERS)
    assert await people.enrichment_counts(CAMPAIGN, 1, MORE_THAN_PARAMETERS) == {"done": MORE_THAN_PARAMETERS}


@ONLY_SQLITE
async def test_a_hundred_of_twenty_thousand_are_enriched_by_their_indexes(
    stored: StoredCampaigns, people: PeopleRows
) -> None:
    await find(stored, *(f"p{number}" for number in range(1, PEOPLE + 1)))
    stored.execute("UPDATE leads SET fit = 0.5, enriched_at = 1, address_identity = number WHERE number > 10000")
    stored.execute("INSERT INTO people SELECT identity, '{}', 0 FROM contributions")
    statements = Statements(stored)
    found = await people.unenriched(CAMPAIGN, 1, 100, LONG_AGO)
    batch = [reachable(one.number, one.login) for one in found]
    began = time.perf_counter()
    await people.store_enriched(CAMPAIGN, batch, 50_000)
    seconds = time.perf_counter() - began
    counts = await people.enrichment_counts(CAMPAIGN, 1, 100)
    assert counts == {"done": 100}
    assert seconds < 0.2, "about 0.01 s on an idle machine; a scan for each lead takes many seconds"
    assert statements.scans() == []
    (counted,) = statements.over_whole_campaigns()
    assert "COVERING INDEX ix_leads_campaign_id_fit_number" in counted, "how many can be written to, up to a limit"
    await people.keep_top(CAMPAIGN, 10)
    assert [step for step in statements.scans() if not re.search("ix_leads_campaign_id_fit_number", step)] == []
