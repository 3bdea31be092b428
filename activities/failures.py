"""The only place where an error of ours becomes a failure in a workflow's history.

What is recorded is a type and a code, never a message that could carry an address, a reply or a secret: histories
cannot be erased. The log gets the places in the code, for the same reason without values.
"""

import functools
import traceback
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeating import heartbeat
from domain.errors import InputError, OutriderError
from domain.wire import WindowTask
from telemetry.logging import bind, get_logger
from telemetry.names import Attribute
from telemetry.tracing import Value, Values, attempt

_log = get_logger(__name__)
_P = ParamSpec("_P")
_R = TypeVar("_R")


def recorded_safely(run: Callable[_P, Awaitable[_R]]) -> Callable[_P, Awaitable[_R]]:
    """Decorate an activity method: it heartbeats, its errors are short and unchained, and its log lines say whose.

    InputError is final: the rows will not become right by trying again. Everything else is tried again.
    """

    @functools.wraps(run)
    async def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        info = activity.info()
        task = args[-1]
        about = _about(task)
        stage, window = about.get(Attribute.STAGE), about.get(Attribute.WINDOW)
        bind(
            campaign_id=info.workflow_id,
            stage=stage,
            window=window,
            attempt=info.attempt,
            activity=info.activity_type,
        )
        try:
            with attempt(about):
                async with heartbeat():
                    return await run(*args, **kwargs)
        except ApplicationError:
            raise
        except OutriderError as error:
            _log.warning("activity.failed", error_type=type(error).__name__, error=error.line)
            raise ApplicationError(
                type(error).__name__, type=type(error).__name__, non_retryable=isinstance(error, InputError)
            ) from None
        except Exception as error:  # noqa: BLE001 whatever it is, its text must not reach the history
            _log.error("activity.failed", error_type=type(error).__name__, where=_frames(error))
            raise ApplicationError(type(error).__name__, type=type(error).__name__) from None

    return guarded


def _about(task: object) -> Values:
    info = activity.info()
    values: dict[Attribute, Value] = {
        Attribute.CAMPAIGN: info.workflow_id or "",
        Attribute.ATTEMPT: info.attempt,
    }
    if isinstance(task, WindowTask):
        values |= {Attribute.STAGE: str(task.stage), Attribute.WINDOW: f"{task.first}-{task.last}"}
    return values


def _frames(error: Exception) -> list[str]:
    """Where an error came from, without its text: validation and database errors quote the values they found."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
