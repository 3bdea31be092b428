"""However few points there are, every hour a page moves on, and what was spent is told."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from local_world import spec
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
    limits,
    repository,
    scripted_github,
    search,
)

from domain.errors import SourceWait
from providers.github.slicing import slices_of

SLICE = slices_of(["language:python"], SINCE, UNTIL, share=100)[0]
ENDLESS = history([commit("kim")] * 100, total=5000, cursor="more")
MORE: Json = {"defaultBranchRef": {"target": {"history": ENDLESS}}}


@dataclass
class Hour:
    """A GitHub of busy repositories that answers so many requests an hour."""

    allowed: int
    used: int = 0

    def __call__(self, asked: Asked) -> Say:
        self.used += 1
        said = limits(self.allowed - self.used, limit=self.allowed)
        if self.used > self.allowed:
            return Say({"message": "API rate limit exceeded"}, status=403, headers=limits(0, limit=self.allowed))
        price = cost(remaining=self.allowed - self.used) | {"limit": self.allowed}
        if asked.query == "Discover":
            shown = [repository(number, ENDLESS) for number in range(asked.variables["first"])]
            return search(shown, cursor="behind", price=price, headers=said)
        if asked.query == "Enrich":
            return Say({"data": {"rateLimit": price, "nodes": [{} for _ in asked.variables["ids"]]}}, headers=said)
        used = {f"r{slot}": MORE for slot in range(8) if asked.variables[f"use{slot}"]}
        return Say({"data": {"rateLimit": price, **used}}, headers=said)


async def test_when_points_end_in_the_middle_the_page_is_what_was_read_by_then() -> None:
    async with scripted_github(Hour(20)) as github:
        source = github.source("t", patience=0.1)
        page = await source.page(SLICE, "")
        with pytest.raises(SourceWait) as wait:
            await source.page(SLICE, "behind")
        assert (page.next_cursor, page.incomplete, page.points) == ("behind", True, 20)
        assert len(page.repositories) == 25
        assert all(100 <= one.commits_read < 1000 for one in page.repositories)
        assert (wait.value.reason, wait.value.points) == ("source_limited", 0)
        assert len(github.asked) == 20


async def test_a_page_is_no_larger_than_the_points_that_are_left() -> None:
    async with scripted_github(Hour(60, used=8)) as github:
        source = github.source("t", patience=0.1)
        source._sizes._usual = 100
        await source.profiles(spec(), ["U_kim"])
        page = await source.page(SLICE, "")
    assert (len(page.repositories), page.incomplete, page.points) == (40, False, 46)
    assert {one.commits_read for one in page.repositories} == {1000}


async def test_the_smallest_share_of_an_hour_is_a_point() -> None:
    async with scripted_github(Hour(60)) as github:
        source = github.source("t", patience=0.1)
        await source.page(slices_of(["language:go"], SINCE, UNTIL, share=100)[0], "")
        github.script = Hour(60)
        slice_ = slices_of(["language:python"], SINCE, UNTIL, share=1)[0]
        source = github.source("t", patience=0.1)
        first = await source.page(slice_, "")
    assert first.repositories
    assert first.incomplete


async def test_what_an_outage_throws_away_is_told_and_less_is_asked_for_next(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [Hour(5000)] * 4
    broken = in_turn(Say(status=500))

    def script(asked: Asked) -> Say:
        return answers.pop()(asked) if answers else broken(asked)

    async with scripted_github(script) as github:
        source = github.source("t", patience=0.1)
        with pytest.raises(SourceWait) as wait:
            await source.page(SLICE, "")
        assert (wait.value.reason, wait.value.points) == ("source_unreachable", 4)
        github.script = in_turn(search([]))
        later = wait.value.until + timedelta(seconds=1)
        monkeypatch.setattr("providers.github.api.utc_now", lambda: later)
        await source.page(SLICE, "")
        assert github.asked[-1].variables["first"] == 12


async def test_profiles_that_were_read_before_a_wait_are_told_with_who_is_missing() -> None:
    def script(asked: Asked) -> Say:
        ids = asked.variables["ids"]
        if len(ids) > 30:
            return Say(status=504)
        if len(github.asked) > 3:
            return Say({"message": "API rate limit exceeded"}, status=403, headers=limits(0))
        return Say({"data": {"rateLimit": cost(2), "nodes": [{"id": one, "login": one} for one in ids]}})

    people = [f"U_p{number}" for number in range(100)]
    async with scripted_github(script) as github:
        source = github.source("t", patience=1.0)
        page = await source.profiles(spec(), people)
        with pytest.raises(SourceWait):
            await source.profiles(spec(), people)
    read = [one.identity for one in page.profiles]
    assert (len(read), page.points) == (25, 2)
    assert sorted([*read, *page.unread]) == sorted(people)
