"""People's decisions: about the text they saw, while it can still be decided about, and never by silence."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_world import spec
from stored_campaigns import CAMPAIGN, StoredCampaigns, new_message

from domain.campaign import CampaignSpec
from domain.errors import InputError, NotFound
from domain.lead import LeadEnd, LeadState
from domain.message import Draft
from domain.review import PERSON, Decided, Decision, Edited, sample
from storage.reviews import ReviewRows

ALL = {"mode": "all"}
SAMPLE = {"mode": "sample", "size": 3, "seed": 7}
OTHER_TEXT = "f" * 64


def reviewed(review: dict[str, Any]) -> CampaignSpec:
    return CampaignSpec.model_validate({**spec().model_dump(mode="json"), "review": review})


async def drafted(
    stored: StoredCampaigns, review: dict[str, Any], leads: int = 4, upto: int | None = None
) -> ReviewRows:
    """A campaign whose leads up to a number have a draft that nobody has decided about."""
    await stored.create(leads=leads, of=reviewed(review))
    await draft(stored, 1, upto or leads)
    return ReviewRows(stored.database)


async def draft(stored: StoredCampaigns, first: int, last: int, **changes: str) -> None:
    found = await stored.leads.undrafted(CAMPAIGN, first, last)
    messages = [new_message(CAMPAIGN, lead.number, lead.email) for lead in found]
    waiting = [message.model_copy(update={"approved_by": "", **changes}) for message in messages]
    await stored.leads.store_drafts(CAMPAIGN, waiting, [])


def decided(number: int, decision: Decision, *, seen: str = "0" * 64, by: str = "dana", reason: str = "") -> Decided:
    return Decided(lead_number=number, step=1, seen=seen, decision=decision, by=by, reason=reason)


def another_text(number: int, *, seen: str = "0" * 64, approved: bool = False) -> Edited:
    new = Draft(number=number, subject="New", text="New\n", html="<p>New</p>", author=PERSON, version="0123456789ab")
    return Edited(seen=seen, draft=new, fingerprint=OTHER_TEXT, by="iris", approved=approved)


def decisions(stored: StoredCampaigns) -> list[tuple[str | None, str | None]]:
    rows = stored.rows("SELECT decision, decided_by FROM drafts ORDER BY number")
    return [(row["decision"], row["decided_by"]) for row in rows]


async def test_approval_is_for_what_waits_and_decisions_stay(stored: StoredCampaigns) -> None:
    reviews = await drafted(stored, ALL, leads=6)
    assert await reviews.approve(CAMPAIGN, [(1, 2), (4, 4)], "dana") == 3
    assert await reviews.approve(CAMPAIGN, [(1, 5)], "iris") == 2
    assert await reviews.approve(CAMPAIGN, None, "kim") == 1
    assert await reviews.approve(CAMPAIGN, None, "kim") == 0
    assert await reviews.approve(CAMPAIGN, [], "kim") == 0
    people = ["dana", "dana", "iris", "dana", "iris", "kim"]
    assert decisions(stored) == [("approved", by) for by in people]
    assert stored.rows("SELECT decided_at FROM drafts WHERE decided_at IS NULL") == []


async def test_a_look_counts_what_is_decided_and_names_what_is_not(stored: StoredCampaigns) -> None:
    reviews = await drafted(stored, ALL, leads=9, upto=6)
    await stored.leads.store_drafts(
        CAMPAIGN,
        [new_message(CAMPAIGN, 7, "person7@example.com", skipped="no_evidence").model_copy(update={"approved_by": ""})],
        [LeadEnd(number=8, state=LeadState.FAILED, reason="draft_rejected:empty_body")],
    )
    await reviews.approve(CAMPAIGN, [(2, 2), (5, 5)], "dana")
    await reviews.decide(CAMPAIGN, decided(3, Decision.REJECTED, reason="wrong person"))
    found = await reviews.look(CAMPAIGN, 1, 9)
    assert found.counts == {"done": 2, "rejected": 1}
    assert found.undecided == [(1, 1), (4, 4), (6, 9)], "7 and 8 get no mail and cut nothing, 9 has no draft yet"
    assert found.open == 4
    assert found.waiting_since is not None
    assert datetime.now(UTC) - found.waiting_since < timedelta(minutes=1)
    inner = await reviews.look(CAMPAIGN, 2, 3)
    assert (inner.counts, inner.undecided, inner.waiting_since) == ({"done": 1, "rejected": 1}, [], None)
    assert await reviews.standing(CAMPAIGN, [(1, 3), (8, 400)]) == {
        "undecided": 2,
        "done": 1,
        "rejected": 1,
        "failed": 1,
    }


async def test_a_rejection_ends_the_message_and_says_why(stored: StoredCampaigns) -> None:
    reviews = await drafted(stored, ALL)
    await reviews.decide(CAMPAIGN, decided(2, Decision.REJECTED, reason="has left the company"))
    assert (stored.message(2)["state"], stored.message(2)["reason"]) == ("skipped", "rejected")
    assert stored.trail(2) == [("scheduled", "drafted"), ("skipped", "rejected")]
    now = await reviews.draft(CAMPAIGN, 2, 1)
    assert (now.decision, now.decided_by, now.decision_reason) == ("rejected", "dana", "has left the company")
    with pytest.raises(InputError, match="lead 2: the draft was rejected by dana already"):
        await reviews.decide(CAMPAIGN, decided(2, Decision.APPROVED))
    assert await reviews.approve(CAMPAIGN, None, "iris") == 3, "approving all does not bring it back"
    assert stored.message(2)["state"] == "skipped"


async def test_what_was_approved_can_be_rejected_until_it_is_taken_to_the_relay(stored: StoredCampaigns) -> None:
    reviews = await drafted(stored, ALL)
    await reviews.approve(CAMPAIGN, None, "dana")
    await reviews.decide(CAMPAIGN, decided(1, Decision.REJECTED, by="iris"))
    assert stored.message(1)["reason"] == "rejected"
    for state, said in [("sent", "was sent already"), ("claimed", "is being sent"), ("in_doubt", "may have been sent")]:
        stored.execute("UPDATE messages SET state = ? WHERE number = 2", state)
        for change in (
            reviews.decide(CAMPAIGN, decided(2, Decision.REJECTED)),
            reviews.edit(CAMPAIGN, another_text(2)),
        ):
            with pytest.raises(InputError, match=said):
                await change
    stored.execute("UPDATE messages SET state = 'scheduled' WHERE number = 2")
    assert decisions(stored)[1] == ("approved", "dana")


async def test_whoever_was_reserved_for_a_rejected_mail_is_free_again(stored: StoredCampaigns) -> None:
    reviews = await drafted(stored, ALL, leads=1)
    identity = stored.keys.address_identity("person1@example.com")
    stored.execute("INSERT INTO contacts VALUES (?, ?, ?, ?)", identity, CAMPAIGN, 2_000, 1_000)
    await reviews.decide(CAMPAIGN, decided(1, Decision.REJECTED))
    contact = stored.contact()
    assert contact is not None
    assert contact["contacted_at"] == 1_000


@pytest.mark.parametrize("decision", Decision)
async def test_nobody_decides_about_a_text_that_was_not_seen(stored: StoredCampaigns, decision: Decision) -> None:
    reviews = await drafted(stored, ALL)
    await reviews.edit(CAMPAIGN, another_text(1))
    with pytest.raises(InputError, match="lead 1: the draft was changed meanwhile"):
        await reviews.decide(CAMPAIGN, decided(1, decision))
    with pytest.raises(InputError, match="changed meanwhile"):
        await reviews.edit(CAMPAIGN, another_text(1))
    assert decisions(stored)[0] == (None, None)
    await reviews.decide(CAMPAIGN, decided(1, decision, seen=OTHER_TEXT))
    assert decisions(stored)[0] == (decision, "dana")


async def test_an_edit_takes_the_approval_back_unless_it_brings_one(stored: StoredCampaigns) -> None:
    reviews = await drafted(stored, ALL)
    await reviews.approve(CAMPAIGN, None, "dana")
    await reviews.edit(CAMPAIGN, another_text(1))
    await reviews.edit(CAMPAIGN, another_text(2, approved=True))
    assert decisions(stored)[:3] == [(None, None), ("approved", "iris"), ("approved", "dana")]
    now = await reviews.draft(CAMPAIGN, 1, 1)
    assert (now.subject, now.text, now.html, now.author) == ("New", "New\n", "<p>New</p>", PERSON)
    assert (now.fingerprint, now.waits) == (OTHER_TEXT, True)
    edits = stored.rows("SELECT kind, by, number, step FROM campaign_events")
    assert edits == [{"kind": "edited", "by": "iris", "number": number, "step": 1} for number in (1, 2)]


async def test_who_is_not_there_is_not_found(stored: StoredCampaigns) -> None:
    reviews = await drafted(stored, ALL)
    with pytest.raises(NotFound, match="lead 9 has no draft of step 1"):
        await reviews.decide(CAMPAIGN, decided(9, Decision.APPROVED))
    with pytest.raises(NotFound, match="no campaign campaign-x"):
        await reviews.queue("campaign-x")


async def test_all_drafts_wait_for_a_person_in_the_order_of_their_numbers(stored: StoredCampaigns) -> None:
    reviews = await drafted(stored, ALL, leads=5, upto=4)
    await reviews.decide(CAMPAIGN, decided(1, Decision.APPROVED))
    await reviews.decide(CAMPAIGN, decided(3, Decision.REJECTED))
    queue = await reviews.queue(CAMPAIGN)
    assert (queue.waiting, queue.others, queue.drawn) == ([(2, 1), (4, 1)], 0, True)


async def test_nothing_waits_where_nobody_reviews(stored: StoredCampaigns) -> None:
    await stored.create(leads=3)
    await draft(stored, 1, 3, approved_by="review: none")
    reviews = ReviewRows(stored.database)
    assert (await reviews.queue(CAMPAIGN)).waiting == []
    assert (await reviews.look(CAMPAIGN, 1, 3)).counts == {"done": 3}
    assert decisions(stored) == [("approved", "review: none")] * 3
    assert stored.rows("SELECT decided_at FROM drafts WHERE decided_at IS NULL") == []


async def test_a_sample_is_drawn_when_everybody_has_a_draft(stored: StoredCampaigns) -> None:
    reviews = await drafted(stored, SAMPLE, leads=20, upto=19)
    early = await reviews.queue(CAMPAIGN)
    assert (early.waiting, early.others, early.drawn) == ([], 19, False)
    assert (await reviews.look(CAMPAIGN, 1, 10)).undecided == [(1, 10)]
    await draft(stored, 20, 20)
    drawn = sorted(sample(range(1, 21), 3, 7))
    queue = await reviews.queue(CAMPAIGN)
    assert (queue.waiting, queue.others, queue.drawn) == ([(number, 1) for number in drawn], 17, True)


async def test_when_all_of_the_sample_is_approved_a_look_lets_the_others_go(stored: StoredCampaigns) -> None:
    reviews = await drafted(stored, SAMPLE, leads=20)
    drawn = sorted(sample(range(1, 21), 3, 7))
    for number in drawn[:-1]:
        await reviews.decide(CAMPAIGN, decided(number, Decision.APPROVED))
    assert (await reviews.look(CAMPAIGN, 1, 20)).counts == {"done": 2}, "two of three are not all"
    await reviews.decide(CAMPAIGN, decided(drawn[-1], Decision.APPROVED))
    found = await reviews.look(CAMPAIGN, 1, 10)
    assert (found.counts, found.undecided, found.sample_rejected) == ({"done": 10}, [], 0)
    expected = [("approved", "dana" if number in drawn else "sample") for number in range(1, 11)]
    assert decisions(stored)[:10] == expected
    assert [by for _, by in decisions(stored)[10:]].count("sample") == 0, "only the window that was looked at"


async def test_when_one_of_the_sample_is_rejected_the_others_wait_for_a_person(stored: StoredCampaigns) -> None:
    reviews = await drafted(stored, SAMPLE, leads=20)
    bad, *good = sorted(sample(range(1, 21), 3, 7))
    await reviews.decide(CAMPAIGN, decided(bad, Decision.REJECTED))
    assert (await reviews.look(CAMPAIGN, 1, 20)).sample_rejected == 0, "the sample is not all looked at"
    assert len((await reviews.queue(CAMPAIGN)).waiting) == 2
    for number in good:
        await reviews.decide(CAMPAIGN, decided(number, Decision.APPROVED))
    found = await reviews.look(CAMPAIGN, 1, 20)
    assert (found.counts, found.sample_rejected) == ({"done": 2, "rejected": 1}, 1)
    queue = await reviews.queue(CAMPAIGN)
    assert (len(queue.waiting), queue.sample_rejected) == (17, 1)
    assert await reviews.approve(CAMPAIGN, None, "dana") == 17
    assert (await reviews.look(CAMPAIGN, 1, 20)).counts == {"done": 19, "rejected": 1}


async def test_an_edited_draft_never_leaves_with_a_sample(stored: StoredCampaigns) -> None:
    reviews = await drafted(stored, SAMPLE, leads=20)
    drawn = sample(range(1, 21), 3, 7)
    outsider = next(number for number in range(1, 21) if number not in drawn)
    await reviews.edit(CAMPAIGN, another_text(outsider))
    for number in drawn:
        await reviews.decide(CAMPAIGN, decided(number, Decision.APPROVED))
    assert (await reviews.look(CAMPAIGN, 1, 20)).undecided == [(outsider, outsider)]
    assert (await reviews.queue(CAMPAIGN)).waiting == [(outsider, 1)]


async def test_who_gets_no_mail_is_in_no_sample(stored: StoredCampaigns) -> None:
    reviews = await drafted(stored, {**SAMPLE, "size": 1}, leads=3, upto=1)
    await draft(stored, 2, 3, skipped="no_permission_basis")
    assert (await reviews.queue(CAMPAIGN)).waiting == [(1, 1)]
    await reviews.decide(CAMPAIGN, decided(1, Decision.REJECTED))
    assert (await reviews.look(CAMPAIGN, 1, 3)).counts == {"rejected": 1, "skipped": 2}


async def test_a_deadline_is_reminded_of_once(stored: StoredCampaigns) -> None:
    reviews = await drafted(stored, {**ALL, "deadline": "1h"}, leads=3)
    hour = timedelta(hours=1)
    for number in (1, 2, 3):
        made = datetime.now(UTC) - 2 * hour + timedelta(seconds=number)
        stored.execute("UPDATE drafts SET created_at = ? WHERE number = ?", round(made.timestamp() * 1000), number)
    for number, reminded in ((1, True), (2, False), (3, False)):
        since = (await reviews.look(CAMPAIGN, 1, 3)).waiting_since
        assert since is not None
        assert await reviews.remind(CAMPAIGN, since + hour) is reminded
        await reviews.approve(CAMPAIGN, [(number, number)], "dana")
    assert [row["kind"] for row in stored.rows("SELECT kind FROM campaign_events")] == ["reminded"]
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert await reviews.remind(CAMPAIGN, later + hour), "drafts that came after the reminder have one of their own"


@given(st.sets(st.integers(1, 10_000), max_size=200), st.integers(1, 250), st.integers(0, 2**53))
def test_a_seed_draws_the_same_people_whatever_else_is_asked(numbers: set[int], size: int, seed: int) -> None:
    drawn = sample(numbers, size, seed)
    assert drawn == sample(sorted(numbers, reverse=True), size, seed)
    assert drawn <= numbers
    assert len(drawn) == min(size, len(numbers))
    assert sample(numbers, size - 1, seed) < drawn or len(drawn) < size
