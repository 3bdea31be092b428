"""Lead numbers as people write them, in any order and with any overlap."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.lead_numbers import parse_lead_numbers

SPANS = st.lists(st.tuples(st.integers(1, 300), st.integers(0, 20)), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4", [(4, 4)]),
        ("1,4,10-20", [(1, 1), (4, 4), (10, 20)]),
        (" 10-20 , 4,1 ", [(1, 1), (4, 4), (10, 20)]),
        ("1,2,3,5", [(1, 3), (5, 5)]),
        ("1-10,3-4,11", [(1, 11)]),
        ("007", [(7, 7)]),
        ("1-10000000", [(1, 10_000_000)]),
    ],
)
def test_numbers_and_spans(text: str, expected: list[tuple[int, int]]) -> None:
    assert parse_lead_numbers(text) == expected


@pytest.mark.parametrize(
    "text", ["", ",", "1,", "a", "1-", "-1", "1-2-3", "1.5", "\u0663", "1 2", "1;2", "9" * 9, "all"]
)
def test_what_is_no_number_is_said_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"is none; write them like 1,4,10-20$"):
        parse_lead_numbers(text)


@pytest.mark.parametrize("text", ["0", "20-10", "0-5", "10000001"])
def test_what_leads_nowhere(text: str) -> None:
    with pytest.raises(ValueError, match=r"goes nowhere; the first is 1, and 10-20 goes upwards$"):
        parse_lead_numbers(text)


def test_a_text_of_any_length_is_answered_at_once() -> None:
    assert len(parse_lead_numbers(",".join(str(number) for number in range(1, 4000, 2)))) == 2000
    with pytest.raises(ValueError, match="at most 10,000 characters"):
        parse_lead_numbers("1," * 100_000)


@given(SPANS)
def test_the_numbers_are_those_that_were_written_and_the_spans_never_touch(spans: list[tuple[int, int]]) -> None:
    parsed = parse_lead_numbers(",".join(f"{first}-{first + more}" for first, more in spans))
    asked = {number for first, more in spans for number in range(first, first + more + 1)}
    assert {number for first, last in parsed for number in range(first, last + 1)} == asked
    assert all(before[1] + 1 < after[0] for before, after in pairwise(parsed))
