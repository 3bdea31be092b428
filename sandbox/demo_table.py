"""The stages of a campaign as a table, from what `outrider show --json` says."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

_TITLES = ("stage", "done", "failed", "skipped", "tries", "time", "rate", "")
_TEXT = (0, 7)
"""Columns that begin at one place; the others, figures, end at one."""


_STAGES = {
    "discover_people": "discovery",
    "enrich_leads": "enrichment",
    "draft_messages": "personalization",
    "review_drafts": "review",
    "write_report": "reporting",
}
"""The activity that does the work of a stage; sending counts its mails itself."""


def windows_begun(events: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """How often Temporal gave a worker a window, by stage, from the events of a workflow."""
    activities: dict[str, str] = {}
    begun = Counter[str]()
    for event in events:
        if scheduled := event.get("activityTaskScheduledEventAttributes"):
            activities[event["eventId"]] = scheduled["activityType"]["name"]
        elif started := event.get("activityTaskStartedEventAttributes"):
            begun[_STAGES.get(activities[started["scheduledEventId"]], "")] += started["attempt"]
    return begun


def stage_table(shown: Mapping[str, Any], begun: Mapping[str, int], notes: Mapping[str, str]) -> Iterator[str]:
    """The lines; `begun` and `notes` are by stage."""
    stages = {stage: counts for stage, counts in shown["stages"].items() if counts["found"] or counts["began_at"]}
    rows = [
        _TITLES,
        *(
            _row(stage, {"tries": begun.get(stage), **_known(counts)}, notes.get(stage, ""))
            for stage, counts in stages.items()
        ),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        yield "  " + "  ".join(_aligned(cells, widths)).rstrip()


def _known(counts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: count for name, count in counts.items() if name != "tries" or count is not None}


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        yield f"{cell:<{width}}" if place in _TEXT else f"{cell:>{width}}"


def _row(stage: str, counts: Mapping[str, Any], note: str) -> tuple[str, ...]:
    skipped = counts["skipped"] + counts["rejected"] + counts["cancelled"]
    took = seconds(counts["began_at"], counts["ended_at"])
    rate = f"{counts['done'] / took:,.0f}/s" if took and counts["done"] / took >= 1 else ""
    return (
        stage,
        f"{counts['done']:,}",
        f"{counts['failed']:,}",
        f"{skipped:,}",
        "-" if counts["tries"] is None else f"{counts['tries']:,}",
        "-" if took is None else f"{took:.1f} s",
        rate,
        note,
    )


def seconds(began: str | None, ended: str | None) -> float | None:
    """Seconds between two moments, None while one is missing."""
    if not began or not ended:
        return None
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()
