"""What a page of discovery holds: every person and repository once, and nobody who is no person."""

import json
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode
from scripted_github import (
    SINCE,
    UNTIL,
    Asked,
    Json,
    Say,
    commit,
    cost,
    history,
    in_turn,
    repository,
    scripted_github,
    search,
)

from domain.sourcing import PassedOver
from providers.github.history import offset_minutes
from providers.github.repositories import Reading
from providers.github.search_page import Discovered
from providers.github.slicing import Slice, slices_of, slices_of_repositories

SLICE = slices_of(["language:python stars:10..50"], SINCE, UNTIL)[0]
NAMED = slices_of_repositories(["example/r1"], SINCE, UNTIL)[0]
CUT_SHORT = {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."}
TOO_BIG = Say({"message": "We couldn't respond to your request in time. Sorry about that."}, status=502)


class TestPeople:
    async def test_each_person_once_per_repository_with_what_their_commits_say(self) -> None:
        commits = [
            commit("kim", "2026-10-03T10:00:00+05:30", "2026-10-03T04:30:00Z"),
            commit("kim", "2026-10-02T10:00:00Z", "2026-10-02T10:00:00Z"),
            commit("ada", "2026-10-01T10:00:00-03:30", "2026-10-01T13:30:00Z"),
            commit("kim", "2026-09-01T10:00:00+05:30", "2026-09-01T04:30:00Z"),
        ]
        async with scripted_github(in_turn(search([repository(1, commits), repository(2, commits[:1])]))) as github:
            page = await github.source("t").page(SLICE, "")
        kim, ada, again = page.contributions
        assert (kim.identity, kim.login, kim.repository, kim.commits) == ("U_kim", "kim", "R_1", 3)
        assert kim.last_commit_at == datetime(2026, 10, 3, 4, 30, tzinfo=UTC)
        assert kim.offsets == {330: 2, 0: 1}
        assert (ada.identity, ada.offsets) == ("U_ada", {-210: 1})
        assert (again.identity, again.repository) == ("U_kim", "R_2")
        assert [(r.active_people, r.commits, r.commits_read) for r in page.repositories] == [(2, 4, 4), (1, 1, 1)]

    async def test_nobody_who_is_no_person_and_each_of_them_is_counted_once(self) -> None:
        bot = {"committedDate": "2026-10-01T10:00:00Z", "author": {"date": None, "user": {"id": "BOT_1", "login": "x"}}}
        commits = [
            commit("mender[bot]"),
            commit("mender[bot]"),
            bot,
            commit(None),
            {**commit(None), "author": None},
            None,
        ]
        owner = {"__typename": "Organization", "id": "O_1"}
        shown = [repository(1, commits, owner=owner), repository(2, [commit(None), commit("kim")], owner=owner)]
        async with scripted_github(in_turn(search(shown))) as github:
            page = await github.source("t").page(SLICE, "")
        assert [person.login for person in page.contributions] == ["kim"]
        assert {(one.identity, one.reason) for one in page.passed_over} == {
            ("U_mender[bot]", PassedOver.BOT),
            ("BOT_1", PassedOver.BOT),
            ("unknown:R_1", PassedOver.UNKNOWN_ACCOUNT),
            ("unknown:R_2", PassedOver.UNKNOWN_ACCOUNT),
            ("O_1", PassedOver.ORGANIZATION),
        }
        assert len(page.passed_over) == 5

    @pytest.mark.parametrize("what", ["isArchived", "isFork", "isPrivate"])
    async def test_what_a_search_should_not_show_is_left_out(self, what: str) -> None:
        shown = [repository(1, [commit("kim")], **{what: True}), repository(2, [commit("ada")])]
        async with scripted_github(in_turn(search(shown))) as github:
            page = await github.source("t").page(SLICE, "")
        assert [person.login for person in page.contributions] == ["ada"]
        assert [found.identity for found in page.repositories] == ["R_2"]

    async def test_a_repository_without_a_branch_has_no_commits(self) -> None:
        empty = repository(1, [], defaultBranchRef=None, description=None, primaryLanguage=None, pushedAt=None)
        async with scripted_github(in_turn(search([empty]))) as github:
            page = await github.source("t").page(SLICE, "")
        assert [(found.commits, found.description, found.language) for found in page.repositories] == [(0, "", "")]

    async def test_text_is_one_line_without_control_characters_and_nothing_else_is_changed(self) -> None:
        shown = repository(1, [], description="a\x00b\x1b[0m\tc 日本 <b>\x85")
        async with scripted_github(in_turn(search([shown]))) as github:
            page = await github.source("t").page(SLICE, "")
        assert page.repositories[0].description == "ab[0m c 日本 <b>"

    @pytest.mark.parametrize(
        ("zone", "minutes"),
        [("Z", 0), ("+00:00", 0), ("-08:00", -480), ("+0545", 345), ("+14:00", 840), ("+23:00", None), ("", None)],
    )
    def test_offsets_that_a_clock_on_earth_can_show(self, zone: str, minutes: int | None) -> None:
        assert offset_minutes(zone) == minutes


class TestSearch:
    async def test_it_goes_on_where_the_page_before_ended(self) -> None:
        script = in_turn(search([repository(1, [])], count=2, cursor="c1"), search([repository(2, [])], count=2))
        async with scripted_github(script) as github:
            source = github.source("t")
            first = await source.page(SLICE, "")
            second = await source.page(SLICE, first.next_cursor or "")
        assert (first.next_cursor, second.next_cursor) == ("c1", None)
        assert [asked.variables["after"] for asked in github.asked] == [None, "c1"]
        assert github.asked[0].variables | {"first": 0} == {
            "q": "language:python stars:10..50",
            "first": 0,
            "commits": 100,
            "after": None,
            "since": "2026-08-01T00:00:00Z",
            "until": "2026-10-30T00:00:00Z",
        }
        assert (first.points, first.incomplete, first.split) == (1, False, ())

    async def test_more_than_github_shows_is_split_by_one_request(self) -> None:
        async with scripted_github(in_turn(search([repository(1, [commit("kim")])], count=1001))) as github:
            page = await github.source("t").page(SLICE, "")
        assert (page.repositories, page.contributions, page.next_cursor, page.points) == ((), (), None, 1)
        assert [Slice.model_validate_json(half).query for half in page.split] == [
            "language:python stars:10..50 created:2007-10-01T00:00:00Z..2017-04-15T11:59:59Z",
            "language:python stars:10..50 created:2017-04-15T12:00:00Z..2026-10-30T00:00:00Z",
        ]
        assert len(github.asked) == 1

    async def test_a_thousand_are_not_split(self) -> None:
        async with scripted_github(in_turn(search([repository(1, [])], count=1000))) as github:
            page = await github.source("t").page(SLICE, "")
        assert (page.split, len(page.repositories), page.incomplete) == ((), 1, False)

    async def test_one_second_is_read_as_far_as_it_is_shown(self) -> None:
        second = Slice(q="x", since=SINCE, until=UNTIL, created=(SINCE, SINCE)).text()
        async with scripted_github(in_turn(search([repository(1, [])], count=1001))) as github:
            page = await github.source("t").page(second, "")
        assert (page.split, len(page.repositories), page.incomplete) == ((), 1, True)

    @given(st.integers(0, 10**9), st.integers(0, 10**9))
    def test_halves_hold_every_second_once(self, start: int, length: int) -> None:
        first = datetime(2007, 10, 1, tzinfo=UTC) + timedelta(seconds=start)
        last = first + timedelta(seconds=length)
        slice_ = Slice(q="x", since=SINCE, until=UNTIL, share=50, created=(first, last))
        halves = [Slice.model_validate_json(half) for half in slice_.halves()]
        assert len(halves) == (2 if length else 0)
        bounds = [bound for half in halves for bound in half.created or ()]
        assert bounds[:1] + bounds[-1:] == ([first, last] if length else [])
        assert [b - a for a, b in pairwise(bounds)][1:2] == [timedelta(seconds=1)] * bool(length)
        assert all(half.created is not None and half.created[0] <= half.created[1] for half in halves)
        assert {(half.q, half.since, half.until, half.share) for half in halves} <= {("x", SINCE, UNTIL, 50)}

    async def test_all_that_is_shown_is_found_once_over_a_split_search(self) -> None:
        made = [datetime(2008, 1, 1, tzinfo=UTC) + timedelta(hours=hours * hours) for hours in range(350)]

        def script(asked: Asked) -> Say:
            span = asked.variables["q"].partition("created:")[2] or "2007-01-01T00:00:00Z..2027-01-01T00:00:00Z"
            first, last = (datetime.fromisoformat(end) for end in span.split(".."))
            inside = [number for number, at in enumerate(made) if first <= at <= last]
            after = int((asked.variables["after"] or "0").removeprefix("at "))
            shown = inside[after : after + asked.variables["first"]]
            goes_on = f"at {after + len(shown)}" if after + len(shown) < len(inside) else None
            count = len(inside) * 20  # so that more than 50 are more than a thousand
            return search([repository(number, [commit(f"p{number}")]) for number in shown], count=count, cursor=goes_on)

        async with scripted_github(script) as github:
            source, open_, found = github.source("t"), [(SLICE, "")], []
            while open_:
                slice_, cursor = open_.pop()
                page = await source.page(slice_, cursor)
                found += [person.login for person in page.contributions]
                open_ += [(half, "") for half in page.split]
                open_ += [(slice_, page.next_cursor)] if page.next_cursor else []
        assert sorted(found) == sorted(f"p{number}" for number in range(350))


class TestHistory:
    async def test_commits_behind_the_first_hundred_of_several_repositories_cost_one_request(self) -> None:
        def script(asked: Asked) -> Say:
            if asked.query == "Discover":
                more = [repository(n, history([commit("kim")] * 100, total=150, cursor=f"h{n}")) for n in range(9)]
                return search(more)
            used = [slot for slot in range(8) if asked.variables[f"use{slot}"]]
            assert all(asked.variables[f"after{n}"] == f"h{asked.variables[f'id{n}'].removeprefix('R_')}" for n in used)
            rest = {"defaultBranchRef": {"target": {"history": history([commit("ada")] * 50, total=150)}}}
            return Say({"data": {"rateLimit": cost(), **{f"r{slot}": rest for slot in used}}})

        async with scripted_github(script) as github:
            page = await github.source("t").page(SLICE, "")
        assert [asked.query for asked in github.asked] == ["Discover", "History", "History"]
        assert {(found.commits, found.commits_read, found.active_people) for found in page.repositories} == {
            (150, 150, 2)
        }
        assert len(page.contributions) == 18
        assert page.points == 3

    async def test_a_repository_with_too_many_says_how_many_were_read(self) -> None:
        endless = history([commit("kim")] * 100, total=5000, cursor="more")

        def script(asked: Asked) -> Say:
            if asked.query == "NamedRepository":
                return Say({"data": {"rateLimit": cost(), "repository": repository(1, endless)}})
            return Say({"data": {"rateLimit": cost(), "r0": {"defaultBranchRef": {"target": {"history": endless}}}}})

        async with scripted_github(script) as github:
            page = await github.source("t").page(NAMED, "")
        assert [(found.commits, found.commits_read) for found in page.repositories] == [(5000, 1000)]
        assert page.points == len(github.asked) == 10

    async def test_commits_that_cannot_be_shown_stay_unread_and_the_page_is_there(self) -> None:
        def script(asked: Asked) -> Say:
            if asked.query == "Discover":
                return search([repository(n, history([commit("kim")], total=9, cursor="h")) for n in (1, 2)])
            if asked.variables["id0"] == "R_1":
                return TOO_BIG
            rest = {"defaultBranchRef": {"target": {"history": history([commit("ada")] * 8, total=9)}}}
            return Say({"data": {"rateLimit": cost(), "r0": rest}})

        async with scripted_github(script) as github:
            page = await github.source("t").page(SLICE, "")
        assert [(found.commits, found.commits_read) for found in page.repositories] == [(9, 1), (9, 9)]

    async def test_commits_that_were_left_out_are_asked_for_again_and_are_nobodys(self) -> None:
        left = [commit(f"p{number}") for number in range(100)]

        def script(asked: Asked) -> Say:
            if asked.query == "Discover":
                return search([repository(n, history([commit("kim")] * 100, total=200, cursor="0")) for n in (1, 2)])
            first, at = asked.variables["commits"], int(asked.variables["after0"])
            shown: list[Json | None] = [*left[at : at + first]]
            lacking = range(10, len(shown))
            for number in lacking:
                shown[number] = None
            path = ["r0", "defaultBranchRef", "target", "history", "nodes"]
            errors = [{**CUT_SHORT, "path": [*path, number]} for number in lacking]
            goes_on = str(at + first) if at + first < 100 else None
            rest = {"defaultBranchRef": {"target": {"history": history(shown, total=200, cursor=goes_on)}}}
            whole = {"defaultBranchRef": {"target": {"history": history(left, total=200)}}}
            data = {"rateLimit": cost(), "r0": rest, **({"r1": whole} if asked.variables["use1"] else {})}
            return Say({"data": data, "errors": errors} if errors else {"data": data})

        async with scripted_github(script) as github:
            page = await github.source("t").page(SLICE, "")
        assert page.passed_over == ()
        assert len(page.contributions) == (1 + 9 * 6) + (1 + 100), "nine more pages of each"
        assert {(one.commits, one.commits_read) for one in page.repositories} == {(200, 200), (200, 154)}
        assert page.points == len(github.asked)

    async def test_commits_that_are_never_shown_are_neither_read_nor_somebodys(self) -> None:
        def script(asked: Asked) -> Say:
            if asked.query == "Discover":
                return search([repository(1, history([commit("kim")] * 100, total=200, cursor="0"))])
            shown = [None] * asked.variables["commits"]
            rest = {"defaultBranchRef": {"target": {"history": history(shown, total=200)}}}
            return Say({"data": {"rateLimit": cost(), "r0": rest}, "errors": [{**CUT_SHORT, "path": ["r0"]}]})

        async with scripted_github(script) as github:
            page = await github.source("t").page(SLICE, "")
        assert (page.passed_over, page.repositories[0].commits_read) == ((), 100)


class TestTooBig:
    async def test_pages_shrink_until_they_come_in_time_and_grow_again(self) -> None:
        def script(asked: Asked) -> Say:
            return TOO_BIG if asked.variables["first"] > 7 else search([repository(1, [])], cursor="behind")

        async with scripted_github(script) as github:
            source = github.source("t")
            await source.page(SLICE, "")
            assert [asked.variables["first"] for asked in github.asked] == [25, 12, 6]
            github.script = in_turn(search([repository(1, [])], cursor="behind"))
            for _ in range(20):
                await source.page(SLICE, "behind")
        assert [asked.variables["first"] for asked in github.asked][-20:][:10:2] == [6, 12, 24, 48, 96]

    async def test_a_repository_that_is_too_big_is_asked_for_with_fewer_commits(self) -> None:
        def script(asked: Asked) -> Say:
            too_big = asked.variables["first"] > 1 or asked.variables["commits"] > 6
            return TOO_BIG if too_big else search([repository(1, [commit("kim")])])

        async with scripted_github(script) as github:
            page = await github.source("t").page(SLICE, "")
        assert [person.login for person in page.contributions] == ["kim"]
        assert [asked.variables["commits"] for asked in github.asked][-3:] == [100, 25, 6]

    @pytest.mark.parametrize("where", ["edges", "somewhere"])
    async def test_what_came_is_kept_and_the_search_goes_on_behind_it(self, where: str) -> None:
        error = {**CUT_SHORT, "path": ["search", where, 2, "node", "defaultBranchRef", "target"]}
        lacking = repository(3, [], defaultBranchRef={"target": None})
        shown = [repository(1, [commit("kim")]), repository(2, [commit("ada")]), lacking, repository(4, [])]
        script = in_turn(search(shown, cursor="end", errors=[error]), search([repository(3, [commit("zoe")])]))
        async with scripted_github(script) as github:
            source = github.source("t")
            first = await source.page(SLICE, "")
            second = await source.page(SLICE, first.next_cursor or "")
        assert [person.login for person in first.contributions] == ["kim", "ada"]
        assert (first.next_cursor, first.incomplete) == ("after R_2", False)
        assert [person.login for person in second.contributions] == ["zoe"]
        assert [asked.variables["first"] for asked in github.asked] == [25, 12]

    async def test_the_search_goes_on_behind_the_last_result_that_says_where_it_stands(self) -> None:
        hidden = {"type": "FORBIDDEN", "path": ["search", "edges", 1], "message": ""}
        lacking = {**CUT_SHORT, "path": ["search", "edges", 2, "node"]}

        def script(asked: Asked) -> Say:
            page = search([repository(n, []) for n in (1, 2, 3)], cursor="end", errors=[hidden, lacking])
            found: Any = page.body
            found["data"]["search"]["edges"][1:] = [None, None]
            if asked.variables["after"] is not None:
                found["data"]["search"]["edges"][:1] = []
                found["errors"] = [
                    {**hidden, "path": ["search", "edges", 0]},
                    {**lacking, "path": ["search", "edges", 1]},
                ]
            return page if asked.variables["first"] > 1 else search([repository(2, [])], cursor="after R_2")

        async with scripted_github(script) as github:
            source = github.source("t")
            first = await source.page(SLICE, "")
            second = await source.page(SLICE, first.next_cursor or "")
        assert (first.next_cursor, second.next_cursor) == ("after R_1", "after R_2")

    async def test_a_result_that_is_never_whole_is_taken_as_it_is(self) -> None:
        error = {**CUT_SHORT, "path": ["search", "edges", 0, "node", "defaultBranchRef"]}
        lacking = repository(1, [], defaultBranchRef=None)
        async with scripted_github(in_turn(search([lacking], cursor="end", errors=[error]))) as github:
            page = await github.source("t").page(SLICE, "")
        assert [found.identity for found in page.repositories] == ["R_1"]
        assert (page.next_cursor, page.incomplete) == ("end", True)

    async def test_data_without_results_is_asked_for_again(self) -> None:
        nothing = Say({"data": {"search": None, "rateLimit": cost()}, "errors": [{**CUT_SHORT, "path": ["search"]}]})
        async with scripted_github(in_turn(nothing, search([repository(1, [])]))) as github:
            page = await github.source("t").page(SLICE, "")
        assert len(page.repositories) == 1
        assert [asked.variables["first"] for asked in github.asked] == [25, 12]


class TestNamed:
    async def test_a_renamed_repository_is_followed(self) -> None:
        renamed = repository(1, [commit("kim")], nameWithOwner="example/new-name", isArchived=True)
        answer = Say({"data": {"rateLimit": cost(), "repository": renamed}})
        async with scripted_github(in_turn(answer)) as github:
            page = await github.source("t").page(NAMED, "")
        assert (page.repositories[0].identity, page.repositories[0].full_name) == ("R_1", "example/new-name")
        assert [person.login for person in page.contributions] == ["kim"]
        assert (github.asked[0].variables["owner"], github.asked[0].variables["name"]) == ("example", "r1")
        assert (page.next_cursor, page.gone, page.points) == (None, 0, 1)

    async def test_what_only_our_token_may_see_is_not_read(self) -> None:
        private = repository(1, [commit("kim")], isPrivate=True)
        async with scripted_github(in_turn(Say({"data": {"rateLimit": cost(), "repository": private}}))) as github:
            page = await github.source("t").page(NAMED, "")
        assert (page.gone, page.repositories, page.contributions, page.points) == (1, (), (), 1)

    async def test_forks_and_archives_that_are_named_are_read(self) -> None:
        named = repository(1, [commit("kim")], isFork=True, isArchived=True)
        async with scripted_github(in_turn(Say({"data": {"rateLimit": cost(), "repository": named}}))) as github:
            page = await github.source("t").page(NAMED, "")
        assert (page.gone, [person.login for person in page.contributions]) == (0, ["kim"])

    @pytest.mark.parametrize(
        "answer",
        [
            Say(
                {"data": {"repository": None}, "errors": [{"type": "NOT_FOUND", "path": ["repository"], "message": ""}]}
            ),
            Say({"message": "Repository access blocked"}, status=451),
        ],
    )
    async def test_one_that_is_not_there_any_more_is_counted(self, answer: Say) -> None:
        async with scripted_github(in_turn(answer)) as github:
            page = await github.source("t").page(NAMED, "")
        assert (page.gone, page.repositories, page.next_cursor) == (1, (), None)


def test_a_thousand_commits_cost_less_than_four_milliseconds() -> None:
    """A guard against a shape or a tally that costs twice as much: it is the largest part of a search."""
    commits = [commit(f"p{number % 7}") for number in range(100)]
    edges = [{"cursor": "c", "node": repository(number, commits)} for number in range(10)]
    search_ = {"repositoryCount": 10, "pageInfo": {"hasNextPage": False, "endCursor": None}, "edges": edges}
    body = json.dumps({"rateLimit": cost(), "search": search_}).encode()
    fastest = 1.0
    for _ in range(30):
        began = time.process_time()
        found = decode(body, type=Discovered).search.edges or []
        people = [Reading(edge.node).contributions() for edge in found if edge is not None and edge.node is not None]
        fastest = min(fastest, time.process_time() - began)
    assert [len(some) for some in people] == [7] * 10
    assert fastest < 0.004


def test_a_slice_is_short_readable_json() -> None:
    assert json.loads(SLICE) == {
        "q": "language:python stars:10..50",
        "since": "2026-08-01T00:00:00Z",
        "until": "2026-10-30T00:00:00Z",
    }
    half: dict[str, Any] = json.loads(Slice.model_validate_json(SLICE).halves()[0])
    assert half["created"] == ["2007-10-01T00:00:00Z", "2017-04-15T11:59:59Z"]
    assert json.loads(slices_of_repositories(["a/b"], SINCE, UNTIL, 50)[0])["share"] == 50
