"""Progress and report are counts of rows: in whatever state messages are, the sums hold and the waits are named."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import searched_campaign
from local_world import people, spec
from scripted_source import NOW, profile
from stored_campaigns import (
    CAMPAIGN,
    OTHER,
    StoredCampaigns,
    change,
    deferred,
    doubtful,
    failed,
    new_message,
    rules,
    sent,
    settlement,
    soon,
)

from domain.campaign import CampaignSpec, CampaignStatus, Review, Stage
from domain.errors import NotFound
from domain.lead import LeadEnd, LeadState, NewLead
from domain.message import ClaimedMessage, MessageState
from domain.ports import Settlement
from domain.report import CampaignReport, RejectedRow
from domain.review import Decided, Decision
from domain.source_ports import Enriched
from domain.wire import ChangeKind, Control, Hold, HoldReason
from storage.ledger import GroupingLedger

HOUR = timedelta(hours=1)
ENDINGS: dict[str, Callable[[ClaimedMessage], Settlement]] = {
    "sent": sent,
    "failed": failed,
    "in_doubt": doubtful,
    "deferred": lambda message: deferred(message, HOUR),
}
MIXES = [(state,) for state in MessageState] + [tuple(MessageState), ("sent", "sent", "failed"), ("sent", "in_doubt")]


async def bring_to(stored: StoredCampaigns, ledger: GroupingLedger, states: tuple[str, ...]) -> None:
    """Move message 1 to the first state, message 2 to the second, and so on, as the engine would."""
    suppressed = [f"person{number}@example.com" for number, state in enumerate(states, 1) if state == "skipped"]
    await stored.suppressions.add(suppressed, "asked", "a person")
    for number, state in enumerate(states, 1):
        if state == "scheduled":
            continue
        for message in await ledger.claim(CAMPAIGN, number, number, "one", rules()):
            if state != "claimed":
                await ledger.advance(None, message)
            if state in ENDINGS:
                await ledger.advance(ENDINGS[state](message), None)
    assert stored.states() == list(states)


@pytest.mark.parametrize("states", MIXES, ids="+".join)
async def test_the_sums_hold_in_every_mix_of_states(
    stored: StoredCampaigns, ledger: GroupingLedger, states: tuple[str, ...]
) -> None:
    await stored.schedule(leads=len(states))
    await bring_to(stored, ledger, states)
    progress = await stored.progress.read(CAMPAIGN)
    assert {state: count for state, count in progress.messages.model_dump().items() if count} == {
        state: states.count(state) for state in states
    }
    assert sum(progress.leads.values()) == len(states)
    report = await stored.reports.read(CAMPAIGN)
    assert report.adds_up
    assert [(name, total, sum(parts.values())) for name, total, parts in report.sums] == [
        ("leads", len(states), len(states)),
        ("messages", len(states), len(states)),
    ]
    assert report.confirmations == states.count("sent")
    assert [doubt.lead_number for doubt in report.in_doubt] == [
        number for number, state in enumerate(states, 1) if state == "in_doubt"
    ]
    assert "DOES NOT ADD UP" not in report.as_markdown()


async def test_every_lead_is_in_one_state_with_its_reason(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    twins = [*people(8), NewLead(source_identity="again", email="person1@example.com")]
    await stored.create(leads=twins)
    drafts = [new_message(CAMPAIGN, number, twins[number - 1].email) for number in (1, 2, 3, 4, 5, 9)]
    drafts.append(new_message(CAMPAIGN, 6, "person6@example.com", skipped="no_permission_basis"))
    await stored.leads.store_drafts(CAMPAIGN, drafts, [LeadEnd(number=7, state=LeadState.FAILED, reason="too_long")])
    for message in await ledger.claim(CAMPAIGN, 1, 4, "one", rules()):
        await ledger.advance(None, message)
        ending = ("sent", "failed", "in_doubt", "deferred")[message.key.number - 1]
        await ledger.advance(ENDINGS[ending](message), None)
    progress = await stored.progress.read(CAMPAIGN)
    assert progress.leads == {
        "open": 3,
        "contacted": 1,
        "failed:refused_content": 1,
        "in_doubt": 1,
        "skipped:no_permission_basis": 1,
        "failed:too_long": 1,
        "skipped:same_address": 1,
    }
    drafting = progress.stages[Stage.PERSONALIZATION]
    assert (drafting.found, drafting.done, drafting.failed, drafting.skipped) == (9, 6, 1, 1)
    sending = progress.stages[Stage.SENDING]
    assert (sending.found, sending.done, sending.failed, sending.skipped, sending.in_doubt) == (6, 1, 1, 1, 1)
    assert (await stored.reports.read(CAMPAIGN)).adds_up


async def test_progress_of_a_campaign_knows_no_other_campaigns(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=1)
    await stored.schedule(OTHER, leads=3)
    await bring_to(stored, ledger, ("in_doubt",))
    other = await stored.progress.read(OTHER)
    assert (other.messages.scheduled, other.messages.in_doubt, other.in_doubt) == (3, 0, [])
    with pytest.raises(NotFound):
        await stored.progress.read("elsewhere")


async def test_doubts_are_listed_with_what_is_needed_to_settle_them(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2)
    await bring_to(stored, ledger, ("sent", "in_doubt"))
    (doubt,) = (await stored.progress.read(CAMPAIGN)).in_doubt
    row = stored.message(2)
    assert (doubt.lead_number, doubt.step, doubt.message_id) == (2, 1, row["message_id"])
    assert doubt.reason == "connection_lost"
    assert round(doubt.since.timestamp() * 1000) == row["began_at"]


@pytest.mark.parametrize(
    ("reason", "who", "command"),
    [
        (HoldReason.MAILBOX_STOPPED, "person", "outrider mailbox resume relay"),
        (HoldReason.RELAY_UNREACHABLE, "operator", "outrider doctor"),
        (HoldReason.OPT_OUT_NOT_PUBLIC, "operator", "set OUTRIDER_PUBLIC_URL to an https address"),
        (HoldReason.WINDOW_CLOSED, "nobody", ""),
    ],
)
async def test_a_hold_is_a_wait_with_somebody_who_can_end_it(
    stored: StoredCampaigns, reason: HoldReason, who: str, command: str
) -> None:
    await stored.schedule()
    await stored.campaigns.set_status(CAMPAIGN, CampaignStatus.RUNNING, Stage.SENDING)
    until = datetime.now(UTC) + HOUR
    await stored.campaigns.set_hold(CAMPAIGN, Stage.SENDING, Hold(until=until, reason=reason))
    progress = await stored.progress.read(CAMPAIGN)
    (wait,) = progress.waiting_for
    assert (wait.stage, wait.reason, wait.who, wait.command) == (Stage.SENDING, reason, who, command)
    assert wait.since is not None
    assert progress.status is CampaignStatus.WAITING


async def test_a_hold_that_is_over_is_no_wait(stored: StoredCampaigns) -> None:
    await stored.schedule()
    await stored.campaigns.set_status(CAMPAIGN, CampaignStatus.RUNNING, Stage.SENDING)
    past = Hold(until=datetime.now(UTC) - HOUR, reason=HoldReason.RELAY_UNREACHABLE)
    await stored.campaigns.set_hold(CAMPAIGN, Stage.SENDING, past)
    progress = await stored.progress.read(CAMPAIGN)
    assert (progress.waiting_for, progress.status) == ([], CampaignStatus.RUNNING)


async def test_a_campaign_waits_when_every_open_message_was_put_off(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=3)
    await stored.campaigns.set_status(CAMPAIGN, CampaignStatus.RUNNING, Stage.SENDING)
    await bring_to(stored, ledger, ("sent", "deferred", "scheduled"))
    assert (await stored.progress.read(CAMPAIGN)).waiting_for == [], "message 3 may be tried any moment"
    (message,) = await ledger.claim(CAMPAIGN, 3, 3, "two", rules())
    await ledger.advance(None, message)
    await ledger.advance(deferred(message, 2 * HOUR), None)
    (wait,) = (await stored.progress.read(CAMPAIGN)).waiting_for
    assert (wait.reason, wait.who) == (HoldReason.DEFERRED_BY_RELAY, "nobody")
    assert wait.until is not None
    assert round(wait.until.timestamp() * 1000) == stored.message(2)["next_at"]


async def test_a_campaign_that_has_ended_waits_for_nothing(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    await stored.schedule(leads=1)
    await bring_to(stored, ledger, ("deferred",))
    await stored.campaigns.set_status(CAMPAIGN, CampaignStatus.FAILED, Stage.SENDING)
    progress = await stored.progress.read(CAMPAIGN)
    assert (progress.waiting_for, progress.status) == ([], CampaignStatus.FAILED)


async def test_the_report_counts_from_the_audit_trail_what_the_ledger_only_claims(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2)
    await bring_to(stored, ledger, ("sent", "sent"))
    stored.execute(
        "INSERT INTO message_events (campaign_id, number, step, at, state, cause) VALUES (?, 1, 1, 0, 'sent', 'x')",
        CAMPAIGN,
    )
    report = await stored.reports.read(CAMPAIGN)
    assert (report.confirmations, report.twice, report.adds_up) == (3, 1, False)
    assert "DOES NOT ADD UP" in report.as_markdown()


async def test_the_report_counts_what_was_put_off_and_what_came_through_later(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=3)
    messages = await ledger.claim(CAMPAIGN, 1, 2, "one", rules())
    lost = settlement(messages[1], MessageState.SCHEDULED, "connection_lost", None, next_at=soon(-HOUR))
    for message, ending in zip(messages, (deferred(messages[0], -HOUR), lost), strict=True):
        await ledger.advance(None, message)
        await ledger.advance(ending, None)
    for message in await ledger.claim(CAMPAIGN, 1, 3, "two", rules()):
        await ledger.advance(None, message)
        await ledger.advance(sent(message), None)
    report = await stored.reports.read(CAMPAIGN)
    assert (report.relay_deferrals, report.deferred_delivered, report.messages.sent) == (2, 2, 3)


async def test_groups_add_up_to_the_whole(stored: StoredCampaigns, ledger: GroupingLedger) -> None:
    everybody = [NewLead(source_identity=str(n), email=f"a{n}@host{n % 14}.example.com") for n in range(42)]
    await stored.schedule(leads=everybody)
    messages = await ledger.claim(CAMPAIGN, 1, 42, "one", rules())
    for message in messages:
        await ledger.advance(None, message)
        await ledger.advance(sent(message) if message.key.number % 3 else failed(message), None)
    report = await stored.reports.read(CAMPAIGN)
    assert [row.name for row in report.by_mailbox] == ["relay"]
    assert len(report.by_receiver) == 11
    assert report.by_receiver[-1].name == "4 others"
    for groups in (report.by_mailbox, report.by_receiver):
        assert sum(row.sent for row in groups) == report.messages.sent == 28
        assert sum(row.failed for row in groups) == report.messages.failed == 14


async def test_a_rehearsal_adds_up_and_says_what_it_is(stored: StoredCampaigns) -> None:
    await stored.schedule(leads=2, of=spec().model_copy(update={"dry_run": True}))
    report = await stored.reports.read(CAMPAIGN)
    assert report.dry_run
    assert report.adds_up
    assert "nothing left this machine" in report.as_markdown()


async def test_a_kept_report_can_be_read_back_and_is_replaced_by_the_next(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.create(leads=1, rejected=[RejectedRow(line=7, reason="no address")])
    await stored.leads.store_drafts(CAMPAIGN, [new_message(CAMPAIGN, 1, "person1@example.com")], [])
    with pytest.raises(NotFound, match=r"has no report\.md yet"):
        await stored.reports.artifact(CAMPAIGN, "report.md")
    await stored.reports.keep(await stored.reports.read(CAMPAIGN))
    await bring_to(stored, ledger, ("sent",))
    await stored.reports.keep(await stored.reports.read(CAMPAIGN))
    report = CampaignReport.model_validate_json(await stored.reports.artifact(CAMPAIGN, "report.json"))
    assert (report.messages.sent, report.rejected_rows) == (1, [RejectedRow(line=7, reason="no address")])
    assert "line 7: no address" in (await stored.reports.artifact(CAMPAIGN, "report.md")).decode()
    assert (await stored.progress.read(CAMPAIGN)).artifacts == ["report.json", "report.md"]


async def test_what_policy_resend_sent_again_is_counted_and_said(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2)
    dead, _ = await ledger.claim(CAMPAIGN, 1, 2, "dead", rules())
    await ledger.advance(None, dead)
    (again, _) = await ledger.claim(CAMPAIGN, 1, 2, "heir", rules(resend_doubts=True))
    await ledger.advance(None, again)
    await ledger.advance(sent(again), None)
    report = await stored.reports.read(CAMPAIGN)
    assert report.resent_doubts == 1
    assert "- sent again after a doubt 1: each of these may have arrived twice" in report.as_markdown()


def reviewed(**review: object) -> CampaignSpec:
    return spec().model_copy(update={"review": Review.model_validate({"mode": "all", **review})})


async def reject(stored: StoredCampaigns, number: int, by: str) -> None:
    seen = stored.fingerprint(number)
    wanted = Decided(lead_number=number, step=1, decision=Decision.REJECTED, by=by, reason="tone", seen=seen)
    await stored.reviews.decide(CAMPAIGN, wanted)


async def test_a_paused_campaign_says_who_paused_it_and_how_to_go_on(stored: StoredCampaigns) -> None:
    await stored.schedule()
    await stored.campaigns.set_status(CAMPAIGN, CampaignStatus.RUNNING, Stage.SENDING)
    hold = Hold(until=datetime.now(UTC) + HOUR, reason=HoldReason.RELAY_UNREACHABLE)
    await stored.campaigns.set_hold(CAMPAIGN, Stage.SENDING, hold)
    await stored.write_control(Control.HOLD, change(ChangeKind.PAUSED, "dana", ago=HOUR))
    await stored.write_control(Control.RUN, change(ChangeKind.RESUMED, "dana", ago=HOUR / 2))
    await stored.write_control(Control.HOLD, change(ChangeKind.PAUSED, "kim", "wrong link"))
    progress = await stored.progress.read(CAMPAIGN)
    assert progress.status is CampaignStatus.PAUSED
    (wait,) = progress.waiting_for
    assert (wait.reason, wait.who, wait.command) == ("paused", "person", f"outrider resume {CAMPAIGN}")
    assert progress.paused is not None
    assert (progress.paused.by, progress.paused.reason, progress.paused.since) == ("kim", "wrong link", wait.since)
    assert progress.pauses == 2
    assert (progress.priority, progress.undecided) == (3, 0)


async def test_without_a_review_there_is_no_such_stage(stored: StoredCampaigns) -> None:
    await stored.schedule()
    assert Stage.REVIEW not in (await stored.progress.read(CAMPAIGN)).stages


async def test_the_review_counts_what_was_decided_and_what_still_waits(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    twins = [*people(7), NewLead(source_identity="again", email="person1@example.com")]
    await stored.create(leads=twins, of=reviewed())
    drafts = [new_message(CAMPAIGN, number, twins[number - 1].email, approved_by="") for number in (1, 2, 3, 4, 5, 8)]
    drafts.append(new_message(CAMPAIGN, 6, "person6@example.com", skipped="no_permission_basis", approved_by=""))
    await stored.leads.store_drafts(CAMPAIGN, drafts, [LeadEnd(number=7, state=LeadState.FAILED, reason="too_long")])
    await stored.reviews.approve(CAMPAIGN, [(1, 2)], "dana")
    await reject(stored, 3, "kim")
    progress = await stored.progress.read(CAMPAIGN)
    review = progress.stages[Stage.REVIEW]
    assert (review.found, review.done, review.rejected, review.skipped, review.cancelled) == (6, 2, 1, 1, 0)
    assert progress.undecided == 2
    assert (progress.leads["rejected"], progress.leads["open"]) == (1, 4)
    row = stored.rows("SELECT min(created_at) AS began, max(decided_at) AS ended FROM drafts")[0]
    assert review.began_at is not None
    assert review.ended_at is not None
    assert [round(at.timestamp() * 1000) for at in (review.began_at, review.ended_at)] == [row["began"], row["ended"]]
    await stored.write_control(Control.END, change(ChangeKind.CANCELLED))
    await ledger.cancel(CAMPAIGN, 1, 8)
    ended = await stored.progress.read(CAMPAIGN)
    assert (ended.undecided, ended.stages[Stage.REVIEW].cancelled) == (0, 2)
    assert ended.leads["rejected"] == 1


@pytest.mark.parametrize("reason", [HoldReason.REVIEW, HoldReason.REVIEW_OVERDUE, HoldReason.SAMPLE_REJECTED])
async def test_a_campaign_whose_drafts_wait_for_a_person_waits(stored: StoredCampaigns, reason: HoldReason) -> None:
    await stored.schedule(of=reviewed(), approved_by="")
    await stored.campaigns.set_status(CAMPAIGN, CampaignStatus.RUNNING, Stage.REVIEW)
    await stored.campaigns.set_hold(CAMPAIGN, Stage.REVIEW, Hold(until=datetime.now(UTC) + HOUR, reason=reason))
    progress = await stored.progress.read(CAMPAIGN)
    assert progress.status is CampaignStatus.WAITING
    (wait,) = progress.waiting_for
    assert (wait.stage, wait.reason, wait.who) == (Stage.REVIEW, reason, "person")


async def test_drafts_that_wait_are_said_though_others_are_being_sent(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(of=reviewed(), approved_by="")
    await stored.reviews.approve(CAMPAIGN, [(1, 1)], "dana")
    await stored.campaigns.set_status(CAMPAIGN, CampaignStatus.RUNNING, Stage.SENDING)
    progress = await stored.progress.read(CAMPAIGN)
    assert progress.status is CampaignStatus.RUNNING
    (wait,) = progress.waiting_for
    assert (wait.stage, wait.reason, wait.command) == (Stage.REVIEW, "review", f"outrider review {CAMPAIGN}")
    await bring_to(stored, ledger, ("sent", "scheduled", "scheduled"))
    assert (await stored.progress.read(CAMPAIGN)).status is CampaignStatus.WAITING, "nothing approved is left"


async def test_a_sample_waits_for_nobody_before_everything_is_drafted(stored: StoredCampaigns) -> None:
    await stored.create(leads=2, of=reviewed(mode="sample", size=1))
    await stored.campaigns.set_status(CAMPAIGN, CampaignStatus.RUNNING, Stage.PERSONALIZATION)
    for number, reasons in ((1, []), (2, ["review"])):
        draft = new_message(CAMPAIGN, number, f"person{number}@example.com", approved_by="")
        await stored.leads.store_drafts(CAMPAIGN, [draft], [])
        assert [wait.reason for wait in (await stored.progress.read(CAMPAIGN)).waiting_for] == reasons


async def test_who_waits_for_another_campaigns_mail_is_not_said_to_be_put_off_by_the_relay(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=1)
    await stored.schedule(OTHER, leads=1)
    await stored.campaigns.set_status(OTHER, CampaignStatus.RUNNING, Stage.SENDING)
    await ledger.claim(CAMPAIGN, 1, 1, "one", rules(cool_down=24 * HOUR))
    assert await ledger.claim(OTHER, 1, 1, "two", rules(cool_down=24 * HOUR)) == []
    (wait,) = (await stored.progress.read(OTHER)).waiting_for
    assert (wait.reason, wait.who) == (HoldReason.CONTACT_CLAIMED, "nobody")


async def test_every_stage_says_when_it_began_and_when_its_latest_result_came(
    stored: StoredCampaigns, ledger: GroupingLedger
) -> None:
    await stored.schedule(leads=2)
    before = (await stored.progress.read(CAMPAIGN)).stages[Stage.SENDING]
    assert (before.began_at, before.ended_at, before.tries) == (None, None, 0)
    await stored.campaigns.set_status(CAMPAIGN, CampaignStatus.RUNNING, Stage.SENDING)
    await bring_to(stored, ledger, ("sent", "deferred"))
    progress = await stored.progress.read(CAMPAIGN)
    sending, drafting = progress.stages[Stage.SENDING], progress.stages[Stage.PERSONALIZATION]
    assert sending.tries == 2
    assert sending.began_at is not None
    assert sending.ended_at is not None
    assert round(sending.began_at.timestamp() * 1000) == stored.message(1)["first_attempt_at"]
    assert round(sending.ended_at.timestamp() * 1000) == stored.message(1)["sent_at"]
    assert drafting.began_at == progress.started_at
    assert drafting.ended_at is not None


async def test_the_report_says_who_decided(stored: StoredCampaigns) -> None:
    await stored.schedule(leads=5, of=reviewed(), approved_by="")
    await stored.reviews.approve(CAMPAIGN, [(1, 3)], "dana")
    await reject(stored, 4, "kim")
    for number, by in enumerate(("dana", "dana", "breaker bounces"), 1):
        await stored.write_control(Control.HOLD, change(ChangeKind.PAUSED, by, ago=HOUR / number))
    report = await stored.reports.read(CAMPAIGN)
    assert report.adds_up
    assert report.leads == {"open": 4, "rejected": 1}
    assert report.pauses == {"dana": 2, "breaker bounces": 1}
    assert [(row.name, row.approved, row.rejected) for row in report.reviewers] == [("dana", 3, 0), ("kim", 0, 1)]


async def test_a_search_is_counted_person_by_person(stored: StoredCampaigns) -> None:
    await searched_campaign.create(stored)
    report = await stored.reports.read(CAMPAIGN)
    assert report.adds_up
    assert report.search is not None
    assert (report.search.looked_at, report.search.leads, report.search.reachable) == (9, 5, 2)
    assert (report.search.search_points, report.search.profile_points) == (3, 2)
    assert (report.search.partly_read, report.search.unread_commits, report.search.incomplete) == (1, 4000, 1)
    progress = await stored.progress.read(CAMPAIGN)
    assert progress.search == await stored.discoveries.seen(CAMPAIGN)
    assert progress.metrics == {"github_points": 5}
    stored.execute("UPDATE onlookers SET identity = 'U_ada' WHERE identity = 'B_1'")
    assert not (await stored.reports.read(CAMPAIGN)).adds_up, "somebody is a lead and passed over"


async def test_points_are_counted_whoever_stored_what_they_bought(stored: StoredCampaigns) -> None:
    await searched_campaign.create(stored)
    again = Enriched(number=1, profile=profile("ada"))
    await stored.people.store_enriched(CAMPAIGN, [again], 1000, points=1)
    assert (await stored.discoveries.seen(CAMPAIGN)).profile_points == 3


async def test_what_speaks_for_a_lead_is_read_back(stored: StoredCampaigns) -> None:
    await searched_campaign.create(stored)
    known = await stored.evidence.read(CAMPAIGN, 1)
    assert known is not None
    assert known.work is not None
    contribution, repository = known.work
    assert (contribution.commits, repository.full_name) == (20, "example-org/widgets")
    assert (known.clock.offset, known.clock.agreeing, known.profile_read_at) == ("UTC+02:00", 20, NOW)
    unread = await stored.evidence.read(CAMPAIGN, 5)
    assert unread is not None
    assert (unread.score, unread.judged_at, unread.profile_read_at, unread.reachable) == (None, None, None, False)
    await stored.create(OTHER)
    assert await stored.evidence.read(OTHER, 1) is None, "its people come from a file"
