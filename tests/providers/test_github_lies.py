"""Answers that GitHub should never give: each is read as what is left of it, or waited for; none breaks the search."""

import gzip
from typing import Any

import pytest
from msgspec.structs import fields
from scripted_github import SINCE, UNTIL, Say, commit, cost, in_turn, repository, scripted_github, search
from scripted_source import searching

from domain.errors import SourceWait
from domain.sourcing import SourcePage
from providers.github.slicing import slices_of
from providers.github.transport import MOST_BYTES
from providers.github.values import Shape

SLICE = slices_of(["language:python"], SINCE, UNTIL)[0]


async def page_of(say: Say) -> SourcePage:
    async with scripted_github(in_turn(say)) as github:
        return await github.source("t", patience=0).page(SLICE, "")


async def assert_unreadable(say: Say) -> None:
    """It is waited for, in one clear line."""
    with pytest.raises(SourceWait) as raised:
        await page_of(say)
    assert raised.value.reason == "source_unreachable"
    assert raised.value.line == "GitHub does not answer (its answer cannot be read)"


def by(**account: object) -> dict[str, Any]:
    """A commit whose account is described like this."""
    return {**commit("kim"), "author": {"date": None, "user": {"id": "U_kim", "login": "kim", **account}}}


async def test_no_name_carries_what_rows_and_headers_cannot_hold() -> None:
    odd = repository(
        1,
        [by(login="k\0im\r\n")],
        nameWithOwner="exam\0ple/r\r\n1",
        url="https://github.example.com/\0",
        primaryLanguage={"name": "Py\0thon"},
        repositoryTopics={"nodes": [{"topic": {"name": "py\0test"}}]},
    )
    page = await page_of(search([odd]))
    (seen,) = page.repositories
    assert (seen.full_name, seen.language, seen.topics) == ("exam ple/r 1", "Py thon", ("py test",))
    assert seen.url == "https://github.example.com/"
    assert page.contributions[0].login == "k im"


async def test_the_login_of_a_profile_is_clean_too() -> None:
    user = {"id": "U_kim", "login": "k\0im\r\n"}
    async with scripted_github(in_turn(Say({"data": {"nodes": [user], "rateLimit": cost()}}))) as github:
        (profile,) = (await github.source("t").profiles(searching(), ["U_kim"])).profiles
    assert profile.login == "k im"


UNREADABLE = {
    "an identity no row can hold": search([repository(1, [by(id="U\0kim")])]),
    "an identity no index can hold": search([repository(1, [by(id="U" * 3_000)])]),
    "a repository's identity": search([repository(1, [], id="R\0")]),
    "a cursor no row can hold": search([repository(1, [])], cursor="a\0b"),
    "a time without its zone": search([repository(1, [commit("kim", at="2026-10-01T10:00:00")])]),
    "a time at the end of the calendar": search([repository(1, [commit("kim", at="9999-12-31T23:59:59-14:00")])]),
    "a time at its beginning": search([repository(1, [commit("kim", at="0001-01-01T00:00:00+14:00")])]),
    "a limit that ends at no time": search([], price={**cost(), "resetAt": "2026-10-01T10:00:00"}),
    "a price nobody has": search([], price={**cost(), "cost": 10**12}),
    "a price below nothing": search([], price={**cost(), "cost": -1}),
    "a number in a text": search([], price={**cost(), "cost": "1"}),
    "a number for a yes": search([repository(1, [], isFork=0)]),
    "a time without seconds": search([repository(1, [commit("kim", at="2026-10-01T10:00Z")])]),
    "bytes that are no text": Say(
        b'{"data":{"search":{"repositoryCount":0,"pageInfo":{"hasNextPage":true,"endCursor":"\xff"},"edges":[]}}}'
    ),
    "more brackets than anybody takes off": Say(b'{"data":{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}}"),
    "nothing at all": Say(b""),
    "a page for people": Say(b'<html>"data" "errors"</html>'),
}


@pytest.mark.parametrize("say", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_no_row_can_hold_is_no_answer(say: Say) -> None:
    await assert_unreadable(say)


def test_every_time_in_an_answer_is_checked() -> None:
    def shapes(above: type[Shape]) -> list[type[Shape]]:
        return [one for below in above.__subclasses__() for one in (below, *shapes(below))]

    timed = [one for one in shapes(Shape) if "datetime" in str([field.type for field in fields(one)])]
    assert len(timed) >= 4
    assert all("__post_init__" in vars(one) for one in timed)


@pytest.mark.parametrize("cursor", ["missing", "empty", "no results"])
async def test_a_page_that_hides_where_the_search_goes_on_is_not_its_end(cursor: str) -> None:
    say = search([repository(1, [])], count=500)
    assert isinstance(say.body, dict)
    found = say.body["data"]["search"]
    if cursor == "no results":
        found["edges"] = None
    else:
        found["pageInfo"] = {"hasNextPage": True, "endCursor": None if cursor == "missing" else ""}
    page = await page_of(say)
    assert (page.next_cursor, page.incomplete) == ((None, True) if cursor == "no results" else ("after R_1", False))


async def test_an_answer_that_is_packed_small_and_unpacks_without_end_is_given_up() -> None:
    bomb = gzip.compress(b'{"data":' + b" " * (MOST_BYTES + 1) + b"}")
    with pytest.raises(SourceWait, match="answers nothing in time"):
        await page_of(Say(bomb, headers={"content-encoding": "gzip"}))
