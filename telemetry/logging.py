"""Structured logs: JSON lines on stdout, readable lines on a terminal. No line carries anything about a person."""

import logging
import sys
from collections.abc import Collection
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from telemetry.redaction import Redaction
from telemetry.tracing import current_ids

FIELDS = "fields"
"""Of a line of the standard library's `logging`: what `extra` carries for it, as workflow code does."""

_ORDER = ("timestamp", "level", "event", "campaign_id", "stage", "window", "worker_id", "attempt")
_LAST = ("trace_id", "span_id")
_WORKFLOWS = "temporalio.workflow"
_OF_WORKFLOW = "temporal_workflow"


class _Process:
    """What every line of this process says."""

    worker_id: str | None = None


_process = _Process()


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger whose events are dotted names such as `message.sent`, with keyword fields."""
    logger: FilteringBoundLogger = structlog.get_logger(logger_name=name)
    return logger


def bind(**fields: object) -> None:
    """Add fields such as campaign_id and window to every line of the current task; None leaves a field out."""
    structlog.contextvars.bind_contextvars(**{name: value for name, value in fields.items() if value is not None})


def name_worker(worker_id: str) -> None:
    """Say in every line of this process which worker it is, as Temporal names it."""
    _process.worker_id = worker_id


def configure(level: str, secrets: Collection[str] = (), stream: TextIO | None = None) -> None:
    """Set up logging for this process; `level` is a name such as INFO. Called once, by an entry point.

    `secrets` are what no line may say; `stream` is stdout unless that is where a command's own output goes.
    """
    to = stream or sys.stdout
    least = logging.getLevelNamesMapping()[level]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _placed,
        structlog.processors.format_exc_info,
        Redaction(secrets),
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback, sort_keys=False)
        if to.isatty()
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(to),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(to)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=[_told_by_workflow, *shared],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(least, logging.WARNING))
    logging.getLogger(_WORKFLOWS).setLevel(least)


def _placed(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """The fields that every reader looks for first and in one order, with where the line was written."""
    ids = current_ids()
    own = {"worker_id": _process.worker_id, "trace_id": ids.trace_id, "span_id": ids.span_id}
    whole = {**line, **{name: value for name, value in own.items() if value is not None}}
    first = {name: whole.pop(name) for name in _ORDER if name in whole}
    last = {name: whole.pop(name) for name in _LAST if name in whole}
    return {**first, **whole, **last}


def _told_by_workflow(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """What `workflow.logger` knows of its workflow, under the names that all other lines have."""
    record = line.get("_record")
    told = getattr(record, _OF_WORKFLOW, None)
    if isinstance(told, dict):
        line.update(campaign_id=told.get("workflow_id"), run_id=told.get("run_id"), **getattr(record, FIELDS, {}))
    return line
