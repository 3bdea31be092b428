"""Pages of lists: `first`/`after`, `last`/`before`, opaque cursors."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sandbox.github.ids import cursor, position_of

T = TypeVar("T")


def connection(  # noqa: PLR0913 - the arguments that GitHub's connections take
    items: Sequence[T],
    node: Callable[[T], dict[str, Any]],
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    reachable: int | None = None,
) -> dict[str, Any]:
    """Return one page of `items`; only so many as `reachable` can be had at all. Raises BadCursorError."""
    limit = len(items) if reachable is None else min(len(items), reachable)
    start = min(position_of(after), limit)
    end = min(limit, position_of(before) - 1) if before else limit
    if first is not None:
        end = min(end, start + first)
    if last is not None:
        start = max(start, end - last)
    page = items[start:end]
    return {
        "totalCount": len(items),
        "nodes": lambda _info: [node(item) for item in page],
        "edges": lambda _info: [
            {"cursor": cursor(start + number), "node": node(item)} for number, item in enumerate(page, start=1)
        ],
        "pageInfo": {
            "hasNextPage": end < limit,
            "hasPreviousPage": start > 0,
            "startCursor": cursor(start + 1) if page else None,
            "endCursor": cursor(end) if page else None,
        },
    }
