"""The score is between 0 and 1, both are reached, more is never less, and its reasons add up to it."""

import json
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.fit import FULL_FOLLOWERS, FULL_STARS, ActivityWindow, Parts, fit, parts, score_of
from domain.sourcing import Contribution, Repository

UNTIL = datetime(2026, 11, 21, tzinfo=UTC)
WINDOW = ActivityWindow(UNTIL, 90)
SHARES = st.floats(0, 1)
WEIGHTS = st.fixed_dictionaries({name: st.floats(0, 1000) for name in Parts._fields}).filter(
    lambda weights: sum(weights.values()) > 0.001
)
PARTS = st.builds(Parts, SHARES, SHARES, SHARES, SHARES)


def of(stars: int = 0, days_ago: float = 90, commits: int = 1, all_commits: int = 1000, followers: int = 0) -> Parts:
    repository = Repository(identity="R", full_name="o/r", url="", stars=stars, commits=all_commits)
    work = Contribution(
        identity="U",
        login="u",
        repository="R",
        commits=commits,
        last_commit_at=UNTIL - timedelta(days=days_ago),
    )
    return parts(WINDOW, work, repository, followers)


@given(PARTS, WEIGHTS)
def test_a_score_is_between_0_and_1_and_its_reasons_add_up_to_it(facts: Parts, weights: dict[str, float]) -> None:
    score, reasons = fit(facts, weights)
    assert 0 <= score <= 1
    assert reasons.keys() == {name for name, weight in weights.items() if weight}
    assert all(reason >= 0 for reason in reasons.values())
    assert math.isclose(math.fsum(reasons.values()), score, abs_tol=1e-9)


@given(WEIGHTS)
def test_both_ends_are_reached_exactly_whatever_the_weights(weights: dict[str, float]) -> None:
    assert fit(Parts(0, 0, 0, 0), weights).score == 0
    assert fit(Parts(1, 1, 1, 1), weights).score == 1


@given(PARTS, WEIGHTS, st.sampled_from(Parts._fields), SHARES)
def test_no_part_that_grows_lowers_the_score(facts: Parts, weights: dict[str, float], name: str, other: float) -> None:
    low, high = sorted((getattr(facts, name), other))
    lower, higher = fit(facts._replace(**{name: low}), weights), fit(facts._replace(**{name: high}), weights)
    assert lower.score <= higher.score
    assert lower.reasons.get(name, 0) <= higher.reasons.get(name, 0)


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_more_stars_and_followers_are_never_less(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert of(stars=low).stars <= of(stars=high).stars
    assert of(followers=low).followers <= of(followers=high).followers


@given(st.floats(-10, 200), st.floats(-10, 200), st.integers(1, 1000), st.integers(1, 1000))
def test_later_commits_and_more_of_them_are_never_less(one: float, other: float, some: int, more: int) -> None:
    assert of(days_ago=max(one, other)).recency <= of(days_ago=min(one, other)).recency
    assert of(commits=min(some, more)).share_of_commits <= of(commits=max(some, more)).share_of_commits


def test_facts_reach_both_ends_of_their_parts() -> None:
    best = of(stars=FULL_STARS, days_ago=0, commits=1000, followers=FULL_FOLLOWERS)
    assert best == Parts(1, 1, 1, 1)
    assert of(stars=FULL_STARS - 1).stars < 1
    assert of(followers=FULL_FOLLOWERS - 1).followers < 1
    none = of(commits=0)
    assert none == Parts(0, 0, 0, 0)


def test_what_lies_outside_is_cut_and_what_lies_between_is_in_proportion() -> None:
    assert of(stars=10**9, days_ago=-3, commits=2000).stars == 1
    assert of(days_ago=-3).recency == 1
    assert of(days_ago=200).recency == 0
    assert of(days_ago=45).recency == 0.5
    assert of(commits=2000).share_of_commits == 1
    assert of(commits=620).share_of_commits == 0.62
    assert of(stars=99).stars == pytest.approx(0.5, abs=0.001)


def test_a_share_is_one_of_the_commits_that_were_read() -> None:
    repository = Repository(identity="R", full_name="o/r", url="", commits=100_000, commits_read=100)
    work = Contribution(identity="U", login="u", repository="R", commits=25, last_commit_at=UNTIL)
    assert parts(WINDOW, work, repository, 0).share_of_commits == 0.25


@pytest.mark.parametrize(
    ("commits", "read", "of_person", "share", "partly"),
    [(5000, 1000, 400, 0.4, True), (41, 41, 41, 1.0, False), (41, 0, 82, 1.0, True), (0, 0, 0, 0.0, False)],
)
def test_a_repository_says_what_a_share_is_one_of(
    commits: int, read: int, of_person: int, share: float, *, partly: bool
) -> None:
    repository = Repository(identity="R", full_name="o/r", url="", commits=commits, commits_read=read)
    assert (repository.share_of(of_person), repository.partly_read) == (share, partly)


def test_weights_count_in_proportion_only() -> None:
    facts = Parts(stars=0.5, recency=1, share_of_commits=0, followers=0)
    assert fit(facts, {"stars": 1, "recency": 3}) == (0.875, {"stars": 0.125, "recency": 0.75})
    assert fit(facts, {"stars": 10, "recency": 30}) == fit(facts, {"stars": 1, "recency": 3})


@pytest.mark.parametrize("weights", [{}, {"stars": 0.0, "recency": 0.0}, {"stars": 1.0, "looks": 1.0}])
def test_weights_that_weigh_nothing_or_something_unknown_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"all weights are 0|no part of a score: looks"):
        fit(Parts(1, 1, 1, 1), weights)


@given(PARTS, WEIGHTS)
def test_a_score_can_be_told_again_from_its_stored_reasons(facts: Parts, weights: dict[str, float]) -> None:
    score, reasons = fit(facts, weights)
    stored = json.loads(json.dumps(dict(reversed(reasons.items()))))
    assert score_of(stored) == score
