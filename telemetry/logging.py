"""Structured logs: JSON lines on stdout, readable lines on a terminal. No line carries anything about a person."""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger whose events are dotted names such as `message.sent`, with keyword fields."""
    logger: FilteringBoundLogger = structlog.get_logger(logger_name=name)
    return logger


def bind(**fields: object) -> None:
    """Add fields such as campaign_id and window to every line of the current task; None leaves a field out."""
    structlog.contextvars.bind_contextvars(**{name: value for name, value in fields.items() if value is not None})


def configure(level: str) -> None:
    """Set up logging for this process; `level` is a name such as INFO. Called once, by an entry point."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if sys.stdout.isatty()
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=[*shared, structlog.processors.format_exc_info],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.getLevelNamesMapping()[level], logging.WARNING))
