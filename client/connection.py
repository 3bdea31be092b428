"""The connection to Temporal: the same configuration the `temporal` command reads."""

import asyncio
from typing import Any

from temporalio.client import Client, Interceptor
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from client.engine_metrics import measured_runtime
from client.settings import Settings
from domain.errors import InputError, Unreachable
from telemetry import process
from telemetry.tracing import tracer

_ANSWER_SECONDS = 6.0
"""A server that is frozen takes the connection and says nothing; the library would wait 30 s for it."""


async def connect(settings: Settings) -> Client:
    """Connect by TEMPORAL_* or its profile file, else to what `outrider up` started; raises Unreachable."""
    config = _configuration(settings)
    address = config.get("target_host", "")
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await Client.connect(
                **config,
                data_converter=pydantic_data_converter,
                identity=process.NAME,
                interceptors=_interceptors(),
                runtime=measured_runtime(),
            )
    except (RuntimeError, RPCError, TimeoutError):
        raise Unreachable(f"Temporal does not answer at {address}", hint=_way_out(settings, address)) from None


def _interceptors() -> list[Interceptor]:
    traced = tracer()
    if traced is None:
        return []
    from client.tracing import CampaignInterceptor  # noqa: PLC0415 it loads the SDK, which nobody else waits for

    return [CampaignInterceptor(traced)]


def _configuration(settings: Settings) -> dict[str, Any]:
    try:
        config: dict[str, Any] = dict(ClientConfig.load_client_connect_config())
    except (RuntimeError, ValueError) as error:
        raise InputError(f"TEMPORAL_*: {error}") from None
    if "target_host" not in config:
        if settings.stack is not None:
            config["target_host"] = settings.stack.temporal_address
        elif settings.starting:
            raise Unreachable("`outrider up` has not started everything yet", hint="try again in a few seconds")
        else:
            raise Unreachable("no address of Temporal: nothing was started here", hint="outrider up")
    return config


def _way_out(settings: Settings, address: str) -> str:
    """What to do about a server that does not answer: `outrider up` is no help while it runs."""
    if settings.stack is None or settings.stack.temporal_address != address:
        return "outrider up"
    log = settings.home / "logs" / "temporal.log"
    return f"it is the one of `outrider up`: see {log}; if it stays so, stop `outrider up` and start it again"
