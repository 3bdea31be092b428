"""How the workflow calls its short activities: those that read or write rows of one campaign."""

from typing import Any

from pydantic import BaseModel
from temporalio import workflow
from temporalio.common import RetryPolicy

from workflows import options


def start_short(
    name: str,
    task: BaseModel,
    summary: str,
    *,
    result_type: type[BaseModel] | None = None,
    retries: RetryPolicy = options.PERSISTENT,
) -> workflow.ActivityHandle[Any]:
    """Start one; unless `retries` says otherwise it is tried until it succeeds."""
    return workflow.start_activity(
        name,
        task,
        result_type=result_type,
        start_to_close_timeout=options.SHORT_TIMEOUT,
        heartbeat_timeout=options.HEARTBEAT_TIMEOUT,
        retry_policy=retries,
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
    )
