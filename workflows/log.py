"""Lines that workflow code logs: written once, however often the workflow is replayed."""

from temporalio import workflow


def log(event: str, **fields: str) -> None:
    """Log an event with fields that say nothing about a person: no name, no reason that somebody typed."""
    workflow.logger.info(event, extra={"fields": fields})
