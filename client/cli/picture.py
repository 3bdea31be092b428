"""The picture of a campaign that `run` and `monitor` show, and the one line for those who have no terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich.cells import cell_len
from rich.text import Text

from client.cli.called import styled_as_called
from client.cli.screen import awaited, clock, columns, cut, deadline, discreet, moment, plain, span, styled, words
from domain.campaign import CampaignStatus, PauseAbove, Stage
from domain.ports import MailboxState
from domain.progress import Progress, StageProgress, Waiting
from domain.source_ports import Seen
from domain.stopping import Judged
from domain.wire import APPROVE, CANCEL, PAUSE, RESUME

WIDEST = 120
"""Columns that a picture takes at most."""
_WIDE = 96
"""From so many columns on there is room for tries and rates."""
_REASON = 60
"""Columns that a reason takes where more follows."""
_FEWEST_EVENTS = 1
_MOST_EVENTS = 6
_ORDER = ("claimed", "transmitting", "sent", "deferred", "in_doubt", "failed", "skipped", "scheduled")

PAUSED = "paused"
"""The reason of the wait that a pause is."""
_OF_SEARCH = (Stage.DISCOVERY, Stage.ENRICHMENT)
_SIGNALS = (PAUSE, RESUME, CANCEL, APPROVE)


@dataclass(frozen=True)
class Around:
    """What a picture shows beside the progress. `events` are lines, the newest first."""

    limits: PauseAbove
    judged: Judged
    mailboxes: Sequence[MailboxState] = ()
    events: Sequence[Text] = ()


def one_line(progress: Progress, remark: str = "") -> str:
    """The state in one line: status, stage, messages by state, what is waited for, why it is paused."""
    counts = progress.messages.model_dump()
    search = progress.search
    found = [f"looked_at={search.looked_at}", f"leads={search.leads}"] if search else []
    parts = [
        progress.status,
        progress.stage or "",
        *found,
        *(f"{state}={counts[state]}" for state in _ORDER if counts[state]),
    ]
    parts += [f'waiting_for="{_waiting(one, progress.as_of)}"' for one in waits(progress)]
    if progress.paused:
        parts.append(f'paused_by="{discreet(progress.paused.by)}"')
        parts.append(f'reason="{cut(discreet(progress.paused.reason), _REASON)}"' if progress.paused.reason else "")
    parts.append(f'remark="{plain(remark)}"' if remark else "")
    return " ".join(part for part in parts if part)


def picture(
    progress: Progress,
    remark: str = "",
    around: Around | None = None,
    footer: Sequence[Text] = (),
    *,
    size: tuple[int, int] = (WIDEST, 40),
) -> list[Text]:
    """The state as lines for a screen of `size` columns and rows. The footer always has its place; events give way."""
    width = min(size[0], WIDEST)
    lines = [_head(progress, width), *_why_it_stands(progress, remark), Text(), *_stages(progress, wide=width >= _WIDE)]
    if around is not None:
        lines += [Text(), *_mailboxes(around.mailboxes), Text(), _limits(progress, around)]
    left_out = _left_out(progress)
    lines += [left_out] if left_out else []
    below = [Text(), *footer] if footer else []
    if around is not None and around.events:
        room = size[1] - len(lines) - len(below) - 2
        shown = around.events[: max(_FEWEST_EVENTS, min(room, _MOST_EVENTS))]
        lines += [Text(), *(event.copy() for event in shown)]
    lines += below
    lines = [styled_as_called(line) for line in lines]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def _head(progress: Progress, width: int) -> Text:
    began = progress.started_at or progress.created_at
    lasted = span((progress.finished_at or progress.as_of) - began)
    head = Text.assemble((plain(progress.name), "bold"), " · ", styled(progress.status))
    if progress.dry_run:  # before what may be cut
        head.append(" · rehearsal: nothing leaves", style="dim")
    head.append(f" · {lasted}")
    head.append(f" · owner {plain(progress.owner)}" if progress.owner else "")
    now = f"{progress.as_of.astimezone(UTC):%a %d %b %H:%M:%S} UTC"
    room = width - cell_len(now) - 2
    head.truncate(room, overflow="ellipsis")
    return head.append(" " * (room - cell_len(head.plain) + 2)).append(now, style="dim")


def _why_it_stands(progress: Progress, remark: str) -> Iterator[Text]:
    """Pause, waits and remarks: whatever explains that nothing moves, with the way out first, because ends are cut."""
    if progress.paused:
        paused = progress.paused
        reason = f": {discreet(paused.reason)}" if paused.reason else ""
        since = f"since {clock(paused.since, progress.as_of)} by {discreet(paused.by)}"
        yield Text(f"paused       {since}{reason}", style="yellow")
    for one in waits(progress):
        yield Text(f"waiting for  {_waiting(one, progress.as_of)}", style="yellow")
    for name, count in progress.unknown_signals.items():
        yield Text(f"unknown      {signal_line(name, count)}", style="yellow")
    if remark:
        yield Text(plain(remark), style="yellow")


def waits(progress: Progress) -> list[Waiting]:
    """What is waited for; a pause has its own place on every screen."""
    return [one for one in progress.waiting_for if one.reason != PAUSED]


def signal_line(name: str, count: int) -> str:
    """What to say of a signal whose name nobody knows."""
    times = "1 time" if count == 1 else f"{count:,} times"
    return f"signal {discreet(name)[:40]} came {times}: names are {', '.join(_SIGNALS)}"


def _waiting(waiting: Waiting, now: datetime) -> str:
    until = f" until {deadline(waiting.until, now)}" if waiting.until else ""
    way_out = f": {waiting.command}" if waiting.command else ""
    return f"{awaited(waiting.reason)}{until}{way_out}"


def _stages(progress: Progress, *, wide: bool) -> Iterator[Text]:
    head = ["stage", "status", "done", "failed", "skipped", "open", "tries", "time", "rate", "note"]
    rows = [_stage_row(progress, stage, counts) for stage, counts in progress.stages.items()]
    narrow = {head.index("tries"), head.index("rate")} if not wide else set()
    kept = [place for place in range(len(head)) if place not in narrow]
    titles = [name if wide or name != "status" else "" for name in head]
    table = [[row[place] for place in kept] for row in [[Text(name, style="dim") for name in titles], *rows]]
    return columns(table, right=[at for at, place in enumerate(kept) if head[place] not in ("stage", "status", "note")])


def _stage_row(progress: Progress, stage: Stage, counts: StageProgress) -> list[Text]:
    lasts = (counts.ended_at if _over(progress, stage, counts) else progress.as_of) if counts.began_at else None
    took = lasts - counts.began_at if lasts and counts.began_at else None
    numbers = (counts.done, counts.failed, counts.skipped + counts.rejected + counts.cancelled, open_of(counts))
    return [
        Text(words(stage)),
        _mark(progress, stage, counts),
        *(Text(f"{number:,}", style="" if number else "dim") for number in numbers),
        Text("-" if counts.tries is None else f"{counts.tries:,}"),
        Text(_short(took) if took is not None else "-"),
        Text(_rate(counts.done, took) if took else "-"),
        Text(_note(progress, stage, counts), style="dim"),
    ]


def open_of(counts: StageProgress) -> int:
    """How many of a stage have not come to an end."""
    ended = counts.done + counts.failed + counts.skipped + counts.in_doubt + counts.rejected + counts.cancelled
    return counts.found - ended


def _over(progress: Progress, stage: Stage, counts: StageProgress) -> bool:
    """Whether nothing of a stage is open, and nobody else can come. A search goes on after the last one it found."""
    searching = progress.stages.get(Stage.DISCOVERY, counts).in_flight if stage in _OF_SEARCH else 0
    return open_of(counts) == 0 and not searching


def _mark(progress: Progress, stage: Stage, counts: StageProgress) -> Text:
    begun = stage is progress.stage or counts.began_at is not None or open_of(counts) < counts.found
    if counts.found and _over(progress, stage, counts):
        return Text("✓", style="green")
    if not begun:
        return Text("·", style="dim")
    if progress.status in (CampaignStatus.FAILED, CampaignStatus.CANCELLED):
        return Text("✗", style="red")
    if progress.paused or any(one.stage is stage for one in progress.waiting_for):
        return Text("‖", style="yellow")
    return Text("▶", style="cyan")


def _note(progress: Progress, stage: Stage, counts: StageProgress) -> str:
    parts = {
        _in_flight(stage, counts.in_flight): counts.in_flight,
        "to decide": progress.undecided if stage is Stage.REVIEW else 0,
        "rejected": counts.rejected,
        "cancelled": counts.cancelled,
        "deferred": progress.messages.deferred if stage is Stage.SENDING else 0,
        "in doubt": counts.in_doubt,
    }
    seen = _seen(progress.search, stage) if progress.search else []
    return ", ".join([*seen, *(f"{count:,} {name}" for name, count in parts.items() if count)])


def _in_flight(stage: Stage, count: int) -> str:
    if stage is Stage.DISCOVERY:
        return "slice to go" if count == 1 else "slices to go"
    return "in flight"


def _seen(search: Seen, stage: Stage) -> list[str]:
    """What a search has done, beside its rows."""
    if stage is Stage.DISCOVERY:
        return [f"{search.looked_at:,} looked at"]
    points = search.profile_points
    return [f"{points:,} GraphQL {'point' if points == 1 else 'points'}"] if stage is Stage.ENRICHMENT else []


def _mailboxes(states: Sequence[MailboxState]) -> Iterator[Text]:
    rows = [[Text("mailbox", style="dim"), Text("state", style="dim")]]
    for one in states:
        state = Text("open")
        if one.stopped_reason:
            why = words(cut(discreet(one.stopped_reason), _REASON))
            way_out = f"outrider mailbox resume {one.name}"
            state = Text(f"stopped, {why}: {way_out}   since {moment(one.stopped_at)}", style="yellow")
        rows.append([Text(one.name), state])
    return columns(rows)


def _limits(progress: Progress, around: Around) -> Text:
    judged = around.judged
    shares = (
        ("bounces", judged.bounces, f"pauses above {around.limits.bounces:g} %"),
        ("complaints", judged.complaints, f"above {around.limits.complaints:g} %"),
    )
    parts = [
        f"{count:,} {name} ({f'{100 * count / judged.mails:.1f} %, ' if count else ''}{limit})"
        for name, count, limit in shares
    ]
    line = Text(" · ".join([*parts, f"{progress.outcomes.unsubscribed:,} opt-outs"]))
    if progress.estimated_completion:
        line.append(f"   done about {clock(progress.estimated_completion, progress.as_of)}")
    return line


def _left_out(progress: Progress) -> Text | None:
    """Leads that nobody writes to, by reason, the most frequent first."""
    ends = {state: count for state, count in progress.leads.items() if state.startswith(("skipped", "failed"))}
    shown = " · ".join(
        f"{count:,} {words(state.removeprefix('skipped:'))}"
        for state, count in sorted(ends.items(), key=lambda end: -end[1])
    )
    return Text(f"left out: {shown}", style="dim") if shown else None


def _short(length: timedelta) -> str:
    """A length of time that fits a column: 44s, 2m 41s, 8h 12m, 11d 02h."""
    minutes, seconds = divmod(max(int(length.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02}h"
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {seconds:02}s" if minutes else f"{seconds}s"


def _rate(done: int, took: timedelta) -> str:
    """How fast a stage was, in the largest unit that is no fraction."""
    if not done:
        return "-"
    for unit, seconds in (("s", 1), ("min", 60), ("h", 3_600), ("day", 86_400)):
        rate = done * seconds / took.total_seconds()
        if rate >= 1 or unit == "day":
            break
    return f"{rate:,.1f}/{unit}" if rate < 10 else f"{rate:,.0f}/{unit}"  # noqa: PLR2004 two digits are enough
