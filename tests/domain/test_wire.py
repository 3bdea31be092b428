"""Whatever can appear in a workflow's history keeps its name, and the windows of a stage are kept as exact ranges."""

import inspect
import json
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from domain import wire
from domain.campaign import Stage
from domain.wire import PipelineState, Ranges, StageState

PINNED = Path(__file__).parent / "wire_names.json"
ADVICE = (
    "Histories outlive releases, so what is in domain/wire.py may only gain: a new name, a new member of an enum, or a "
    "new field with a default. Nothing is renamed, removed or given another type. If this change only adds, write what "
    "the test prints into tests/domain/wire_names.json; otherwise take it back and add a new name beside the old one."
)
NUMBERS = st.integers(1, 60)
SPANS = st.tuples(NUMBERS, NUMBERS)


def spoken() -> dict[str, Any]:
    """All names, enums and payload fields of the module, as plain data."""
    constants = {name: value for name, value in vars(wire).items() if name.isupper() and isinstance(value, (str, int))}
    own = [kind for _, kind in inspect.getmembers(wire, inspect.isclass) if kind.__module__ == wire.__name__]
    enums: list[type[StrEnum]] = [*(kind for kind in own if issubclass(kind, StrEnum)), Stage]
    payloads = [kind for kind in own if issubclass(kind, BaseModel) and not kind.__name__.startswith("_")]
    return {
        "names": constants,
        "enums": {kind.__name__: [str(member) for member in kind] for kind in enums},
        "payloads": {
            kind.__name__: {
                name: "required" if field.is_required() else "default" for name, field in kind.model_fields.items()
            }
            for kind in payloads
        },
    }


def test_everything_that_a_history_can_hold_is_pinned() -> None:
    said = spoken()
    text = json.dumps(said, indent=2, sort_keys=True)
    assert said == json.loads(PINNED.read_text()), f"{ADVICE}\n\n{text}"


def test_what_a_history_once_held_can_still_be_read() -> None:
    """Each pinned payload with only its required fields: all others must have a default."""
    for name, fields in json.loads(PINNED.read_text())["payloads"].items():
        kind: type[BaseModel] = getattr(wire, name)
        missing = {field for field, info in kind.model_fields.items() if info.is_required() and field not in fields}
        assert not missing, f"{name} gained {missing} without a default. {ADVICE}"
        gone = fields.keys() - kind.model_fields.keys()
        assert not gone, f"{name} lost {gone}. {ADVICE}"


WHOEVER_RUNS_IT = {
    "Answer.line",
    "Approval.by",
    "CampaignPlan.mailbox",
    "CampaignPlan.owner",
    "ControlChange.by",
    "ControlChange.reason",
    "PastPause.by",
    "PastPause.reason",
    "PastPause.resumed_by",
    "Pause.by",
    "Pause.reason",
}
"""What people who run campaigns typed or are called: it came by a signal, so the history holds it anyway."""


def test_no_payload_can_carry_anything_about_a_recipient() -> None:
    """Numbers, counts, times, enums and our own ids: text without a closed set of values is named here."""
    texts = {
        f"{name}.{field}"
        for name, fields in spoken()["payloads"].items()
        for field in fields
        if getattr(wire, name).model_fields[field].annotation is str
    }
    assert texts - WHOEVER_RUNS_IT == {
        "Answer.status",
        "Approval.campaign_id",
        "CampaignProgress.campaign_id",
        "CampaignProgress.status",
        "CampaignRef.campaign_id",
        "CampaignResult.status",
        "CampaignStart.campaign_id",
        "ControlTask.campaign_id",
        "HoldNote.campaign_id",
        "ReportTask.campaign_id",
        "WaitingFor.command",
        "WaitingFor.reason",
        "WaitingFor.who",
        "WindowTask.campaign_id",
    }


def test_two_stages_do_not_share_their_state() -> None:
    one, two = (StageState(stage=Stage.SENDING, size=10, width=2) for _ in range(2))
    one.ready.add(1, 5)
    one.counts["done"] = 1
    assert (len(two.ready), two.counts, two.later) == (0, {}, [])


def test_the_state_survives_its_way_through_a_history() -> None:
    stage = StageState(stage=Stage.SENDING, size=10, width=2)
    stage.ready.add(3, 9)
    state = PipelineState(stages=[stage])
    assert PipelineState.model_validate_json(state.model_dump_json()) == state


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
