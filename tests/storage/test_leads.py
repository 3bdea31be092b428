"""Drafting stores each lead's draft, message and first event once, however often its window is repeated."""

from stored_campaigns import CAMPAIGN, StoredCampaigns, new_message

from domain.lead import LeadEnd, LeadState, NewLead
from domain.ports import NewMessage


def person(name: str, email: str) -> NewLead:
    return NewLead(source_identity=name, email=email, name=f"{name} Example", extra={"team": "core"}, source="a list")


async def drafts_of(stored: StoredCampaigns, first: int, last: int) -> list[NewMessage]:
    leads = await stored.leads.undrafted(CAMPAIGN, first, last)
    return [new_message(CAMPAIGN, lead.number, lead.email) for lead in leads]


def counted(stored: StoredCampaigns, table: str) -> int:
    (row,) = stored.rows(f"SELECT count(*) AS count FROM {table}")  # noqa: S608 the test's own names
    count: int = row["count"]
    return count


async def test_undrafted_are_the_open_leads_of_the_window_by_number(stored: StoredCampaigns) -> None:
    await stored.create(leads=6)
    messages = await drafts_of(stored, 2, 3)
    await stored.leads.store_drafts(CAMPAIGN, messages, [LeadEnd(number=5, state=LeadState.FAILED, reason="no_facts")])
    assert [lead.number for lead in await stored.leads.undrafted(CAMPAIGN, 1, 6)] == [1, 4, 6]
    assert [lead.number for lead in await stored.leads.undrafted(CAMPAIGN, 2, 5)] == [4]


async def test_a_lead_comes_back_as_it_was_given(stored: StoredCampaigns) -> None:
    given = NewLead(
        source_identity="ada",
        email="Ada@Example.com",
        name="Ada Example",
        company="Example Labs",
        location="Exampleville",
        timezone="Europe/Berlin",
        permission_basis="consent",
        extra={"team": "Köln"},
        source="the list people.csv",
    )
    await stored.create(leads=[given])
    (lead,) = await stored.leads.undrafted(CAMPAIGN, 1, 1)
    assert lead.model_dump(exclude={"number", "opt_out_token", "login", "repository"}) == given.model_dump(
        exclude={"source_identity"}
    )
    assert (lead.number, lead.opt_out_token) == (1, stored.keys.opt_out_token(CAMPAIGN, 1))


async def test_a_window_that_is_stored_twice_adds_nothing(stored: StoredCampaigns) -> None:
    await stored.create(leads=5)
    messages = await drafts_of(stored, 1, 4)
    end = LeadEnd(number=5, state=LeadState.FAILED, reason="no_facts")
    await stored.leads.store_drafts(CAMPAIGN, messages, [end])
    before = stored.rows("SELECT * FROM messages")
    for _ in range(2):
        await stored.leads.store_drafts(CAMPAIGN, messages, [end])
    assert {table: counted(stored, table) for table in ("drafts", "messages", "message_events")} == {
        "drafts": 4,
        "messages": 4,
        "message_events": 4,
    }
    assert stored.rows("SELECT * FROM messages") == before


async def test_what_one_attempt_stored_stays_when_another_comes_to_another_result(stored: StoredCampaigns) -> None:
    await stored.create(leads=2)
    first, second = await drafts_of(stored, 1, 2)
    await stored.leads.store_drafts(CAMPAIGN, [first], [LeadEnd(number=2, state=LeadState.FAILED, reason="no_facts")])
    changed = first.model_copy(update={"draft": first.draft.model_copy(update={"text": "Another text"})})
    late = LeadEnd(number=1, state=LeadState.FAILED, reason="too_long")
    await stored.leads.store_drafts(CAMPAIGN, [changed, second], [late])
    assert [row["text"] for row in stored.rows("SELECT text FROM drafts")] == ["Text 1\n"]
    assert await stored.leads.drafting_counts(CAMPAIGN, 1, 2) == {"done": 1, "failed": 1}
    assert stored.rows("SELECT number, reason FROM leads WHERE ended IS NOT NULL") == [
        {"number": 2, "reason": "no_facts"}
    ]


async def test_a_half_stored_window_is_completed(stored: StoredCampaigns) -> None:
    await stored.create(leads=4)
    messages = await drafts_of(stored, 1, 4)
    await stored.leads.store_drafts(CAMPAIGN, messages[:2], [])
    await stored.leads.store_drafts(CAMPAIGN, messages, [])
    assert stored.states() == ["scheduled"] * 4
    assert [stored.trail(number) for number in range(1, 5)] == [[("scheduled", "drafted")]] * 4


async def test_the_second_lead_of_one_address_is_skipped_and_leaves_no_event(stored: StoredCampaigns) -> None:
    twins = [person("ada", "ada@example.com"), person("bo", "bo@example.com"), person("ada2", "ADA@Example.com")]
    await stored.create(leads=twins)
    messages = await drafts_of(stored, 1, 3)
    for _ in range(2):
        await stored.leads.store_drafts(CAMPAIGN, messages, [])
    assert await stored.leads.drafting_counts(CAMPAIGN, 1, 3) == {"done": 2, "skipped": 1}
    assert stored.rows("SELECT number, ended, reason FROM leads WHERE ended IS NOT NULL") == [
        {"number": 3, "ended": "skipped", "reason": "same_address"}
    ]
    assert counted(stored, "messages") == 2
    assert stored.trail(3) == []


async def test_the_second_lead_of_one_address_may_come_windows_later(stored: StoredCampaigns) -> None:
    await stored.create(leads=[person("ada", "ada@example.com"), person("ada2", "ada@example.com")])
    for number in (1, 2):
        await stored.leads.store_drafts(CAMPAIGN, await drafts_of(stored, number, number), [])
    assert await stored.leads.drafting_counts(CAMPAIGN, 1, 2) == {"done": 1, "skipped": 1}


async def test_the_same_person_may_be_in_two_campaigns(stored: StoredCampaigns) -> None:
    await stored.schedule("campaign-a", leads=2)
    await stored.schedule("campaign-b", leads=2)
    assert stored.states("campaign-a") == stored.states("campaign-b") == ["scheduled", "scheduled"]


async def test_a_message_that_must_not_be_sent_is_listed_as_skipped_with_its_reason(stored: StoredCampaigns) -> None:
    await stored.create(leads=1)
    await stored.leads.store_drafts(
        CAMPAIGN, [new_message(CAMPAIGN, 1, "person1@example.com", skipped="no_permission_basis")], []
    )
    assert (stored.message()["state"], stored.message()["reason"]) == ("skipped", "no_permission_basis")
    assert stored.trail() == [("skipped", "no_permission_basis")]


async def test_a_message_carries_the_identities_that_the_ledger_compares(stored: StoredCampaigns) -> None:
    await stored.schedule(leads=[person("ada", "Ada@Example.COM")])
    row = stored.message()
    assert row["recipient"] == "Ada@Example.COM"
    assert row["receiver"] == "example.com"
    assert row["address_identity"] == stored.keys.address_identity("ada@example.com")
    assert row["domain_identity"] == stored.keys.domain_identity("example.com")


async def test_nothing_to_store_is_nothing_stored(stored: StoredCampaigns) -> None:
    await stored.create(leads=1)
    await stored.leads.store_drafts(CAMPAIGN, [], [])
    assert await stored.leads.drafting_counts(CAMPAIGN, 1, 1) == {"open": 1}
