"""The source against the local GitHub, which executes the shipped queries: complete, nobody twice, whatever fails."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, validate
from local_github import LocalGitHub
from local_world import spec
from published_schema import published_schema

import providers.github
from domain.campaign import CampaignSpec
from domain.enriching import usable_address
from domain.sourcing import Contribution, PassedOver, Profile, SourcePage
from providers.github.address import ApiAddress, parse_tokens
from providers.github.api import GitHubApi
from providers.github.slicing import slices_of
from providers.github.source import MOST_IDENTITIES, GitHubSource
from providers.github.tokens import Tokens

AS_OF = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
QUERIES = sorted(Path(providers.github.__file__).parent.glob("*.graphql"))

FAULTS: dict[str, list[dict[str, Any]]] = {
    "nothing fails": [],
    "5 % of all calls fail": [{"action": "reply", "status": 500, "text": "", "share": 0.05}],
    "everything fails now and then": [
        {"action": "partial", "share": 0.03},
        {"action": "too_slow", "share": 0.02, "status": 502},
        {"action": "too_slow", "share": 0.02, "status": 200},
        {"action": "too_slow", "operation": "Enrich", "more_than": 40},
        {"action": "malformed", "share": 0.03},
        {"action": "drop", "share": 0.03},
        {"action": "redirect", "location": "/graphql", "status": 307, "share": 0.03},
        {"action": "secondary_limit", "seconds": 1, "share": 0.01},
    ],
}


@pytest.fixture(scope="module")
def github() -> Iterator[LocalGitHub]:
    running = LocalGitHub("--people", "1000", "--repositories", "1900", "--as-of", AS_OF.isoformat())
    yield running
    running.end()


@pytest.fixture
async def source(github: LocalGitHub) -> AsyncIterator[GitHubSource]:
    github.fresh()
    address = ApiAddress.parse(github.url, "OUTRIDER_GITHUB_API_URL")
    source = GitHubSource(GitHubApi(address, Tokens(parse_tokens("one,two", "OUTRIDER_GITHUB_TOKEN"))))
    yield source
    await source.close()


def campaign(**audience: object) -> CampaignSpec:
    plain = spec().model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return CampaignSpec.model_validate({**plain, "audience": audience})


async def all_pages(source: GitHubSource, slices: list[str]) -> list[SourcePage]:
    """Every page of every slice, windows of slices at the same time."""
    pages: list[SourcePage] = []

    async def walk(slice_: str) -> None:
        cursor: str | None = ""
        while cursor is not None:
            page = await source.page(slice_, cursor)
            pages.append(page)
            await asyncio.gather(*(walk(half) for half in page.split))
            cursor = page.next_cursor

    await asyncio.gather(*(walk(slice_) for slice_ in slices))
    return pages


def seen(person: Contribution) -> tuple[str, str, str, int]:
    return person.identity, person.login, person.repository, person.commits


def wanted(truth: dict[str, Any], ids: dict[str, str]) -> Counter[tuple[str, str, str, int]]:
    return Counter(
        (person["id"], person["login"], ids[name], commits)
        for person in truth["people"]
        if person["kind"] != "bot"
        for name, commits in person["commits"].items()
    )


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
async def test_everybody_is_found_once_over_a_search_that_has_to_be_split(
    github: LocalGitHub, source: GitHubSource, faults: list[dict[str, Any]]
) -> None:
    github.faults(*faults)
    since = AS_OF - timedelta(days=90)
    pages = await all_pages(source, slices_of(["stars:>=0 archived:false fork:false"], since, AS_OF))
    github.faults()
    truth = github.get("/truth", stars_min=0)
    repositories = [found for page in pages for found in page.repositories]
    people = [person for page in pages for person in page.contributions]
    assert len(truth["repositories"]) > 1000
    assert sum(bool(page.split) for page in pages) >= 1
    assert sorted(found.full_name for found in repositories) == truth["repositories"]
    assert Counter(map(seen, people)) == wanted(truth, {found.full_name: found.identity for found in repositories})
    offsets = Counter[tuple[str, int]]()
    for person in people:
        offsets.update({(person.identity, offset): count for offset, count in person.offsets.items()})
    assert offsets == {
        (person["id"], int(offset)): count
        for person in truth["people"]
        if person["kind"] != "bot"
        for offset, count in person["offsets"].items()
    }
    bots = {one.identity for page in pages for one in page.passed_over if one.reason is PassedOver.BOT}
    assert bots == {person["id"] for person in truth["people"] if person["kind"] == "bot"}
    assert not any(page.incomplete for page in pages)


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
async def test_every_profile_is_read_and_only_addresses_that_people_publish(
    github: LocalGitHub, source: GitHubSource, faults: list[dict[str, Any]]
) -> None:
    truth = {person["id"]: person for person in github.get("/truth", stars_min=0)["people"] if person["kind"] != "bot"}
    identities = sorted(truth)
    github.faults(*faults)
    windows = [identities[first : first + MOST_IDENTITIES] for first in range(0, len(identities), MOST_IDENTITIES)]
    read = await asyncio.gather(*(source.profiles(campaign(source="github", stars="0.."), ids) for ids in windows))
    profiles: dict[str, Profile] = {profile.identity: profile for page in read for profile in page.profiles}
    assert list(profiles) == [one for one in identities if truth[one]["kind"] == "user"]
    for one, profile in profiles.items():
        public = truth[one]["address"] == "public"
        assert usable_address(profile.email).lower() == (truth[one]["email"].lower() if public else "")
        assert (profile.login, profile.location) == (truth[one]["login"], truth[one]["location"] or "")
    if not faults:
        assert sum(page.points for page in read) == len(windows)
    await source.close()


async def test_named_repositories_renamed_and_gone(github: LocalGitHub, source: GitHubSource) -> None:
    truth = github.get("/truth", stars_min=0)
    names = truth["active_repositories"][:20]
    slices = source.slices(campaign(source="repositories", repositories=[*names, "example-org/never-was"]), AS_OF)
    pages = await all_pages(source, slices)
    assert sorted(found.full_name for page in pages for found in page.repositories) == names
    assert sum(page.gone for page in pages) == 1
    assert all(person.commits for page in pages for person in page.contributions)
    await source.close()


async def test_the_points_of_a_discovery_and_its_profiles(github: LocalGitHub, source: GitHubSource) -> None:
    search = campaign(source="github", languages=["python"], stars="0..")
    pages = await all_pages(source, source.slices(search, AS_OF))
    identities = list(dict.fromkeys(person.identity for page in pages for person in page.contributions))
    profiles = await source.profiles(search, identities[:100])
    assert len(profiles.profiles) > 90
    assert sum(page.points for page in pages) + profiles.points == github.get("/requests")["points"]["graphql"]


@pytest.mark.parametrize("query", QUERIES, ids=lambda path: path.stem)
def test_the_shipped_queries_are_valid_by_githubs_published_schema(query: Path) -> None:
    assert validate(published_schema(), parse(query.read_text(encoding="utf-8"))) == []


def test_all_queries_are_looked_at() -> None:
    assert [query.stem for query in QUERIES] == ["discover", "enrich", "history", "limits", "repository"]
