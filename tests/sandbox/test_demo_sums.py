"""The demos' own checks fail when somebody is missing, written to twice, or not in the table."""

from typing import Any

import pytest

from sandbox.demo_crash import PEOPLE, compare
from sandbox.demo_sums import addresses, expected_leads, sums_hold

TRUTH: dict[str, Any] = {
    "people": [
        {"login": "a", "kind": "user", "address": "public", "email": "A@example.com", "commits": {"o/r": 1}},
        {"login": "b", "kind": "user", "address": "public", "email": "b@example.com", "commits": {"o/r": 1}},
        {"login": "c", "kind": "user", "address": "public", "email": "a@example.com", "commits": {"o/r": 1}},
        {"login": "d", "kind": "user", "address": "hidden", "email": "", "commits": {"o/r": 1}},
        {"login": "e", "kind": "vanished", "address": "hidden", "email": "", "commits": {"o/r": 1}},
        {"login": "f", "kind": "organization", "address": "public", "email": "f@example.com", "commits": {"f/r": 1}},
        {"login": "g", "kind": "bot", "address": "hidden", "email": "", "commits": {"o/r": 1}},
    ]
}
LEADS = {
    "contacted": 1,
    "failed:hard_bounce": 1,
    "skipped:no_public_address": 1,
    "skipped:account_gone": 1,
    "skipped:same_address": 1,
}
SHOWN = {"leads": LEADS, "messages": {"sent": 1, "in_doubt": 0}}
LEDGER = [{"message_id": "<1>", "recipient": "A@example.com", "state": "sent"}]
INBOX = [("<1>", "A@example.com")]
RECIPIENTS = {"a@example.com"}


def test_who_is_expected_follows_from_the_table() -> None:
    assert addresses(TRUTH) == ["a@example.com", "b@example.com"]
    assert expected_leads(TRUTH, [], ["b@example.com"], gone=1) == LEADS


def test_the_number_of_accounts_found_gone_is_not_taken_on_trust() -> None:
    assert expected_leads(TRUTH, [], [], gone=5)["skipped:account_gone"] == 1


def test_sums_that_hold() -> None:
    assert sums_hold(SHOWN, LEDGER, INBOX, LEADS, RECIPIENTS)


@pytest.mark.parametrize(
    ("inbox", "expected", "recipients"),
    [
        ([], LEADS, RECIPIENTS),
        ([*INBOX, *INBOX], LEADS, RECIPIENTS),
        ([("<2>", "A@example.com")], LEADS, RECIPIENTS),
        (INBOX, {**LEADS, "contacted": 2}, RECIPIENTS),
        (INBOX, LEADS, {"b@example.com"}),
    ],
    ids=["lost", "twice", "unknown", "somebody not found", "somebody else"],
)
def test_sums_that_do_not_hold(
    inbox: list[tuple[str, str]],
    expected: dict[str, int],
    recipients: set[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert not sums_hold(SHOWN, LEDGER, inbox, expected, recipients)
    assert "IT DOES NOT ADD UP" in capsys.readouterr().out


def crashed(sent: int, in_doubt: int) -> list[dict[str, Any]]:
    """A ledger after a crash."""
    states = ["sent"] * sent + ["in_doubt"] * in_doubt
    return [
        {"message_id": f"<{number}>", "recipient": f"{number}@example.com", "state": state}
        for number, state in enumerate(states)
    ]


@pytest.mark.parametrize(
    ("sent", "in_doubt", "arrived", "again", "kept"),
    [
        (PEOPLE, 0, PEOPLE, 0, True),
        (PEOPLE - 2, 2, PEOPLE - 1, 0, True),
        (PEOPLE, 0, PEOPLE - 1, 0, False),
        (PEOPLE - 1, 0, PEOPLE - 1, 0, False),
        (PEOPLE, 0, PEOPLE, 1, False),
    ],
    ids=["all sent", "two in doubt, one arrived", "called sent, not there", "forgotten", "twice"],
)
def test_what_a_crash_may_leave(sent: int, in_doubt: int, arrived: int, again: int, *, kept: bool) -> None:
    inbox = [(f"<{number}>", f"{number}@example.com") for number in [*range(arrived), *range(again)]]
    assert compare(crashed(sent, in_doubt), inbox) is kept
