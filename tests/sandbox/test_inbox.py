"""The inbox keeps what it accepted, says so in JSON and on a page, and ends cleanly."""

import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.inbox.mailbox import MAX_MAILS, Mailbox

if TYPE_CHECKING:
    from tests.sandbox.conftest import Inbox


def mail(
    recipient: str, number: int, *, subject: str = "Grüße, a question", html: str = "<p>Hello</p>"
) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Nora <nora@example.net>"
    message["To"] = recipient
    message["Subject"] = subject
    message["Message-ID"] = f"<{number}@example.net>"
    message["List-Unsubscribe"] = "<https://example.net/u/token>, <mailto:stop@example.net>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content("Hello\n.a line that begins with a dot\n..two\n.\nGrüße\n", cte="8bit")
    message.add_alternative(html, subtype="html")
    message.set_boundary("boundary-of-this-mail")
    return message


def deliver(inbox: "Inbox", *messages: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", inbox.smtp_port) as client:
        for message in messages:
            client.send_message(message)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_its_ports_in_one_line_and_ends_with_exit_code_0(
    start_inbox: "Callable[..., Inbox]", number: signal.Signals
) -> None:
    inbox = start_inbox()
    assert set(inbox.line) == {"smtp_port", "http_port", "pid"}
    assert inbox.line["pid"] == inbox.process.pid
    with inbox.wire() as wire:
        assert wire.open_body().startswith("354")
        assert inbox.get("/healthz") == {"status": "ok"}
        assert inbox.end(number) == (0, "", "")
        assert wire.hear() == ""


def test_a_port_that_is_taken_is_one_line_and_exit_code_3() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "sandbox.inbox", "--smtp-port", port, "--http-port", "0"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 3
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"--smtp-port: cannot listen on 127.0.0.1:{port}: ")
    assert ended.stderr.count("\n") == 1


def test_a_mail_is_kept_octet_by_octet_and_read_for_people(inbox: "Inbox") -> None:
    message = mail("ada@example.org", 1)
    deliver(inbox, message)
    (summary,) = inbox.get("/api/messages")["messages"]
    assert summary["message_id"] == "<1@example.net>"
    assert summary["sender"] == "nora@example.net"
    assert summary["recipients"] == ["ada@example.org"]
    assert summary["subject"] == "Grüße, a question"
    source = inbox.http.get(f"/api/messages/{summary['id']}/source").content
    assert source == message.as_bytes(policy=policy.SMTP)
    assert len(source) == summary["size"]
    shown = inbox.get(f"/api/messages/{summary['id']}")
    assert shown["text"] == "Hello\n.a line that begins with a dot\n..two\n.\nGrüße\n"
    assert shown["html"].strip() == "<p>Hello</p>"
    assert ["Subject", "Grüße, a question"] in shown["headers"]
    assert [part["content_type"] for part in shown["parts"]] == ["text/plain", "text/html"]
    assert shown["opt_out"] == ["https://example.net/u/token", "mailto:stop@example.net"]
    assert shown["one_click"] is True


def test_a_folded_message_id_a_null_sender_and_an_empty_mail_are_taken(inbox: "Inbox") -> None:
    with inbox.wire() as wire:
        wire.say("EHLO test.example.net")
        assert wire.say("MAIL FROM:<> BODY=8BITMIME").startswith("250")
        assert wire.say("RCPT TO:<ada@example.org>").startswith("250")
        assert wire.say("DATA").startswith("354")
        wire.send(b"message-id:\r\n <long@example.net>\r\nSubject: a\r\n b\r\n\r\nSubject: not this\r\n.\r\n")
        assert wire.hear().startswith("250")
        assert wire.open_body().startswith("354")
        assert wire.say(".").startswith("250")
    empty, folded = inbox.get("/api/messages")["messages"]
    assert (folded["message_id"], folded["subject"]) == ("<long@example.net>", "a b")
    assert (empty["message_id"], empty["subject"], empty["size"]) == ("", "", 0)


def test_mails_are_found_by_recipient_subject_and_message_id(inbox: "Inbox") -> None:
    deliver(inbox, *(mail(f"person-{number}@example.org", number, subject=f"No. {number}") for number in range(12)))
    assert inbox.get("/api/messages?recipient=PERSON-7@")["total"] == 1
    assert inbox.get("/api/messages?subject=no.%201")["total"] == 3
    assert inbox.get("/api/messages?message_id=%3C4@example.net%3E")["total"] == 1
    assert inbox.get("/api/messages?message_id=4@example.net")["messages"][0]["subject"] == "No. 4"
    page = inbox.get("/api/messages?offset=2&limit=3")
    assert (page["total"], [row["subject"] for row in page["messages"]]) == (12, ["No. 9", "No. 8", "No. 7"])
    refused = inbox.http.get("/api/messages?limit=many")
    assert refused.status_code == 422
    assert refused.json() == {"errors": ["limit: 'many' is not a whole number; use 0 or more"]}


def test_the_ledger_has_every_recipient_of_every_mail_in_one_answer(inbox: "Inbox") -> None:
    with smtplib.SMTP("127.0.0.1", inbox.smtp_port) as client:
        for number in range(1500):
            text = f"Message-ID: <{number}@example.net>\r\n\r\nHello\r\n"
            client.sendmail("nora@example.net", [f"a{number}@example.org", f"b{number}@example.org"], text)
        client.sendmail("nora@example.net", ["a7@example.org"], "Message-ID: <7@example.net>\r\n\r\nHello\r\n")
    ledger = inbox.get("/api/ledger")
    expected = [[f"<{number}@example.net>", f"{who}{number}@example.org"] for number in range(1500) for who in "ab"]
    assert ledger == [*expected, ["<7@example.net>", "a7@example.org"]]
    counts = inbox.get("/api/counts")
    assert (counts["accepted"], counts["transactions"], counts["by_message_id_duplicates"]) == (1501, 1501, 1)


def test_deleting_forgets_mails_ledger_and_counters_but_not_the_faults(inbox: "Inbox") -> None:
    inbox.faults({"at": "mail", "action": "reply", "code": 451, "first": 1})
    with inbox.wire() as wire:
        assert wire.mail().startswith("451")
        assert wire.mail().startswith("250")
        before = inbox.get("/api/counts")
        assert (before["accepted"], before["refused"], before["connections_open"]) == (1, {"451": 1}, 1)
        (kept,) = inbox.get("/api/messages")["messages"]
        assert inbox.http.delete("/api/messages").status_code == 204
        after = inbox.get("/api/counts")
        assert (after["accepted"], after["refused"], after["connections_open"]) == (0, {}, 1)
        assert inbox.get("/api/ledger") == []
        assert inbox.http.get(f"/api/messages/{kept['id']}").status_code == 404
        assert wire.mail().startswith("250")
    assert inbox.get("/api/messages")["messages"][0]["id"] == kept["id"] + 1
    assert len(inbox.get("/api/faults")) == 1


def test_it_announces_what_it_can_do_and_refuses_what_a_strict_relay_refuses(inbox: "Inbox") -> None:
    with smtplib.SMTP("127.0.0.1", inbox.smtp_port) as client:
        client.ehlo()
        assert client.esmtp_features["size"] == "10485760"
        assert client.has_extn("8bitmime")
        assert not client.has_extn("pipelining")
    with inbox.wire() as wire:
        assert wire.say("MAIL FROM:<me@example.net>").startswith("503")
        wire.open_body()
        wire.send(b"x" * 998 + b"\r\n." + b"." + b"x" * 997 + b"\r\n.\r\n")
        assert wire.hear().startswith("250")
        wire.open_body()
        wire.send(b"x" * 999 + b"\r\n.\r\n")
        assert wire.hear().startswith("500 5.5.2")
        wire.open_body()
        wire.send(b"x" * 100_000 + b"\r\n.\r\n")
        assert wire.hear().startswith("500 5.5.2")
        wire.open_body()
        wire.send((b"x" * 98 + b"\r\n") * 105_000 + b".\r\n")
        assert wire.hear().startswith("552 5.3.4")
        assert wire.mail().startswith("250")
    assert inbox.kept() == 2
    assert inbox.get("/api/counts")["refused"] == {"500": 2, "503": 1, "552": 1}


def test_a_mail_is_kept_when_its_sender_dies_right_after_the_final_dot(inbox: "Inbox") -> None:
    for number in range(50):
        with inbox.wire() as wire:
            assert wire.open_body().startswith("354")
            wire.send(f"Message-ID: <{number}@example.net>\r\n\r\nText\r\n.\r\n".encode())
    with inbox.wire() as wire:
        wire.open_body()
        wire.send(b"Message-ID: <half@example.net>\r\n\r\nText without an end\r\n")
    deadline = time.monotonic() + 5
    while inbox.get("/api/counts")["connections_open"] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert {message_id for message_id, _ in inbox.get("/api/ledger")} == {f"<{n}@example.net>" for n in range(50)}


def test_the_page_shows_a_mail_and_neither_runs_nor_loads_what_is_in_it(inbox: "Inbox") -> None:
    html = '<html><head></head><body><script>bad()</script><img src="https://example.net/p.png"></body></html>'
    deliver(inbox, *(mail(f"person-{n}@example.org", n, subject=f"<b>No. {n}</b>", html=html) for n in range(31)))
    newest = inbox.get("/api/messages")["messages"][0]
    page = inbox.http.get("/", params={"id": newest["id"]})
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "script-src" not in page.headers["content-security-policy"]
    assert "&lt;b&gt;No. 30&lt;/b&gt;" in page.text
    assert "<b>No. 30</b>" not in page.text
    assert "https://example.net/u/token" in page.text
    assert (
        f'<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" src="/messages/{newest["id"]}/html"'
        in page.text
    )
    assert "1–30" in page.text
    frame = inbox.http.get(f"/messages/{newest['id']}/html")
    rules = frame.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "img-src data:"} <= set(rules)
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in rules
    assert '<head><base target="_blank">' in frame.text
    found = inbox.http.get("/", params={"q": "PERSON-17@"}).text
    assert "person-17@example.org" in found
    assert "person-18@example.org" not in found
    second = inbox.http.get("/", params={"page": 2}).text
    assert "person-0@example.org" in second
    assert "person-1@example.org" not in second
    assert inbox.http.get("/style.css").headers["content-type"].startswith("text/css")


def test_with_a_store_every_mail_is_also_a_file(start_inbox: "Callable[..., Inbox]", tmp_path: Path) -> None:
    inbox = start_inbox("--store", str(tmp_path))
    message = mail("ada@example.org", 1)
    deliver(inbox, message)
    assert inbox.end() == (0, "", "")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [
        ("00000001.eml", message.as_bytes(policy=policy.SMTP))
    ]


def test_the_oldest_mails_make_room_and_the_ledger_keeps_all() -> None:
    mailbox = Mailbox()
    for number in range(MAX_MAILS + 2):
        mailbox.accept("nora@example.net", ("ada@example.org",), b"Message-ID: <%d@example.net>\r\n\r\n" % number)
    assert mailbox.get(2) is None
    oldest = mailbox.get(3)
    assert oldest is not None
    assert oldest.message_id == "<2@example.net>"
    assert sum(1 for _ in mailbox.newest_first()) == MAX_MAILS
    assert len(mailbox.ledger) == mailbox.counts.accepted == MAX_MAILS + 2
