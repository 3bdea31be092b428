"""Whether anybody works on campaigns, as Temporal knows it."""

from temporalio.client import Client

from client.local_stack.parts import pollers

_POLL_SECONDS = 75.0
"""A worker's question to the server lasts up to a minute; one that asked longer ago has gone."""


async def workers(temporal: Client) -> list[str]:
    """Identities of the workers that poll now."""
    return await pollers(temporal, _POLL_SECONDS)
