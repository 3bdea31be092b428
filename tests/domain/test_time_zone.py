"""Commits name a time zone only where enough of them agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.time_zone import MIN_COMMITS, Evidence, evidence, offset_name

COUNTS = st.dictionaries(st.integers(-900, 900), st.integers(0, 50), max_size=5)


@pytest.mark.parametrize(
    ("offsets", "said"),
    [
        ([], Evidence("", 0, 0)),
        ([{}], Evidence("", 0, 0)),
        ([{120: 4}], Evidence("", 4, 4)),
        ([{120: 5}], Evidence("UTC+02:00", 5, 5)),
        ([{120: 3}, {120: 2}], Evidence("UTC+02:00", 5, 5)),
        ([{120: 3, 60: 3}], Evidence("", 3, 6)),
        ([{120: 4, 60: 3}], Evidence("UTC+02:00", 4, 7)),
        ([{120: 3, 60: 2, 0: 2}], Evidence("", 3, 7)),
        ([{-330: 9}], Evidence("UTC-05:30", 9, 9)),
        ([{0: 9}], Evidence("UTC+00:00", 9, 9)),
        ([{6000: 90, 60: 5}], Evidence("UTC+01:00", 5, 5)),
    ],
    ids=str,
)
def test_an_offset_needs_enough_commits_and_their_majority(offsets: list[dict[int, int]], said: Evidence) -> None:
    assert evidence(offsets) == said


@given(st.lists(COUNTS, max_size=4))
def test_an_answer_always_has_its_evidence(offsets: list[dict[int, int]]) -> None:
    said = evidence(offsets)
    assert 0 <= said.agreeing <= said.commits
    assert bool(said.offset) == (said.commits >= MIN_COMMITS and 2 * said.agreeing > said.commits)
    assert evidence(reversed(offsets)) == said


@pytest.mark.parametrize(
    ("minutes", "name"), [(0, "UTC+00:00"), (345, "UTC+05:45"), (-30, "UTC-00:30"), (840, "UTC+14:00")]
)
def test_offsets_are_written_as_clocks_show_them(minutes: int, name: str) -> None:
    assert offset_name(minutes) == name
