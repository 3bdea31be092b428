"""Whatever can appear in a workflow's history keeps its name."""

import inspect
import json
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from domain import ranges, wire
from domain.campaign import Stage
from domain.wire import PipelineState, StageState

PINNED = Path(__file__).parent / "wire_names.json"
ADVICE = (
    "Histories outlive releases, so what is in domain/wire.py may only gain: a new name, a new member of an enum, or a "
    "new field with a default. Nothing is renamed, removed or given another type. If this change only adds, write what "
    "the test prints into tests/domain/wire_names.json; otherwise take it back and add a new name beside the old one."
)


def spoken() -> dict[str, Any]:
    """All names, enums and payload fields of domain.wire and domain.ranges, as plain data."""
    constants = {name: value for name, value in vars(wire).items() if name.isupper() and isinstance(value, (str, int))}
    places = (wire.__name__, ranges.__name__)
    own = [kind for _, kind in inspect.getmembers(wire, inspect.isclass) if kind.__module__ in places]
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
