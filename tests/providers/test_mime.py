"""What providers.mime writes, the standard library reads back: the same mail, without a defect."""

import re
import time
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.message import OutgoingMail
from providers.mime import ascii_address, encode

MAIL = OutgoingMail(
    message_id="<0123456789abcdef@example.com>",
    date=datetime(2026, 11, 20, 9, 30, 5, tzinfo=UTC),
    sender_name="Dana Rivers",
    sender_address="dana@example.com",
    reply_to="answers@example.com",
    recipient="lead@example.org",
    subject="Flakewatch 2.4",
    text="Hello,\n\nthe release is out.\n",
    html="<p>Hello,</p>\n<p>the release is out.</p>\n",
    list_id="release-notes.example.com",
    opt_out_url="https://example.com/u/0123456789abcdef0123",
)

AWKWARD = [
    "\n",
    "\n\n",
    ".",
    "..",
    "\n.",
    "\n.\n",
    " ",
    "  \n",
    "\t\n",
    "=",
    "=20",
    "=?utf-8?q?x?=",
    "From ",
    "--",
    "ü",
]
AWKWARD += [
    "–",
    "😀",
    "👩‍🚀",
    "é",
    "\x00",
    "\x0b",
    "\u2028",
    "\ufeff",
    "x" * 80,
    "wort " * 30,
    "ä" * 90,
    '"',
    "<",
    ">",
    "\\",
]
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\r")
TEXTS = st.lists(st.sampled_from(AWKWARD) | st.text(CHARACTERS, max_size=30), max_size=25).map("".join)
HEADER_CHARACTERS = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
SUBJECTS = st.text(HEADER_CHARACTERS, max_size=200)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]) | st.just(" "), max_size=100).map(
    lambda name: " ".join(name.split())
)
ATOMS = st.text("abcdefghijklmnopqrstuvwxyz0123456789+-_", min_size=1, max_size=30)
ADDRESSES = st.builds(
    lambda local, host: f"{local}@{host}.example.org", ATOMS, st.from_regex(r"[a-z0-9]{1,40}", fullmatch=True)
)


def mail(**changed: object) -> OutgoingMail:
    return MAIL.model_copy(update=changed)


def received(content: bytes) -> bytes:
    """What a server keeps of the DATA phase: the end of data is cut off and dots are taken back (RFC 5321 4.5.2)."""
    wire = content + b"\r\n.\r\n"
    assert wire.index(b"\r\n.\r\n") == len(content), "the end of data must come once"
    lines = wire[: -len(b".\r\n")].split(b"\r\n")
    return b"\r\n".join(line.removeprefix(b".") for line in lines)


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(received(content), policy=policy.default)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert part.defects == []
    for value in message.values():
        assert value.defects == ()
    return message


def body(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    assert part is not None
    assert part.get_content_charset() == "utf-8"
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return octets.decode().replace("\r\n", "\n")


def displayed(content: bytes) -> tuple[str, str]:
    """Name and address in From. Python 3.11's policy puts a space between encoded words here, against RFC 2047 6.2."""
    phrase, address = parseaddr(message_from_bytes(received(content), policy=policy.compat32)["from"])
    return str(make_header(decode_header(phrase))), address


def assert_fits_the_wire(content: bytes) -> None:
    assert content.isascii()
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", content)
    assert b"\0" not in content
    assert max(map(len, content.split(b"\r\n"))) <= 998
    encoded = received(content).split(b"\r\n\r\n", 1)[1]
    assert max(map(len, encoded.split(b"\r\n"))) <= 76


def test_the_whole_mail_reads_as_written() -> None:
    content = encode(MAIL)

    assert content.decode().split("\r\n") == [
        "From: Dana Rivers <dana@example.com>",
        "Reply-To: answers@example.com",
        "List-Id: <release-notes.example.com>",
        "MIME-Version: 1.0",
        "To: lead@example.org",
        "Subject: Flakewatch 2.4",
        "Date: Fri, 20 Nov 2026 09:30:05 +0000",
        "Message-ID: <0123456789abcdef@example.com>",
        "List-Unsubscribe: <https://example.com/u/0123456789abcdef0123>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        'Content-Type: multipart/alternative; boundary="=_33344ebe5cf258863b389a650cbe694b"',
        "",
        "--=_33344ebe5cf258863b389a650cbe694b",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "Hello,",
        "",
        "the release is out.",
        "",
        "--=_33344ebe5cf258863b389a650cbe694b",
        "Content-Type: text/html; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "<p>Hello,</p>",
        "<p>the release is out.</p>",
        "",
        "--=_33344ebe5cf258863b389a650cbe694b--",
    ]


def test_the_same_mail_is_the_same_bytes_and_another_key_another_boundary() -> None:
    assert encode(MAIL) == encode(mail())
    boundaries = {parsed(encode(mail(message_id=f"<{key}@example.com>"))).get_boundary() for key in ("a", "b", "c")}
    assert len(boundaries) == 3


@given(text=TEXTS, html=TEXTS)
def test_any_text_comes_back(text: str, html: str) -> None:
    content = encode(mail(text=text, html=html))

    assert_fits_the_wire(content)
    message = parsed(content)
    assert body(message, "plain") == text
    assert body(message, "html") == html


@pytest.mark.parametrize(
    "text",
    [
        *("", "\n", "\n\n\n", "no line end", "a\r\nb\rc\nd"),
        *(".", ".\n", "\n.\n\n..\n...\n", ".leading", "." * 200),
        *(
            "trailing \n",
            "trailing\t",
            *("x" * n + " \n" for n in range(70, 80)),
            "word " * 30,
            "ä" * 12 + "xx\t\n",
            " " * 200,
            "x" * 5000,
            "ä" * 5000,
        ),
    ],
)
def test_awkward_texts_come_back(text: str) -> None:
    content = encode(mail(text=text))

    assert_fits_the_wire(content)
    assert body(parsed(content), "plain") == text.replace("\r\n", "\n").replace("\r", "\n")


@given(subject=SUBJECTS)
def test_any_subject_comes_back(subject: str) -> None:
    content = encode(mail(subject=subject))

    assert_fits_the_wire(content)
    header = next(line for line in content.split(b"\r\n") if line.startswith(b"Subject:"))
    assert len(header) <= 76
    assert parsed(content)["subject"] == subject


def test_a_long_plain_subject_is_folded_between_words_not_encoded() -> None:
    subject = "What changed in the release of November and why you may want to have a look at it today"

    content = encode(mail(subject=subject))

    assert b"=?" not in content
    assert b"Subject: What changed" in content
    assert parsed(content)["subject"] == subject


@given(name=NAMES, sender=ADDRESSES, reply_to=ADDRESSES, recipient=ADDRESSES)
def test_any_name_and_address_comes_back(name: str, sender: str, reply_to: str, recipient: str) -> None:
    content = encode(mail(sender_name=name, sender_address=sender, reply_to=reply_to, recipient=recipient))

    assert_fits_the_wire(content)
    message = parsed(content)
    assert displayed(content) == (name, sender)
    assert [address.addr_spec for address in message["reply-to"].addresses] == [reply_to]
    assert [address.addr_spec for address in message["to"].addresses] == [recipient]


def test_encoded_words_keep_to_76_columns() -> None:
    content = encode(mail(subject="Grüße " * 30, sender_name="Jürgen Groß-Äquivalent " * 4))

    lines = content.split(b"\r\n")
    assert all(len(line) <= 76 for line in lines if b"=?utf-8?" in line)
    assert parsed(content)["subject"] == "Grüße " * 30


def test_a_domain_outside_ascii_is_written_in_idna() -> None:
    message = parsed(encode(mail(recipient="lead@bücher.example.org", sender_address="dana@müller.example.com")))

    assert message["to"] == "lead@xn--bcher-kva.example.org"
    assert message["from"].addresses[0].addr_spec == "dana@xn--mller-kva.example.com"
    assert ascii_address("lead@bücher.example.org", "recipient") == "lead@xn--bcher-kva.example.org"


def test_what_a_mail_need_not_have_is_left_out() -> None:
    message = parsed(encode(mail(sender_name="", reply_to="", list_id="")))

    assert message["from"] == "dana@example.com"
    assert "reply-to" not in message
    assert "list-id" not in message


@pytest.mark.parametrize(
    "field",
    ["message_id", "sender_name", "sender_address", "reply_to", "recipient", "subject", "list_id", "opt_out_url"],
)
@pytest.mark.parametrize(
    "evil", ["\r\nBcc: secret@example.net", "\nX: secret", "\x00secret", "\x7fsecret", "\ud800secret"]
)
def test_no_header_can_be_smuggled_in(field: str, evil: str) -> None:
    value = getattr(MAIL, field) + evil

    with pytest.raises(ValueError, match=field) as refused:
        encode(mail(**{field: value}))

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recipient", ""),
        ("recipient", "no-address"),
        ("recipient", "two@example.org,three@example.org"),
        ("recipient", "a b@example.org"),
        ("recipient", "jürgen@example.org"),
        ("recipient", "a" * 320 + "@example.org"),
        ("opt_out_url", ""),
        ("opt_out_url", "mailto:stop@example.com"),
        ("opt_out_url", "https://example.com/u/a> <b"),
        ("list_id", "a <b>"),
        ("subject", "x" * 1000),
        ("text", "half \ud83d of a pair"),
        ("html", "half \ud83d of a pair"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_the_name_of_its_field(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"^{field} "):
        encode(mail(**{field: value}))


def test_a_thousand_mails_take_less_than_a_second() -> None:
    mails = [
        mail(
            message_id=f"<{n}@example.com>",
            recipient=f"lead{n}@example.org",
            text="Hällo Welt\n\n.x\n" * 80,
            html="<p>" * 800,
        )
        for n in range(1000)
    ]
    started = time.process_time()

    size = sum(len(encode(one)) for one in mails)

    assert time.process_time() - started < 1
    assert size > 3_000_000
