"""The population is what the stated distributions say, and the same for everybody who names the same seed."""

import resource
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest

from sandbox.github import distributions as stated
from sandbox.github import words
from sandbox.github.commits import Commit
from sandbox.github.population import Population

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = 86_400
T = TypeVar("T")


@pytest.fixture(scope="module")
def large() -> Population:
    return Population(50_000, 20_000, seed=7, as_of=AS_OF)


@pytest.fixture(scope="module")
def histories(large: Population) -> list[tuple[int, Sequence[Commit]]]:
    """Every fourth history, with the repository's index."""
    return [(index, large.commits_of(index)) for index in range(0, len(large.repositories), 4)]


def assert_drawn(values: Iterable[T], shares: Mapping[T, float]) -> None:
    """Each share within four standard deviations and half a percent of what is stated."""
    counts = Counter(values)
    total = sum(counts.values())
    whole = sum(shares.values())
    assert counts.keys() <= shares.keys()
    for name, weight in shares.items():
        share = weight / whole
        slack = 4 * (share * (1 - share) / total) ** 0.5 + 0.005
        assert counts[name] / total == pytest.approx(share, abs=slack), name


def assert_share(flags: Iterable[bool], share: float) -> None:
    assert_drawn(flags, {True: share, False: 1 - share})


def range_of(number: int, shares: Mapping[tuple[int, int], float]) -> tuple[int, int]:
    return next(one for one in shares if one[0] <= number <= one[1])


def of_each_number(shares: Mapping[tuple[int, int], float]) -> dict[int, float]:
    """Even within a range."""
    return {
        number: share / (last - first + 1)
        for (first, last), share in shares.items()
        for number in range(first, last + 1)
    }


def test_the_same_seed_is_the_same_population_and_another_is_not(small: Population) -> None:
    again = Population(300, 400, as_of=small.as_of)
    assert (again.people, again.repositories) == (small.people, small.repositories)
    assert [[*again.commits_of(index)] for index in range(400)] == [[*small.commits_of(index)] for index in range(400)]
    assert Population(300, 400, seed=2, as_of=small.as_of).people != small.people


def test_a_large_population_is_drawn_in_ten_seconds_and_modest_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    population = Population(50_000, 20_000, as_of=AS_OF)
    seconds = time.monotonic() - started
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1_024
    print(f"50,000 people, 20,000 repositories: {seconds:.1f} s, {megabytes:.0f} MB")  # noqa: T201 - a figure
    assert len(population.people) == 50_000
    assert seconds < 10
    assert megabytes < 200


def test_people_are_drawn_as_stated(large: Population) -> None:
    given, people = large.distributions, large.people
    assert_drawn((person.language for person in people), stated.LANGUAGES)
    assert_drawn((person.address for person in people), stated.ADDRESSES)
    assert_drawn((person.kind for person in people), stated.ACCOUNTS)
    assert_drawn((person.zone for person in people), {zone: share for (zone, _), share in stated.TIME_ZONES.items()})
    assert_share((person.location is not None for person in people), given.location_stated)
    assert_share((person.traveller for person in people), given.traveller)
    assert_share((person.hireable for person in people), given.hireable)
    assert_share((person.website is not None for person in people), given.website)
    assert_share((person.twitter is not None for person in people), given.twitter)


def test_names_bios_and_companies_are_drawn_as_stated(large: Population) -> None:
    def name_class(name: str | None, login: str) -> str:
        if name is None or name == login:
            return "empty" if name is None else "handle"
        if name in words.HOSTILE_NAMES:
            return "hostile"
        return "full" if " " in name else "single"

    def bio_class(bio: str | None) -> str:
        return "empty" if bio is None else "hostile" if bio in words.HOSTILE_BIOS else "plain"

    def company_class(company: str | None) -> str:
        if company is None or company.startswith("@"):
            return "organization" if company else "empty"
        return "free" if company in words.FREE else "firm"

    assert_drawn((name_class(person.name, person.login) for person in large.people), stated.NAMES)
    assert_drawn((bio_class(person.bio) for person in large.people), stated.BIOS)
    assert_drawn((company_class(person.company) for person in large.people), stated.COMPANIES)
    assert any(not (person.name or "").isascii() for person in large.people)


def test_published_addresses_are_on_example_domains_and_some_are_shared(large: Population) -> None:
    published = Counter(person.email.lower() for person in large.people if person.address in {"public", "shared"})
    domains = {address.rpartition("@")[2] for address in published}
    assert all(domain.endswith(("example.org", "example.com", "example.net")) for domain in domains)
    assert sum(count - 1 for count in published.values()) == sum(person.address == "shared" for person in large.people)
    assert {person.email for person in large.people if person.address == "hidden"} == {""}


def test_repositories_are_drawn_as_stated(large: Population) -> None:
    given, repositories = large.distributions, large.repositories
    assert_drawn((one.language for one in repositories), stated.LANGUAGES)
    for topic, share in stated.TOPICS.items():
        assert_share((topic in one.topics for one in repositories), share)
    assert_share((one.archived for one in repositories), given.archived)
    assert_share((one.fork for one in repositories), given.fork)
    assert_share((one.commit_count == 0 for one in repositories), given.empty)
    assert_share((one.busy for one in repositories), given.busy)
    assert_share((one.former_name is not None for one in repositories), given.renamed)
    assert_share(("-collective-" in one.owner.login for one in repositories), given.owned_by_organization)
    assert len(large.vanished) == round(given.vanished * len(repositories))


def test_repositories_have_as_many_contributors_as_stated(large: Population) -> None:
    counts = [len(one.contributors) for one in large.repositories]
    assert_drawn((range_of(count, stated.CONTRIBUTORS) for count in counts), stated.CONTRIBUTORS)
    assert_drawn(counts, of_each_number(stated.CONTRIBUTORS))
    assert all(len(set(one.contributors)) == len(one.contributors) for one in large.repositories)


def test_contributors_write_the_repositorys_language_as_often_as_stated(large: Population) -> None:
    same = large.distributions.same_language
    by_chance = sum(share**2 for share in stated.LANGUAGES.values())
    flags = [large.people[who].language == one.language for one in large.repositories for who in one.contributors]
    assert_share(flags, same + (1 - same) * by_chance)


def test_histories_are_as_long_as_stated(large: Population, histories: list[tuple[int, Sequence[Commit]]]) -> None:
    quiet = [one.commit_count for one in large.repositories if one.commit_count and not one.busy]
    assert_drawn((range_of(count, stated.COMMITS) for count in quiet), stated.COMMITS)
    assert_drawn(quiet, of_each_number(stated.COMMITS))
    first, last = stated.BUSY_COMMITS
    busy = [one.commit_count for one in large.repositories if one.commit_count and one.busy]
    width = (last - first + 1) / 4
    assert_drawn((int((count - first) / width) for count in busy), dict.fromkeys(range(4), 0.25))
    long = [history for index, history in histories if large.repositories[index].busy and history]
    days = sum(history[0].committed - history[-1].committed for history in long) / DAY
    assert (sum(map(len, long)) - len(long)) / days == pytest.approx(3, rel=0.02)


def test_stars_have_the_stated_heavy_tail(large: Population) -> None:
    given = large.distributions
    for stars in (1, 10, 100, 1_000, 10_000):
        expected = (1 + stars / given.stars_scale) ** -given.stars_exponent
        assert_share((one.stars >= stars for one in large.repositories), expected)


def test_activity_and_creation_are_drawn_as_stated(large: Population) -> None:
    def days(repository_pushed: datetime) -> tuple[int, int]:
        age = (AS_OF - repository_pushed).total_seconds() / DAY
        return next(one for one in stated.ACTIVITY if one[0] <= age < one[1] + 1)

    assert_drawn((days(one.pushed_at) for one in large.repositories), stated.ACTIVITY)
    assert all(one.created_at <= one.pushed_at <= AS_OF for one in large.repositories)
    fresh = [one for one in large.repositories if (AS_OF - one.pushed_at).days < 7]
    assert_share(((AS_OF - one.created_at).days > large.distributions.years / 2 * 365 for one in fresh), 0.5)


def test_commits_are_written_as_stated(large: Population, histories: list[tuple[int, Sequence[Commit]]]) -> None:
    given = large.distributions
    commits = [commit for _, history in histories for commit in history]
    assert_drawn((commit.author_kind for commit in commits), stated.AUTHORS)
    assert_share((commit.by_committer for commit in commits), given.authored_by_committer)
    for index, history in histories:
        repository = large.repositories[index]
        moments = [commit.committed for commit in history]
        assert len(moments) == repository.commit_count
        assert moments == sorted(moments, reverse=True)
        assert not moments or moments[0] == int(repository.pushed_at.timestamp())
        assert {one.author for one in history if one.author_kind == "person"} <= set(repository.contributors)


def test_an_offset_is_that_of_the_authors_zone_unless_they_travel_or_use_a_form(
    large: Population, histories: list[tuple[int, Sequence[Commit]]]
) -> None:
    own = other = utc = 0
    for _, history in histories[:500]:
        for commit in history:
            person = large.people[commit.author] if commit.author_kind == "person" else None
            if person is None or person.traveller or person.zone == "Europe/London":
                continue
            noon = datetime.fromtimestamp(commit.authored // DAY * DAY + DAY // 2, ZoneInfo(person.zone))
            offset = noon.utcoffset()
            assert offset is not None
            own += commit.offset == offset.total_seconds() / 60
            utc += commit.offset == 0
            other += commit.offset not in {0, offset.total_seconds() / 60}
    assert other == 0
    assert utc / (own + utc) == pytest.approx(large.distributions.commit_in_utc, abs=0.01)


def test_some_histories_need_several_pages_and_some_people_several_repositories(
    large: Population, histories: list[tuple[int, Sequence[Commit]]]
) -> None:
    since = AS_OF.timestamp() - 90 * DAY
    long = sum(sum(commit.committed >= since for commit in history) > 100 for _, history in histories)
    assert long > 50
    appearances = Counter(person for one in large.repositories for person in one.contributors)
    assert sum(count > 1 for count in appearances.values()) > 10_000


def test_a_focus_makes_a_small_world_of_one_subject() -> None:
    focus = stated.Distributions(focus=0.7, focus_language="Rust", focus_topics=("cli", "testing"))
    population = Population(500, 500, as_of=AS_OF, distributions=focus)
    subject = [one for one in population.repositories if one.language == "Rust" and {"cli", "testing"} <= {*one.topics}]
    assert 320 < len(subject) < 400
    assert sum(person.language == "Rust" for person in population.people) > 320
