"""Whoever posts to the opt-out address of their mail gets no more mail; whoever only looks changes nothing."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import insert, select

from domain.message import Draft, MessageKey, message_id
from domain.ports import ClaimRules, NewMessage
from storage.keys import Keys
from storage.leads import LeadRows
from storage.ledger import ledger_of
from storage.schema import messages

if TYPE_CHECKING:
    from tests.web.conftest import Person, World

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
UNKNOWN = Keys("the key of another database").opt_out_token("release-notes-1", 1)


def at(person: "Person") -> str:
    return f"/u/{person.token}"


async def entries(world: "World", person: "Person") -> list[tuple[str, str, str]]:
    found = await world.suppressions.check(person.email)
    return [(entry.kind, entry.reason, entry.source) for entry in found]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"data": ONE_CLICK}, id="RFC 8058, urlencoded"),
        pytest.param({"files": {"List-Unsubscribe": (None, "One-Click")}}, id="RFC 8058, multipart"),
        pytest.param({}, id="the button of the page"),
        pytest.param({"content": b"\xff\x00{"}, id="a body nobody can read"),
        pytest.param({"content": b"x" * 16 * 1024}, id="the largest body"),
    ],
)
async def test_a_post_suppresses_the_person(world: "World", http: httpx.AsyncClient, body: dict[str, object]) -> None:
    person = world.person()
    assert await entries(world, person) == []

    answer = await http.post(at(person), **body)  # type: ignore[arg-type]

    assert answer.status_code == 200
    assert "You are unsubscribed" in answer.text
    assert await entries(world, person) == [("address", "unsubscribed", world.campaign)]


async def test_after_a_post_the_ledger_claims_nothing_for_that_person(world: "World", http: httpx.AsyncClient) -> None:
    leaves, stays = world.person(), world.person()
    scheduled = [
        NewMessage(
            draft=Draft(number=person.number, subject="News", text="", html="", author="template", version="1"),
            message_id=message_id(MessageKey(world.campaign, person.number, 1), "secret", "news@example.com"),
            recipient=person.email,
            mailbox="relay",
            basis="consent",
            opt_out_url=f"http://127.0.0.1{at(person)}",
            fingerprint="0" * 64,
            approved_by="dana",
        )
        for person in (leaves, stays)
    ]
    await LeadRows(world.database, world.keys).store_drafts(world.campaign, scheduled, [])

    assert (await http.post(at(leaves), data=ONE_CLICK)).status_code == 200

    rules = ClaimRules(cool_down_seconds=0, expired=False, may_start=True, resend_doubts=False, dry_run=False)
    first, last = min(leaves.number, stays.number), max(leaves.number, stays.number)
    async with ledger_of(world.database) as ledger:
        claimed = await ledger.claim(world.campaign, first, last, "attempt", rules)
        tally = await ledger.tally(world.campaign, first, last)
    assert [message.recipient for message in claimed] == [stays.email]
    assert tally.counts == {"claimed": 1, "skipped": 1}


async def test_posting_again_is_answered_alike_and_changes_nothing(world: "World", http: httpx.AsyncClient) -> None:
    person = world.person()
    first = await http.post(at(person), data=ONE_CLICK)
    entry = await world.suppressions.check(person.email)

    second = await http.post(at(person), data=ONE_CLICK)

    assert (second.status_code, second.text) == (first.status_code, first.text)
    assert await world.suppressions.check(person.email) == entry
    assert len(entry) == 1


async def test_looking_changes_nothing(world: "World", http: httpx.AsyncClient) -> None:
    person = world.person()
    before = await world.suppressions.all()

    page = await http.get(at(person))
    head = await http.head(at(person))

    assert (page.status_code, head.status_code) == (200, 200)
    assert head.content == b""
    assert head.headers["content-length"] == page.headers["content-length"] == str(len(page.content))
    assert await world.suppressions.all() == before


async def test_the_page_says_who_wrote_and_has_one_button(world: "World", http: httpx.AsyncClient) -> None:
    person = world.person()
    page = (await http.get(at(person))).text
    assert '<html lang="en">' in page
    assert "Dana Rivers, Example &lt;Labs&gt;" in page
    assert re.findall(r"<form[^>]*>", page) == ['<form method="post">']
    assert len(re.findall(r"<(?:button|input|a|script|img|link)\b", page)) == 1
    assert person.email not in page
    assert person.token not in page


async def test_a_token_of_another_key_or_another_database_is_not_found(world: "World", http: httpx.AsyncClient) -> None:
    person = world.person()
    other_key = Keys("another key, just as long").opt_out_token(world.campaign, person.number)
    other_database = world.keys.opt_out_token("a-campaign-that-is-not-here", person.number)
    swapped = person.token[:-1] + ("A" if person.token[-1] != "A" else "Q")
    for forged in (other_key, other_database, swapped):
        for method in ("GET", "POST"):
            assert (await http.request(method, f"/u/{forged}")).status_code == 404
    assert await entries(world, person) == []


@pytest.mark.parametrize(
    "path",
    [
        "/u/",
        "/u",
        "/u/short",
        f"/u/{'x' * 23}",
        f"/u/{'x' * 5000}",
        f"/u/{UNKNOWN[:-1]}%0A",
        f"/u/{UNKNOWN[:-1]}é",
        "/",
    ],
)
async def test_what_is_no_token_looks_like_one_that_is_unknown(http: httpx.AsyncClient, path: str) -> None:
    unknown = await http.get(f"/u/{UNKNOWN}")
    for method in ("GET", "POST"):
        answer = await http.request(method, path)
        assert (answer.status_code, answer.text) == (404, unknown.text)
        assert "location" not in answer.headers


async def test_no_address_redirects(world: "World", http: httpx.AsyncClient) -> None:
    assert (await http.post(f"{at(world.person())}/", follow_redirects=False)).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods_are_refused(world: "World", http: httpx.AsyncClient, method: str) -> None:
    person = world.person()
    answer = await http.request(method, at(person))
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    assert await entries(world, person) == []


async def test_a_body_over_16_kilobytes_is_refused(world: "World", http: httpx.AsyncClient) -> None:
    person = world.person()

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b"x" * 1024

    assert (await http.post(at(person), content=b"x" * (16 * 1024 + 1))).status_code == 413
    assert (await http.post(at(person), content=pieces())).status_code == 413
    assert await entries(world, person) == []
    assert (await http.post(at(person), data=ONE_CLICK)).status_code == 200, "the next request is not disturbed"


async def test_every_page_is_kept_nowhere_and_loads_nothing(world: "World", http: httpx.AsyncClient) -> None:
    person = world.person()
    answers = [
        await http.get(at(person)),
        await http.post(at(person)),
        await http.get(f"/u/{UNKNOWN}"),
        await http.put(at(person)),
        await http.post(at(person), content=b"x" * 20_000),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 405, 413]
    for answer in answers:
        headers = answer.headers
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert policy.endswith("form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
        assert {"set-cookie", "server"}.isdisjoint(headers)


async def test_posts_at_the_same_moment_all_count(world: "World", http: httpx.AsyncClient) -> None:
    people = [world.person() for _ in range(12)]
    answers = await asyncio.gather(*(http.post(at(person), data=ONE_CLICK) for person in people * 3))
    assert {answer.status_code for answer in answers} == {200}
    for person in people:
        assert await entries(world, person) == [("address", "unsubscribed", world.campaign)]


async def test_a_post_waits_for_a_busy_database(world: "World", http: httpx.AsyncClient) -> None:
    person = world.person()
    with world.locked():
        began = time.monotonic()
        posted = asyncio.create_task(http.post(at(person), data=ONE_CLICK))
        unknown = await http.post(f"/u/{UNKNOWN}")
        assert unknown.status_code == 404, "guessing does not even wait for the lock"
        assert time.monotonic() - began < 2
        await asyncio.sleep(2)
        assert not posted.done()
    assert (await posted).status_code == 200
    assert await entries(world, person) == [("address", "unsubscribed", world.campaign)]


async def test_when_it_cannot_be_stored_nobody_is_told_that_it_was(world: "World", http: httpx.AsyncClient) -> None:
    person = world.person()
    world.execute("ALTER TABLE suppressions RENAME TO elsewhere")
    try:
        answer = await http.post(at(person), data=ONE_CLICK)
    finally:
        world.execute("ALTER TABLE elsewhere RENAME TO suppressions")
    assert answer.status_code == 500
    assert "That did not work" in answer.text
    assert "suppressions" not in answer.text
    assert (await http.post(at(person), data=ONE_CLICK)).status_code == 200


@pytest.mark.parametrize("state", ["sent", "transmitting", "in_doubt"])
async def test_the_opt_out_is_what_came_of_a_mail_that_left(
    world: "World", http: httpx.AsyncClient, state: str
) -> None:
    """A quick answer overtakes the ledger's own note that the mail was sent."""
    person = world.person()
    async with world.database.write() as connection:
        await connection.execute(
            insert(messages).values(
                campaign_id=world.campaign,
                number=person.number,
                step=1,
                message_id=f"<{person.number}@example.com>",
                recipient=person.email,
                address_identity=world.keys.address_identity(person.email),
                domain_identity=world.keys.domain_identity(person.email),
                receiver="example.com",
                mailbox="relay",
                basis="consent",
                state=state,
                reason="",
                attempts=1,
                scheduled_at=datetime.now(UTC),
            )
        )
    assert (await http.post(at(person), data=ONE_CLICK)).status_code == 200
    query = select(messages.c.state, messages.c.outcome).where(messages.c.number == person.number)
    async with world.database.read() as connection:
        assert (await connection.execute(query)).all() == [(state, "unsubscribed")]
