"""The search attributes that campaigns set: one that is not registered would block every workflow for ever."""

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import InputError
from domain.wire import SearchAttribute

_KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
_INT = IndexedValueType.INDEXED_VALUE_TYPE_INT


async def register_search_attributes(client: Client) -> None:
    """Register what is missing; raises InputError with the command where this worker may not."""
    operator = client.operator_service
    known = await operator.list_search_attributes(ListSearchAttributesRequest(namespace=client.namespace))
    missing = [name for name in SearchAttribute if name not in known.custom_attributes]
    wrong = [name for name in SearchAttribute if known.custom_attributes.get(name, _kind(name)) != _kind(name)]
    if wrong:
        raise InputError(
            f"Temporal's namespace {client.namespace} has the search attribute {wrong[0]} with another type",
            hint=f"temporal operator search-attribute remove --name {wrong[0]}, then start the worker again",
        )
    if not missing:
        return
    request = AddSearchAttributesRequest(namespace=client.namespace)
    request.search_attributes.update({str(name): _kind(name) for name in missing})
    try:
        await operator.add_search_attributes(request)
    except RPCError as error:
        if error.status is RPCStatusCode.ALREADY_EXISTS:  # another worker starts at the same time
            return
        flags = " ".join(f"--name {name} --type {'Int' if name.is_count else 'Keyword'}" for name in missing)
        raise InputError(
            f"Temporal's namespace {client.namespace} lacks search attributes, and this worker may not create them",
            hint=f"temporal operator search-attribute create {flags}",
        ) from None


def _kind(name: SearchAttribute) -> IndexedValueType.ValueType:
    return _INT if name.is_count else _KEYWORD
