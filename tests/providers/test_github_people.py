"""A profile holds what a person publishes, and an address only when somebody reads it."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from local_world import spec
from msgspec.json import decode
from scripted_github import Asked, Json, Say, cost, in_turn, scripted_github

from domain.errors import SourceWait
from providers.github.people import Enriched
from providers.github.text import clean

CUT_SHORT = {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."}
GONE = {"type": "NOT_FOUND", "message": "Could not resolve to a node."}


def user(login: str, **changes: object) -> Json:
    return {
        "id": f"U_{login}",
        "login": login,
        "name": "Kim Example",
        "email": f"{login}@example.com",
        "bio": "Tests things.",
        "company": "@example",
        "location": "Example City",
        "websiteUrl": "https://example.com",
        "isHireable": True,
        "createdAt": "2015-01-01T00:00:00Z",
        "followers": {"totalCount": 12},
    } | changes


def answer(*nodes: Json | None, errors: tuple[Json, ...] = ()) -> Say:
    data: dict[str, Any] = {"data": {"rateLimit": cost(), "nodes": list(nodes)}}
    return Say(data | ({"errors": list(errors)} if errors else {}))


async def test_a_profile_as_it_is_published() -> None:
    async with scripted_github(in_turn(answer(user("kim")))) as github:
        page = await github.source("t").profiles(spec(), ["U_kim"])
    (profile,) = page.profiles
    assert profile.model_dump(exclude={"read_at"}) == {
        "identity": "U_kim",
        "login": "kim",
        "name": "Kim Example",
        "email": "kim@example.com",
        "company": "@example",
        "location": "Example City",
        "bio": "Tests things.",
        "website": "https://example.com",
        "followers": 12,
        "hireable": True,
        "created_at": datetime(2015, 1, 1, tzinfo=UTC),
    }
    assert (datetime.now(UTC) - profile.read_at).total_seconds() < 5
    assert page.points == 1


async def test_who_is_missing_is_there_no_more_and_the_others_keep_their_order() -> None:
    silent = user("d", name=None, bio=None, email="", company=None, followers=None)
    nodes: tuple[Json | None, ...] = (user("a"), None, {}, silent)
    async with scripted_github(in_turn(answer(*nodes, errors=({**GONE, "path": ["nodes", 1]},)))) as github:
        page = await github.source("t").profiles(spec(), ["U_a", "U_gone", "O_organization", "U_d"])
    assert [(profile.identity, profile.email) for profile in page.profiles] == [("U_a", "a@example.com"), ("U_d", "")]
    assert len(github.asked) == 1


async def test_the_identity_is_the_one_that_was_asked_for() -> None:
    async with scripted_github(in_turn(answer(user("kim", id="U_newer")))) as github:
        page = await github.source("t").profiles(spec(), ["MDQ6VXNlcjE="])
    assert [profile.identity for profile in page.profiles] == ["MDQ6VXNlcjE="]


async def test_who_was_left_out_for_time_is_asked_for_again_and_not_taken_for_gone() -> None:
    def script(asked: Asked) -> Say:
        ids = asked.variables["ids"]
        shown = [user(one[2:]) if number < 3 else None for number, one in enumerate(ids)]
        lacking = [{**CUT_SHORT, "path": ["nodes", number]} for number in range(3, len(ids))]
        return answer(*shown, errors=tuple(lacking))

    people = [f"U_p{number}" for number in range(20)]
    async with scripted_github(script) as github:
        page = await github.source("t").profiles(spec(), people)
    assert [profile.identity for profile in page.profiles] == people
    assert page.points == len(github.asked)


async def test_a_profile_that_lacks_a_part_is_asked_for_again_and_not_taken_for_the_whole() -> None:
    def script(asked: Asked) -> Say:
        ids = asked.variables["ids"]
        alone = len(ids) == 1
        lacking = {**CUT_SHORT, "path": ["nodes", len(ids) - 1, "location"]}
        hidden = {**GONE, "path": ["nodes", 0, "company"]}
        shown = [user(one[2:]) for one in ids[:-1]]
        return (
            answer(*shown, user(ids[-1][2:], location=None), errors=(hidden, lacking))
            if not alone
            else answer(user(ids[0][2:]))
        )

    people = ["U_a", "U_b", "U_c"]
    async with scripted_github(script) as github:
        page = await github.source("t").profiles(spec(), people)
    assert [(one.identity, one.location) for one in page.profiles] == [(one, "Example City") for one in people]
    assert [asked.variables["ids"] for asked in github.asked] == [people, ["U_c"]]


async def test_too_many_at_once_are_asked_for_in_halves() -> None:
    def script(asked: Asked) -> Say:
        ids = asked.variables["ids"]
        return Say(status=504) if len(ids) > 30 else answer(*(user(one[2:]) for one in ids))

    people = [f"U_p{number}" for number in range(100)]
    async with scripted_github(script) as github:
        page = await github.source("t").profiles(spec(), people)
    assert [profile.identity for profile in page.profiles] == people
    assert [len(asked.variables["ids"]) for asked in github.asked] == [100, 50, 25, 25, 50, 25, 25]


async def test_nobody_is_asked_about_nobody_and_nobody_about_more_than_a_hundred() -> None:
    async with scripted_github(in_turn(answer())) as github:
        source = github.source("t")
        assert (await source.profiles(spec(), [])).profiles == ()
        with pytest.raises(ValueError, match="101 people"):
            await source.profiles(spec(), ["U_x"] * 101)
        assert github.asked == []


async def test_an_answer_about_other_people_is_none() -> None:
    async with scripted_github(in_turn(answer(user("a")))) as github:
        with pytest.raises(SourceWait) as wait:
            await github.source("t").profiles(spec(), ["U_a", "U_b"])
    assert wait.value.reason == "source_unreachable"


@pytest.mark.parametrize(
    ("shown", "kept"),
    [(" kim@example.com ", "kim@example.com"), (None, ""), ("kim\r\n@example.com", "kim @example.com")],
)
async def test_an_address_is_what_was_typed_in_one_line_and_others_judge_it(shown: str | None, kept: str) -> None:
    async with scripted_github(in_turn(answer(user("kim", email=shown)))) as github:
        (profile,) = (await github.source("t").profiles(spec(), ["U_kim"])).profiles
    assert profile.email == kept


def test_text_is_kept_as_it_was_typed() -> None:
    assert clean("  {{ 7*7 }} 日本\x00\x1b <b>\n ") == "{{ 7*7 }} 日本 <b>"
    assert clean(None) == ""
    assert len(clean("x" * 5000)) == 1000


def test_a_hundred_profiles_cost_less_than_two_milliseconds() -> None:
    body = json.dumps({"rateLimit": cost(), "nodes": [user(f"p{number}") for number in range(100)]}).encode()
    now, fastest = datetime.now(UTC), 1.0
    for _ in range(30):
        began = time.process_time()
        profiles = [seen.profile("U", now) for seen in decode(body, type=Enriched).nodes if seen is not None]
        fastest = min(fastest, time.process_time() - began)
    assert len(profiles) == 100
    assert fastest < 0.002
