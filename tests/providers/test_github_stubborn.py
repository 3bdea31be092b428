"""What GitHub can never show holds up nobody else, and its own campaign not for ever."""

import time

import pytest
from local_world import spec
from scripted_github import SINCE, UNTIL, Asked, Say, commit, cost, repository, scripted_github, search

from domain.errors import SourceWait
from providers.github.slicing import slices_of, slices_of_repositories
from providers.github.source import GitHubSource

GOOD, BAD = slices_of(["language:python", "language:go"], SINCE, UNTIL)
NAMED = slices_of_repositories(["example/r1"], SINCE, UNTIL)[0]
TOO_BIG = Say({"message": "We couldn't respond to your request in time."}, status=502)
LIMITS = Say({"data": {"rateLimit": cost()}})


def fine(asked: Asked) -> Say:
    if asked.query == "Enrich":
        users = [{"id": one, "login": one[2:]} for one in asked.variables["ids"]]
        return Say({"data": {"rateLimit": cost(), "nodes": users}})
    return LIMITS if asked.query == "Limits" else search([repository(1, [commit("ann")])], cursor="next")


async def waits(source: GitHubSource, slice_: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(SourceWait) as wait:
            await source.page(slice_, "")
        assert wait.value.reason == "source_unreachable"
        assert wait.value.points == 1, "the question whether GitHub answers at all"


async def test_a_search_that_cannot_be_shown_holds_up_and_slows_no_other() -> None:
    async with scripted_github(lambda asked: TOO_BIG if "go" in asked.variables.get("q", "") else fine(asked)) as (
        github
    ):
        source = github.source("t")
        await waits(source, BAD, 1)
        assert (await source.page(GOOD, "")).repositories
        assert github.asked[-1].variables["first"] == 25
        await waits(source, BAD, 1)
        page = await source.page(BAD, "")
        assert (page.repositories, page.next_cursor, page.incomplete) == ((), None, True)
        await waits(source, BAD, 2)


async def test_a_repository_that_cannot_be_shown_is_left_out_and_the_search_goes_on() -> None:
    def script(asked: Asked) -> Say:
        if asked.query == "Discover" and asked.variables.get("history", True):
            return TOO_BIG
        return fine(asked)

    async with scripted_github(script) as github:
        source = github.source("t")
        await waits(source, BAD, 2)
        page = await source.page(BAD, "")
    assert (page.next_cursor, page.incomplete) == ("next", True)
    assert [one.full_name for one in page.repositories] == ["example/r1"]


async def test_a_named_repository_that_cannot_be_shown_is_left_out() -> None:
    async with scripted_github(lambda asked: TOO_BIG if asked.query == "NamedRepository" else fine(asked)) as github:
        source = github.source("t")
        await waits(source, NAMED, 2)
        page = await source.page(NAMED, "")
    assert (page.repositories, page.gone, page.next_cursor, page.incomplete) == ((), 0, None, True)


async def test_when_github_answers_nothing_it_is_github_and_everybody_waits() -> None:
    async with scripted_github(lambda _: TOO_BIG) as github:
        source = github.source("t")
        with pytest.raises(SourceWait):
            await source.page(BAD, "")
        asked = len(github.asked)
        for ask in (source.page(GOOD, ""), source.profiles(spec(), ["U_ann"])):
            with pytest.raises(SourceWait, match="nothing in time"):
                await ask
        assert len(github.asked) == asked


async def test_a_person_who_cannot_be_shown_holds_up_no_other_and_is_given_up() -> None:
    def script(asked: Asked) -> Say:
        return TOO_BIG if "U_p5" in asked.variables.get("ids", ()) else fine(asked)

    people = [f"U_p{number}" for number in range(9)]
    async with scripted_github(script) as github:
        source = github.source("t")
        began = time.monotonic()
        first = await source.profiles(spec(), people)
        assert [one.identity for one in first.profiles] == [one for one in people if one != "U_p5"]
        assert (first.unread, first.unreadable) == (("U_p5",), ())
        with pytest.raises(SourceWait):
            await source.profiles(spec(), first.unread)
        assert (await source.profiles(spec(), ["U_ann"])).profiles, "nobody else waits"
        last = await source.profiles(spec(), first.unread)
        assert (last.profiles, last.unread, last.unreadable) == ((), (), ("U_p5",))
        assert time.monotonic() - began < 5
