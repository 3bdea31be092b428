"""Whether Temporal has the namespace that commands would work in."""

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import Unreachable


async def check_namespace(temporal: Client) -> None:
    """Raise Unreachable when the server has no such namespace; any other refusal of the server is an RPCError."""
    name = temporal.namespace
    try:
        await temporal.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=name))
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        address = temporal.service_client.config.target_host
        raise Unreachable(
            f"Temporal at {address} has no namespace {name}",
            hint=f"set TEMPORAL_NAMESPACE, or: temporal operator namespace create {name}",
        ) from None
