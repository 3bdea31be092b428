"""The commits behind the first hundred of a repository, those of several repositories for one request's price."""

import asyncio
from collections.abc import Sequence

from providers.github.answers import Outcome
from providers.github.api import Data
from providers.github.asking import Asking
from providers.github.history import Branch, History
from providers.github.repositories import Reading
from providers.github.sizing import COMMITS, MOST_PAGES, SLOTS, fewer
from providers.github.slicing import Slice
from providers.github.values import Shape


class _Node(Shape):
    default_branch_ref: Branch | None = None

    @property
    def history(self) -> History | None:
        target = self.default_branch_ref.target if self.default_branch_ref else None
        return target.history if target else None


class _Histories(Data):
    r0: _Node | None = None
    r1: _Node | None = None
    r2: _Node | None = None
    r3: _Node | None = None
    r4: _Node | None = None
    r5: _Node | None = None
    r6: _Node | None = None
    r7: _Node | None = None

    def slots(self) -> tuple[_Node | None, ...]:
        return (self.r0, self.r1, self.r2, self.r3, self.r4, self.r5, self.r6, self.r7)


async def read_on(asking: Asking, readings: Sequence[Reading], asked: Slice) -> None:
    """Read what is left of these repositories' commits, up to ten pages each, eight repositories with a request.

    What GitHub cannot show even in small pieces stays unread: a repository's `commits_read` is then below `commits`.
    So does what is behind a SourceWait, which this raises when the requests under way have their answers.
    """
    for _ in range(MOST_PAGES - 1):
        going_on = [reading for reading in readings if reading.cursor is not None]
        requests = [
            _next_pages(asking, going_on[first : first + SLOTS], asked) for first in range(0, len(going_on), SLOTS)
        ]
        for result in await asyncio.gather(*requests, return_exceptions=True):
            if result is not None:
                raise result


async def _next_pages(asking: Asking, readings: list[Reading], asked: Slice) -> None:
    """The next page of each of at most eight repositories."""
    parts = [(readings, COMMITS)]
    while parts:
        part, commits = parts.pop()
        reply = await asking.ask("history", _variables(part, commits, asked), _Histories)
        nodes = reply.data.slots() if reply.data is not None else (None,) * SLOTS
        lacking = {error.path[0] for error in reply.errors if error.path[1:] and not error.unseen}
        unread = [
            reading
            for slot, (reading, node) in enumerate(zip(part, nodes, strict=False))
            if f"r{slot}" in lacking or not _took(reading, node, whole=reply.outcome is not Outcome.OK)
        ]
        commits = commits if len(part) > 1 else fewer(commits)
        if reply.outcome in (Outcome.OK, Outcome.GONE) or not commits:  # it vanished, or cannot be shown at all
            for reading in unread:
                reading.cursor = None
        else:
            middle = (len(unread) + 1) // 2
            parts.extend((half, commits) for half in (unread[:middle], unread[middle:]) if half)


def _took(reading: Reading, node: _Node | None, *, whole: bool) -> bool:
    if node is None or node.history is None or (whole and not node.history.whole):
        return False
    reading.add(node.history)
    return True


def _variables(part: list[Reading], commits: int, asked: Slice) -> dict[str, object]:
    variables: dict[str, object] = {"commits": commits, **asked.activity()}
    for slot in range(SLOTS):
        reading = part[slot] if slot < len(part) else None
        variables[f"id{slot}"] = (reading or part[0]).identity
        variables[f"after{slot}"] = reading.cursor if reading else None
        variables[f"use{slot}"] = reading is not None
    return variables
