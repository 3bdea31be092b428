"""Every fault happens where it was asked for, as often as it was asked for, and the inbox knows what it kept."""

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import Inbox

BODY = b"Message-ID: <1@example.net>\r\n\r\n" + b"A line of a mail.\r\n" * 100


@pytest.mark.parametrize("at", ["mail", "rcpt", "data", "reply"])
@pytest.mark.parametrize(("code", "enhanced"), [(451, "4.7.1"), (550, "5.1.1")])
def test_a_refusal_is_heard_at_its_point_and_the_mail_is_not_kept(
    inbox: "Inbox", at: str, code: int, enhanced: str
) -> None:
    inbox.faults({"at": at, "action": "reply", "code": code, "enhanced": enhanced, "text": "No, thanks", "first": 2})
    with inbox.wire() as wire:
        for _ in range(2):
            assert wire.mail() == f"{code} {enhanced} No, thanks"
            assert wire.say("RSET").startswith("250")
        assert inbox.kept() == 0
        assert wire.mail().startswith("250")
    assert inbox.kept() == 1
    assert inbox.get("/api/counts")["refused"] == {str(code): 2}
    assert inbox.get("/api/faults")[0].items() >= {"occasions": 3, "applied": 2}.items()


@pytest.mark.parametrize("at", ["connect", "mail", "rcpt", "data", "reply"])
def test_a_421_closes_the_connection(inbox: "Inbox", at: str) -> None:
    inbox.faults({"at": at, "action": "reply", "code": 421, "text": "Going down", "first": 1})
    with inbox.wire() as wire:
        assert (wire.banner if at == "connect" else wire.mail()) == "421 Going down"
        assert wire.hear() == ""
    with inbox.wire() as wire:
        assert wire.mail().startswith("250")
    assert inbox.kept() == 1


def test_a_554_banner_turns_the_client_away(inbox: "Inbox") -> None:
    inbox.faults({"at": "connect", "action": "reply", "code": 554, "enhanced": "5.7.1", "text": "Not you", "every": 2})
    banners = []
    for _ in range(4):
        with inbox.wire() as wire:
            banners.append(wire.banner)
    assert [banner[:3] for banner in banners] == ["220", "554", "220", "554"]


@pytest.mark.parametrize("at", ["connect", "mail", "rcpt", "data"])
def test_a_drop_before_the_body_is_silence_and_no_mail(inbox: "Inbox", at: str) -> None:
    inbox.faults({"at": at, "action": "drop", "first": 1})
    with inbox.wire() as wire:
        assert (wire.banner if at == "connect" else wire.mail()) == ""
    with inbox.wire() as wire:
        assert wire.mail().startswith("250")
    counts = inbox.get("/api/counts")
    assert (counts["accepted"], counts["dropped"], counts["refused"]) == (1, 1, {})


def test_a_drop_in_the_body_comes_after_so_many_bytes_and_the_mail_is_not_kept(inbox: "Inbox") -> None:
    inbox.faults({"at": "body", "action": "drop", "after_bytes": 500, "first": 2})
    with inbox.wire() as wire:
        assert wire.open_body().startswith("354")
        wire.send(BODY[:499])
        with pytest.raises(TimeoutError):
            wire.hear(seconds=0.3)
    with inbox.wire() as wire:
        assert wire.open_body().startswith("354")
        wire.send(BODY[:500])
        assert wire.hear() == ""
    with inbox.wire() as wire:
        assert wire.mail().startswith("250")
    counts = inbox.get("/api/counts")
    assert (counts["accepted"], counts["dropped"]) == (1, 1)


def test_a_drop_in_the_body_reaches_mails_that_are_shorter_too(inbox: "Inbox") -> None:
    inbox.faults({"at": "body", "action": "drop", "after_bytes": 100_000})
    with inbox.wire() as wire:
        assert wire.mail() == ""
    assert inbox.kept() == 0


def test_a_drop_after_the_final_dot_keeps_the_mail_and_says_nothing(inbox: "Inbox") -> None:
    inbox.faults({"at": "reply", "action": "drop", "every": 3})
    answers = []
    for number in range(6):
        with inbox.wire() as wire:
            answers.append(wire.mail(message_id=f"<{number}@example.net>")[:3])
    assert answers == ["250", "250", "", "250", "250", ""]
    assert [row[0] for row in inbox.get("/api/ledger")] == [f"<{number}@example.net>" for number in range(6)]
    assert inbox.get("/api/counts")["dropped"] == 2


def test_a_slow_relay_has_the_mail_long_before_it_says_so(inbox: "Inbox") -> None:
    inbox.faults({"at": "reply", "action": "delay", "seconds": 1})
    with inbox.wire() as wire:
        wire.open_body()
        begin = time.monotonic()
        wire.send(BODY + b".\r\n")
        with pytest.raises(TimeoutError):
            wire.hear(seconds=0.3)
        assert inbox.kept() == 1
    with inbox.wire() as wire:
        begin = time.monotonic()
        assert wire.mail().startswith("250")
        assert time.monotonic() - begin >= 1


def test_a_delay_on_every_reply_is_felt_once_per_reply(inbox: "Inbox") -> None:
    inbox.faults({"at": "any", "action": "delay", "seconds": 0.1})
    begin = time.monotonic()
    with inbox.wire() as wire:
        assert wire.mail().startswith("250")
        assert wire.say("QUIT").startswith("221")
    assert 0.7 <= time.monotonic() - begin < 1.5, "banner, EHLO, MAIL, RCPT, DATA, final dot, QUIT"
    assert inbox.get("/api/faults")[0]["applied"] == 7


def test_a_delay_and_a_refusal_go_together(inbox: "Inbox") -> None:
    inbox.faults(
        {"at": "reply", "action": "delay", "seconds": 0.3}, {"at": "reply", "action": "reply", "code": 452, "first": 1}
    )
    with inbox.wire() as wire:
        begin = time.monotonic()
        assert wire.mail() == "452 Fault on demand"
        assert time.monotonic() - begin >= 0.3
    assert inbox.kept() == 0


@pytest.mark.parametrize(("at", "kept"), [("mail", 0), ("body", 0), ("reply", 1)])
def test_a_frozen_relay_says_nothing_and_then_closes(inbox: "Inbox", at: str, kept: int) -> None:
    inbox.faults({"at": at, "action": "freeze", "seconds": 0.5})
    with inbox.wire() as wire:
        begin = time.monotonic()
        assert wire.mail() == ""
        assert time.monotonic() - begin >= 0.5
    assert inbox.kept() == kept


def test_a_frozen_relay_lets_a_client_leave(inbox: "Inbox") -> None:
    inbox.faults({"at": "reply", "action": "freeze"})
    with inbox.wire() as wire:
        wire.open_body()
        wire.send(BODY + b".\r\n")
        with pytest.raises(TimeoutError):
            wire.hear(seconds=0.3)
        assert inbox.get("/api/counts")["connections_open"] == 1
    deadline = time.monotonic() + 5
    while inbox.get("/api/counts")["connections_open"] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert inbox.get("/api/counts")["connections_open"] == 0
    assert inbox.kept() == 1


def test_refused_connections_are_refused_by_the_system_and_come_back_on_the_same_port(inbox: "Inbox") -> None:
    with inbox.wire() as opened:
        inbox.faults({"at": "connect", "action": "refuse_connections", "seconds": 1})
        begin = time.monotonic()
        refused = 0
        while time.monotonic() - begin < 5:
            try:
                with inbox.wire() as wire:
                    assert wire.mail().startswith("250")
                break
            except ConnectionRefusedError:
                refused += 1
                time.sleep(0.05)
        assert 0.9 <= time.monotonic() - begin < 3
        assert refused > 5
        assert opened.mail().startswith("250")
    assert inbox.kept() == 2


def test_a_relay_that_goes_down_closes_open_connections_and_deleting_the_fault_brings_it_back(inbox: "Inbox") -> None:
    with inbox.wire() as wire:
        inbox.faults({"at": "connect", "action": "refuse_connections", "seconds": 300, "close_open": True})
        assert wire.mail() == ""
    with pytest.raises(ConnectionRefusedError):
        inbox.wire()
    inbox.http.delete("/api/faults").raise_for_status()
    with inbox.wire() as wire:
        assert wire.mail().startswith("250")


def test_a_rule_for_one_recipient_leaves_the_others_alone(inbox: "Inbox") -> None:
    inbox.faults({"at": "rcpt", "action": "reply", "code": 550, "enhanced": "5.1.1", "recipient": "gone-*@Example.org"})
    with inbox.wire() as wire:
        assert wire.mail("here@example.org").startswith("250")
        assert wire.mail("GONE-1@example.org").startswith("550 5.1.1")
        wire.say("RSET")
        assert wire.mail("gone@example.org").startswith("250")
    assert inbox.get("/api/faults")[0].items() >= {"occasions": 1, "applied": 1}.items()


def test_first_and_every_count_the_same_occasions(inbox: "Inbox") -> None:
    inbox.faults({"at": "mail", "action": "reply", "code": 451, "first": 4, "every": 2})
    with inbox.wire() as wire:
        answers = []
        for _ in range(8):
            answers.append(wire.mail()[:3])
            wire.say("RSET")
    assert answers == ["250", "451", "250", "451", "250", "250", "250", "250"]
    assert inbox.get("/api/faults")[0].items() >= {"occasions": 8, "applied": 2}.items()


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ({"at": "reply", "action": "reply"}, "rule 1: code: missing; a reply needs a code from 400 to 599"),
        ({"at": "reply", "action": "drop", "code": 451}, "rule 1: code: has no meaning for drop; leave it out"),
        ({"at": "reply", "action": "delay"}, "rule 1: seconds: missing; say how long to delay"),
        (
            {"at": "mail", "action": "drop", "recipient": "a@example.org"},
            "rule 1: recipient: not known yet at mail; use it at body, data, rcpt, reply",
        ),
        (
            {"at": "body", "action": "reply", "code": 451},
            "rule 1: action: reply is not possible at body; use delay, drop, freeze",
        ),
        (
            {"at": "mail", "action": "drop", "after_bytes": 5},
            "rule 1: after_bytes: has no meaning at mail; use it at body",
        ),
        (
            {"at": "mail", "action": "reply", "code": 451, "enhanced": "5.1.1"},
            "rule 1: enhanced: 5.1.1 contradicts the code 451; begin both with one digit",
        ),
        ({"at": "mail", "action": "drop", "fist": 1}, "rule 1: fist: Extra inputs are not permitted"),
        (
            {"at": "mail", "action": "reply", "code": 250},
            "rule 1: code: Input should be greater than or equal to 400",
        ),
    ],
)
def test_a_rule_that_makes_no_sense_is_one_line_and_changes_nothing(
    inbox: "Inbox", rule: dict[str, Any], line: str
) -> None:
    inbox.faults({"at": "rcpt", "action": "drop", "every": 7})
    answer = inbox.http.put("/api/faults", json=[rule])
    assert (answer.status_code, answer.json()) == (422, {"errors": [line]})
    assert inbox.get("/api/faults") == [{"at": "rcpt", "action": "drop", "every": 7, "occasions": 0, "applied": 0}]
