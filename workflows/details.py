"""The Markdown that Temporal's Web UI shows as a campaign's current details: enums, numbers, ids and our own commands.

People's reasons are the only free text; they are one line, cut, and their Markdown is taken from them.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime

from domain.campaign import CampaignStatus, Stage
from domain.wire import CampaignProgress, StageCounts

LONGEST = 2_000
_LONGEST_REASON = 160


def details(progress: CampaignProgress) -> str:
    """One campaign at one moment, under 2,000 characters."""
    shown = "\n".join([_head(progress), *_why(progress), _table(progress)])
    for remark in _remarks(progress):
        if len(shown) + len(remark) < LONGEST:
            shown += f"\n{remark}"
    return shown


def quoted(text: str) -> str:
    """A text of a person's as plain Markdown."""
    line = " ".join(text.split())
    cut = line if len(line) <= _LONGEST_REASON else f"{line[: _LONGEST_REASON - 1]}…"
    return re.sub(r"([\\`*_{}\[\]()<>#+!|~&:@/-])", r"\\\1", cut)


def _head(progress: CampaignProgress) -> str:
    sent = f"{progress.messages.get('sent', 0):,} of {progress.leads:,} sent"
    if progress.ending:
        return f"### {'Cancelled' if progress.over else 'Being cancelled'} · {sent}"
    if progress.over:
        return f"### Completed · {sent}"
    if progress.paused is not None:
        return f"### PAUSED since {_moment(progress.paused.since)} · {sent}"
    if progress.status == CampaignStatus.WAITING and progress.waiting_for:
        first = progress.waiting_for[0]
        until = f" until {_moment(first.until)}" if first.until else ""
        return f"### Waiting: {_words(first.reason)}{until} · {sent}"
    return f"### {_words(progress.stage or Stage.PLANNING).capitalize()} · {sent}"


def _why(progress: CampaignProgress) -> Iterator[str]:
    """Who or what stopped it, and how it goes on."""
    paused = progress.paused
    if paused is not None:
        by = f"the circuit breaker `{paused.breaker}`" if paused.breaker else quoted(paused.by)
        yield f"**Why:** {quoted(paused.reason) or 'no reason was given'}\n"
        yield f"**By:** {by}. Nothing has started since; nothing is lost.\n"
        if paused.breaker:
            yield f"**Look at it:** `outrider errors {progress.campaign_id}`\n"
        signal = f"temporal workflow signal -w {progress.campaign_id} --name resume --input"
        yield f"**Go on:** `{signal} {_shell('checked it')}`\n"
        return
    for wait in progress.waiting_for:
        way_out = f"`{wait.command}`" if wait.command else "nothing to do: it goes on by itself"
        yield f"**{_words(wait.stage).capitalize()}:** {_words(wait.reason)}, {way_out}\n"


def _table(progress: CampaignProgress) -> str:
    head = f"{'stage':<16}{'done':>9}{'failed':>8}{'skipped':>9}{'in doubt':>10}{'open':>9}{'windows':>9}"
    rows = [_row(stage, counts) for stage, counts in progress.stages.items()]
    return "\n".join(["```", head, *rows, "```"])


def _row(stage: Stage, counts: StageCounts) -> str:
    done = counts.counts
    put_aside = done.get("skipped", 0) + done.get("rejected", 0)
    left = counts.ready + counts.later
    running = f"+{counts.running}w" if counts.running else ""
    numbers = f"{done.get('done', 0):>9,}{done.get('failed', 0):>8,}{put_aside:>9,}{done.get('in_doubt', 0):>10,}"
    return f"{_words(stage):<16}{numbers}{f'{left:,}{running}':>9}{counts.windows:>9,}"


def _remarks(progress: CampaignProgress) -> Iterator[str]:
    """The most important first: what does not fit is left out."""
    doubts = progress.messages.get("in_doubt", 0)
    if doubts:
        yield f"- **{doubts:,} in doubt**: `outrider resolve {progress.campaign_id}`"
    for name, count in progress.unknown_signals.items():
        yield f"- **Unknown signal** {quoted(name)} ({count:,} times): nothing was done"
    yield f"- Run {progress.run} of the workflow, {progress.history_events:,} events · as of {_moment(progress.as_of)}"
    for pause in reversed(progress.pauses):
        reason = f", {quoted(pause.reason)}" if pause.reason else ""
        yield (
            f"- Paused before: {_moment(pause.since)} by {quoted(pause.by)}{reason}; "
            f"{quoted(pause.resumed_by)} let it go on at {_moment(pause.until)}"
        )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _shell(text: str) -> str:
    """A text as the `temporal` command takes it: JSON in single quotes."""
    return f"'{json.dumps(text)}'"
