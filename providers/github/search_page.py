"""One page of a search: what of it can be kept when the answer was cut short, and where the search goes on."""

from collections.abc import Sequence
from dataclasses import dataclass

from providers.github.answers import GraphError, Outcome
from providers.github.api import Data, Reply
from providers.github.history import PageInfo
from providers.github.repositories import SeenRepository
from providers.github.slicing import SHOWN
from providers.github.values import Mark, Shape

_RESULT = ("search", "edges")


class Edge(Shape):
    """One result of a search; `cursor` is where the search goes on behind it."""

    cursor: Mark
    node: SeenRepository | None = None


class Search(Shape):
    """One page of a search."""

    repository_count: int
    page_info: PageInfo
    edges: list[Edge | None] | None = None


class Discovered(Data, kw_only=True):
    """The answer to discover.graphql."""

    search: Search


@dataclass(frozen=True, slots=True)
class Shown:
    """What a search shows."""

    repositories: list[SeenRepository]
    next_cursor: str | None
    incomplete: bool
    """Whether there is something that it will not show."""


def shown(search: Search, reply: Reply[Discovered], *, least: bool) -> Shown | None:
    """What can be kept of an answer, None when nothing can; with `least`, nothing smaller can be asked for."""
    edges, ok = search.edges or [], reply.outcome is Outcome.OK
    kept = edges if least or ok else _whole(edges, reply.errors)
    last = next((edge.cursor for edge in reversed(kept) if edge is not None), None)
    cut = len(kept) < len(edges)
    if (cut and last is None) or not (kept or least or ok):  # nothing, or nothing says where the search goes on
        return None
    goes_on = search.page_info.has_next_page
    behind = (search.page_info.end_cursor or last) if goes_on else None
    lost = search.edges is None or (goes_on and behind is None)
    nodes = [edge.node for edge in kept if edge is not None and edge.node is not None]
    return Shown(
        repositories=[node for node in nodes if node.searchable],
        next_cursor=last if cut else behind,
        incomplete=lost or search.repository_count > SHOWN or len(nodes) < len(kept) or (least and not ok),
    )


def _whole(edges: Sequence[Edge | None], errors: Sequence[GraphError]) -> Sequence[Edge | None]:
    """The results in front of the first one that lacks something."""
    lacking = [error.path[2] for error in errors if error.path[:2] == _RESULT and not error.unseen and error.path[2:]]
    first = min((number for number in lacking if isinstance(number, int)), default=None)
    if first is None:
        first = next((number for number, edge in enumerate(edges) if not _is_whole(edge)), 0)
    return edges[:first]


def _is_whole(edge: Edge | None) -> bool:
    if edge is None or edge.node is None:
        return False
    branch = edge.node.default_branch_ref
    return branch is None or (edge.node.history is not None and edge.node.history.whole)
