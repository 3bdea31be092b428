"""A message has one Message-ID for ever, and a fingerprint over all that its reader will see."""

import re
from datetime import UTC, datetime

import pytest
from local_world import spec

from domain.message import OPEN_STATES, ClaimedMessage, Draft, MessageKey, MessageState, OutgoingMail, message_id
from domain.outgoing import fingerprint_of, outgoing

KEY = MessageKey("campaign-a", 7, 1)
SECRET = "an opt-out token"
AT = datetime(2027, 2, 1, tzinfo=UTC)
MAIL = OutgoingMail(
    message_id="<1@example.com>",
    date=AT,
    sender_name="Dana",
    sender_address="news@example.com",
    reply_to="dana@example.com",
    recipient="ada@example.com",
    subject="Hello",
    text="Hello Ada\n",
    html="<p>Hello Ada</p>",
    list_id="news.example.com",
    opt_out_url="https://example.com/u/1",
)


def test_a_message_id_is_a_function_of_its_key() -> None:
    made = message_id(KEY, SECRET, "news@example.com")
    assert made == message_id(MessageKey("campaign-a", 7, 1), SECRET, "news@example.com")
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.com>", made)


@pytest.mark.parametrize(
    "other", [MessageKey("campaign-a", 7, 2), MessageKey("campaign-a", 71, 1), MessageKey("campaign-b", 7, 1)]
)
def test_another_key_is_another_message_id(other: MessageKey) -> None:
    assert message_id(other, SECRET, "news@example.com") != message_id(KEY, SECRET, "news@example.com")


def test_who_does_not_know_the_secret_cannot_make_a_message_id() -> None:
    assert message_id(KEY, "another secret", "news@example.com") != message_id(KEY, SECRET, "news@example.com")


def test_a_message_id_names_nobody_and_is_ascii() -> None:
    made = message_id(KEY, SECRET, "News@Bücher.example.com")
    assert made.endswith("@xn--bcher-kva.example.com>")
    assert made.isascii()
    assert "campaign" not in made


def test_a_message_id_stays_the_same_in_every_release() -> None:
    assert message_id(KEY, SECRET, "news@example.com") == "<9d7904c0bf8c4d7487359e794532a3f6@example.com>"


SEEN = {
    "sender_name": "Robin",
    "sender_address": "other@example.com",
    "reply_to": "other@example.com",
    "recipient": "bo@example.com",
    "subject": "Hello!",
    "text": "Hello Bo\n",
    "html": "<p>Hello Bo</p>",
    "list_id": "",
    "opt_out_url": "https://example.com/u/2",
}
UNSEEN = {"message_id": "<2@example.com>", "date": datetime(2028, 1, 1, tzinfo=UTC)}


def test_every_field_of_a_mail_is_either_seen_or_not() -> None:
    assert SEEN.keys() | UNSEEN.keys() == OutgoingMail.model_fields.keys()


@pytest.mark.parametrize("field", SEEN)
def test_whatever_the_reader_sees_changes_the_fingerprint(field: str) -> None:
    assert MAIL.model_copy(update={field: SEEN[field]}).fingerprint() != MAIL.fingerprint()


def test_a_fingerprint_stays_what_older_versions_have_stored() -> None:
    assert MAIL.fingerprint() == "3328e34488dbb879c724cafc0371c5c16d8ef7ad39da4fb5d621c1781dd653ee"


@pytest.mark.parametrize("field", UNSEEN)
def test_what_differs_between_attempts_does_not(field: str) -> None:
    assert MAIL.model_copy(update={field: UNSEEN[field]}).fingerprint() == MAIL.fingerprint()


def test_the_mail_that_is_sent_has_the_fingerprint_of_the_draft_that_was_stored() -> None:
    campaign = spec(list_id="news.example.com")
    mailbox = campaign.sending.mailboxes[0]
    draft = Draft(number=7, subject="Hello", text="Hello\n", html="<p>Hello</p>", author="template", version="1")
    claimed = ClaimedMessage(
        key=KEY,
        token="one",
        attempts=1,
        first_attempt_at=AT,
        message_id=message_id(KEY, SECRET, mailbox.address),
        recipient="ada@example.com",
        subject=draft.subject,
        text=draft.text,
        html=draft.html,
        opt_out_url="http://127.0.0.1:8026/u/1",
    )
    mail = outgoing(campaign, mailbox, claimed, AT)
    stored = fingerprint_of(campaign, mailbox, draft, "ada@example.com", "http://127.0.0.1:8026/u/1")
    assert mail.fingerprint() == stored
    assert (mail.sender_name, mail.sender_address, mail.reply_to) == (
        "Dana Rivers",
        mailbox.address,
        "dana@example.com",
    )
    assert (mail.list_id, mail.date, mail.message_id) == ("news.example.com", AT, claimed.message_id)


def test_open_states_are_those_that_the_engine_itself_will_still_move() -> None:
    closed = set(MessageState) - set(OPEN_STATES)
    assert closed == {MessageState.SENT, MessageState.FAILED, MessageState.SKIPPED, MessageState.IN_DOUBT}
