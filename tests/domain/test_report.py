"""The report adds up, or says loudly that it does not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.campaign import CampaignStatus
from domain.progress import DoubtfulMessage, MessageCounts, Outcomes
from domain.report import CampaignReport, GroupRow, RejectedRow, ReviewerRow, SearchReport
from domain.sourcing import PassedOver

START = datetime(2027, 2, 1, 9, 0, tzinfo=UTC)


def report(**changes: Any) -> CampaignReport:  # noqa: ANN401 any field of the report
    fields: dict[str, Any] = {
        "campaign_id": "campaign-a",
        "name": "release-notes",
        "status": CampaignStatus.COMPLETED,
        "dry_run": False,
        "as_of": START + timedelta(hours=1),
        "started_at": START,
        "finished_at": START + timedelta(seconds=90.5),
        "lead_total": 5,
        "leads": {"contacted": 3, "failed:hard_bounce": 1, "in_doubt": 1},
        "message_total": 5,
        "messages": MessageCounts(sent=3, failed=1, in_doubt=1),
        "message_reasons": {"failed:hard_bounce": 1},
        "confirmations": 3,
        "twice": 0,
        "relay_deferrals": 2,
        "deferred_delivered": 1,
        "outcomes": Outcomes(),
        "by_mailbox": [GroupRow(name="relay", sent=3, failed=1, deferred=0)],
        "by_receiver": [GroupRow(name="example.com", sent=3, failed=1, deferred=0)],
        "rejected_rows": [],
        "in_doubt": [
            DoubtfulMessage(lead_number=4, step=1, message_id="<4@example.com>", since=START, reason="attempt_died")
        ],
    }
    return CampaignReport.model_validate({**fields, **changes})


def test_a_report_that_adds_up_says_so_in_every_line() -> None:
    text = report().as_markdown()
    assert report().adds_up
    assert "- leads 5 = 3 contacted + 1 failed, hard bounce + 1 in doubt  ✓" in text
    assert "- messages 5 = 3 sent + 1 failed + 1 in doubt  ✓" in text
    assert "- sent 3 in the ledger, 3 confirmations from the relay  ✓" in text
    assert "- twice 0  ✓" in text


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"lead_total": 6}, "leads 6"),
        ({"leads": {"contacted": 3}}, "leads 5"),
        ({"message_total": 4}, "messages 4"),
        ({"messages": MessageCounts(sent=2)}, "messages 5"),
        ({"confirmations": 2}, "sent 3 in the ledger, 2 confirmations"),
        ({"confirmations": 4}, "sent 3 in the ledger, 4 confirmations"),
        ({"twice": 1}, "twice 1"),
    ],
)
def test_a_report_that_does_not_add_up_says_where(changes: dict[str, Any], line: str) -> None:
    wrong = report(**changes)
    assert not wrong.adds_up
    loud = [text for text in wrong.as_markdown().splitlines() if text.endswith("✗ DOES NOT ADD UP")]
    assert any(line in text for text in loud), loud


def test_doubts_are_listed_for_a_person() -> None:
    assert "- in doubt: lead 4 step 1 <4@example.com> since 2027-02-01 09:00 UTC" in report().as_markdown()
    assert report(in_doubt=[]).as_markdown().rstrip().endswith("nothing")


def test_a_rehearsal_has_nothing_to_confirm() -> None:
    rehearsal = report(dry_run=True, confirmations=0)
    assert rehearsal.adds_up
    text = rehearsal.as_markdown()
    assert text.startswith("# release-notes: rehearsal, nothing left this machine")
    assert "confirmations" not in text


def test_a_report_before_the_end_is_an_interim_report() -> None:
    early = report(finished_at=None, status=CampaignStatus.RUNNING)
    assert not early.final
    assert early.as_markdown().startswith("# release-notes: interim report, 2027-02-01 10:00 UTC")
    assert "3 of 5 messages sent in 1:00:00" in early.as_markdown()


@pytest.mark.parametrize(
    ("took", "said"),
    [
        (timedelta(seconds=0.25), " in 0.2 s"),
        (timedelta(seconds=90.5), " in 90.5 s"),
        (timedelta(minutes=2), " in 0:02:00"),
        (timedelta(days=2, hours=3, microseconds=5), " in 2 days, 3:00:00"),
    ],
)
def test_the_time_it_took_is_said_in_a_unit_that_fits(took: timedelta, said: str) -> None:
    assert f"3 of 5 messages sent{said}\n" in report(finished_at=START + took).as_markdown()


def test_who_fell_out_is_said_with_the_reason() -> None:
    assert "failed, hard bounce 1 · in doubt 1" in report().as_markdown()
    left_out = report(leads={"skipped:no_public_address": 4, "skipped:suppressed": 1})
    assert "\n\nno public address 4 · suppressed 1\n" in left_out.as_markdown()
    everybody = report(leads={"contacted": 5}, messages=MessageCounts(sent=5), confirmations=5, in_doubt=[])
    assert "nobody did" in everybody.as_markdown()


def test_rows_of_the_file_that_became_no_lead_are_listed() -> None:
    rejected = report(rejected_rows=[RejectedRow(line=7, reason="email: no address")]).as_markdown()
    assert "- line 7: email: no address" in rejected
    assert "Rows of the lead file" not in report().as_markdown()


def test_groups_and_deferrals_stand_under_deliverability() -> None:
    text = report(messages=MessageCounts(sent=3, deferred=2), message_total=5).as_markdown()
    assert "- by mailbox: relay 3 sent, 1 failed" in text
    assert "- deferred: 2 times, 1 delivered later, 2 still trying" in text
    assert "nothing yet" in report(by_receiver=[]).as_markdown()


def test_what_came_back_is_counted() -> None:
    assert "afterwards: nothing came back so far" in report().as_markdown()
    back = report(outcomes=Outcomes(unsubscribed=2, auto_replied=1)).as_markdown()
    assert "afterwards: auto replied 1 · unsubscribed 2" in back


def test_the_two_spellings_say_the_same() -> None:
    given = report()
    assert CampaignReport.model_validate_json(given.model_dump_json()) == given


def test_who_decided_what_is_said() -> None:
    people = [ReviewerRow(name="dana", approved=588, rejected=12), ReviewerRow(name="kim", approved=0, rejected=1)]
    text = report(pauses={"dana": 2, "breaker bounces": 1}, cancelled_by="kim", reviewers=people).as_markdown()
    assert "## Who decided" in text
    assert "- drafts: dana approved 588, rejected 12 · kim rejected 1" in text
    assert "- 3 pauses (2 dana, 1 breaker bounces)" in text
    assert "- cancelled by kim" in text
    assert "- 1 pause (1 dana)" in report(pauses={"dana": 1}).as_markdown()
    assert "Who decided" not in report().as_markdown()


def test_a_doubt_that_a_person_settled_as_sent_needs_no_confirmation_from_the_relay() -> None:
    settled = report(confirmations=2, resolved_sent=1)
    assert settled.adds_up
    assert "- sent 3 in the ledger, 2 confirmations from the relay, 1 by a person's word  ✓" in settled.as_markdown()
    assert not report(confirmations=3, resolved_sent=1).adds_up


def searched(**changes: Any) -> SearchReport:  # noqa: ANN401 any field
    fields: dict[str, Any] = {
        "looked_at": 9,
        "leads": 5,
        "passed_over": {PassedOver.BOT: 3, PassedOver.ORGANIZATION: 1},
        "reachable": 4,
        "repositories": 2,
        "pages": 1,
        "search_points": 3,
        "profile_points": 2,
    }
    return SearchReport.model_validate({**fields, **changes})


def test_a_search_is_part_of_what_must_add_up() -> None:
    assert report(search=searched()).adds_up
    assert "- looked at 9 = 5 leads + 3 bots + 1 organization  ✓" in report(search=searched()).as_markdown()
    wrong = report(search=searched(looked_at=8))
    assert not wrong.adds_up
    assert "- looked at 8 = 5 leads + 3 bots + 1 organization  ✗ DOES NOT ADD UP" in wrong.as_markdown()


def test_what_a_search_did_not_see_is_said_only_where_it_is_so() -> None:
    text = report(search=searched()).as_markdown()
    assert not any(word in text for word in ("incomplete", "not read", "gone:"))
    blind = report(search=searched(incomplete=2, gone=1, partly_read=3, unread_commits=70)).as_markdown()
    assert "- incomplete: of 2 searches GitHub said" in blind
    assert "- not read: 70 commits in 3 repositories" in blind
    assert "- gone: 1 named repository not found" in blind
    assert "How the search went" not in report().as_markdown()
