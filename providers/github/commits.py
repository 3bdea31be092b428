"""The commits behind the first hundred of a repository, those of several repositories for one request's price."""

from collections.abc import Sequence

from providers.github.answers import Outcome
from providers.github.api import Data, GitHubApi
from providers.github.history import Branch, History, Shape
from providers.github.repositories import Reading
from providers.github.sizing import COMMITS, fewer
from providers.github.slicing import Slice

MOST_PAGES = 10
"""Of one repository, the page that came with it among them: the newest thousand commits of the activity window."""

_SLOTS = 8


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


async def read_on(api: GitHubApi, readings: Sequence[Reading], asked: Slice) -> int:
    """Read what is left of these repositories' commits, up to ten pages each; returns the points it cost.

    What GitHub cannot show even in small pieces stays unread: a repository's `commits_read` is then below `commits`.
    """
    points = 0
    for _ in range(MOST_PAGES - 1):
        going_on = [reading for reading in readings if reading.cursor is not None]
        for first in range(0, len(going_on), _SLOTS):
            points += await _next_pages(api, going_on[first : first + _SLOTS], asked)
    return points


async def _next_pages(api: GitHubApi, readings: list[Reading], asked: Slice) -> int:
    """The next page of each of at most eight repositories; returns the points it cost."""
    points, parts = 0, [(readings, COMMITS)]
    while parts:
        part, commits = parts.pop()
        reply = await api.ask("history", _variables(part, commits, asked), _Histories, asked.share)
        points += reply.points
        nodes = reply.data.slots() if reply.data is not None else (None,) * _SLOTS
        unread = [reading for reading, node in zip(part, nodes, strict=False) if not _took(reading, node)]
        commits = commits if len(part) > 1 else fewer(commits)
        if reply.outcome in (Outcome.OK, Outcome.GONE) or not commits:  # it vanished, or cannot be shown at all
            for reading in unread:
                reading.cursor = None
        else:
            middle = (len(unread) + 1) // 2
            parts.extend((half, commits) for half in (unread[:middle], unread[middle:]) if half)
    return points


def _took(reading: Reading, node: _Node | None) -> bool:
    if node is None or node.history is None:
        return False
    reading.add(node.history)
    return True


def _variables(part: list[Reading], commits: int, asked: Slice) -> dict[str, object]:
    variables: dict[str, object] = {"commits": commits, **asked.activity()}
    for slot in range(_SLOTS):
        reading = part[slot] if slot < len(part) else None
        variables[f"id{slot}"] = (reading or part[0]).identity
        variables[f"after{slot}"] = reading.cursor if reading else None
        variables[f"use{slot}"] = reading is not None
    return variables
