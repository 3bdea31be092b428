"""Lists that are too long for one statement: drivers and databases take so many parameters and no more."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, Select
from sqlalchemy.ext.asyncio import AsyncConnection

_Value = TypeVar("_Value")

_MOST = 10_000
"""asyncpg takes 32,767 parameters, SQLite 32,766 as it comes; a statement may name each value twice."""


def portions(values: Sequence[_Value]) -> Iterator[Sequence[_Value]]:
    """The values in order, as many at a time as one statement may name."""
    for start in range(0, len(values), _MOST):
        yield values[start : start + _MOST]


async def rows_among(
    connection: AsyncConnection, query: Select[Any], column: ColumnElement[Any], values: Sequence[object]
) -> list[Row[Any]]:
    """The rows of `query` whose column has one of the values, however many there are. Ordered within a portion only."""
    found: list[Row[Any]] = []
    for some in portions(values):
        found += await connection.execute(query.where(column.in_(some)))
    return found
