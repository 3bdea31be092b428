"""The connection to Temporal: the same configuration the `temporal` command reads."""

from typing import Any

from temporalio.client import Client
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from client.settings import Settings
from domain.errors import InputError, Unreachable


async def connect(settings: Settings) -> Client:
    """Connect by TEMPORAL_* or its profile file, else to what `outrider up` started; raises Unreachable."""
    config = _configuration(settings)
    address = config.get("target_host", "")
    try:
        return await Client.connect(
            **config, data_converter=pydantic_data_converter, interceptors=[TracingInterceptor()]
        )
    except (RuntimeError, RPCError):
        raise Unreachable(f"Temporal does not answer at {address}", hint="outrider up") from None


def _configuration(settings: Settings) -> dict[str, Any]:
    try:
        config: dict[str, Any] = dict(ClientConfig.load_client_connect_config())
    except (RuntimeError, ValueError) as error:
        raise InputError(f"TEMPORAL_*: {error}") from None
    if "target_host" not in config:
        if settings.stack is None:
            raise Unreachable("no address of Temporal: nothing was started here", hint="outrider up")
        config["target_host"] = settings.stack.temporal_address
    return config
