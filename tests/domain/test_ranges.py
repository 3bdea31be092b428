"""What is ready is kept exactly, sorted and merged, and handed out once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ranges import Ranges

NUMBERS = st.integers(1, 60)
SPANS = st.tuples(NUMBERS, NUMBERS)


def held(ranges: Ranges) -> set[int]:
    return {number for first, last in ranges.spans for number in range(first, last + 1)}


def assert_sorted_and_merged(ranges: Ranges) -> None:
    assert all(first <= last for first, last in ranges.spans)
    neighbours = zip(ranges.spans, ranges.spans[1:], strict=False)
    assert all(last + 1 < first for (_, last), (first, _) in neighbours)


@given(st.lists(SPANS))
def test_ranges_hold_exactly_what_was_added(spans: list[tuple[int, int]]) -> None:
    ranges, model = Ranges(), set[int]()
    for first, last in spans:
        ranges.add(first, last)
        model |= set(range(first, last + 1))
        assert held(ranges) == model
        assert len(ranges) == len(model)
        assert_sorted_and_merged(ranges)


@given(st.lists(st.one_of(SPANS, st.integers(1, 20))))
def test_ranges_give_each_number_once_the_lowest_first(steps: list[tuple[int, int] | int]) -> None:
    ranges, model = Ranges(), set[int]()
    for step in steps:
        if isinstance(step, tuple):
            ranges.add(*step)
            model |= set(range(step[0], step[1] + 1))
        elif (cut := ranges.take(step)) is None:
            assert not model
        else:
            taken = set(range(cut[0], cut[1] + 1))
            assert taken <= model
            assert min(taken) == min(model)
            assert 1 <= len(taken) <= step
            assert len(taken) == step or cut[1] + 1 not in model
            model -= taken
        assert held(ranges) == model
        assert_sorted_and_merged(ranges)


@given(st.lists(SPANS), st.integers(0, 120), st.integers(1, 20))
def test_ranges_give_the_lowest_behind_a_number_or_of_all(spans: list[tuple[int, int]], number: int, size: int) -> None:
    ranges = Ranges()
    for first, last in spans:
        ranges.add(first, last)
    before = held(ranges)
    cut = ranges.take_after(number, size)
    taken = set(range(cut[0], cut[1] + 1)) if cut else set()
    assert bool(taken) == bool(before)
    if cut:
        assert cut[0] == min({one for one in before if one > number} or before)
        assert taken <= before
        assert 1 <= len(taken) <= size
        assert len(taken) == size or cut[1] + 1 not in before
    assert held(ranges) == before - taken
    assert_sorted_and_merged(ranges)


@given(st.lists(SPANS), st.integers(1, 20))
def test_ranges_give_full_windows_from_wherever_so_many_are_ready(spans: list[tuple[int, int]], size: int) -> None:
    ranges = Ranges()
    for first, last in spans:
        ranges.add(first, last)
    before = held(ranges)
    longest = max((last - first + 1 for first, last in ranges.spans), default=0)
    cut = ranges.take_full(size)
    taken = set(range(cut[0], cut[1] + 1)) if cut else set()
    assert len(taken) == (size if longest >= size else 0)
    assert taken <= before
    assert held(ranges) == before - taken
    assert_sorted_and_merged(ranges)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_ranges_are_cut_into_windows(size: int) -> None:
    ranges = Ranges()
    ranges.add(1, 100)
    windows = []
    while (cut := ranges.take(size)) is not None:
        windows.append(cut)
    assert windows == [(first, min(first + size - 1, 100)) for first in range(1, 101, size)]
