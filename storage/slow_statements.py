"""Statements that took long, in the trace of whoever waited for them."""

import time
from typing import Any

from sqlalchemy import Connection, Engine, event

from telemetry.metrics import measuring
from telemetry.names import Attribute, Outcome, Tool
from telemetry.tool_calls import record
from telemetry.tracing import tracer

SLOW_SECONDS = 0.1
"""Longer than any statement takes that has its index and no lock in its way."""

_BEGAN = "outrider_began_at"


def show_slow_statements(engine: Engine) -> None:
    """Have a span for each statement of this engine that is slow. Of its text only the verb is told."""

    @event.listens_for(engine, "before_cursor_execute")
    def before(connection: Connection, *_: object) -> None:
        if tracer() is not None or measuring():
            connection.info[_BEGAN] = time.time_ns()

    @event.listens_for(engine, "after_cursor_execute")
    def after(connection: Connection, _cursor: Any, statement: str, *_: object) -> None:  # noqa: ANN401 the driver's
        began_at = connection.info.pop(_BEGAN, None)
        if began_at is not None and time.time_ns() - began_at > SLOW_SECONDS * 1e9:
            about = {Attribute.DB_SYSTEM: engine.dialect.name, Attribute.DB_OPERATION: verb(statement)}
            record(Tool.DATABASE_STATEMENT, Outcome.OK, began_at, about)


def verb(statement: str) -> str:
    """SELECT, INSERT and so on."""
    return statement.split(None, 1)[0].upper()
