"""GitHub's documented formula: what a query costs in points, and how many nodes it may touch at most."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

MAX_NODES = 500_000
MAX_PAGE = 100
MAX_IDS = 100

CONNECTIONS = frozenset(
    {
        "authors",
        "followers",
        "following",
        "history",
        "organizations",
        "repositories",
        "repositoryTopics",
        "search",
        "socialAccounts",
    }
)
"""The fields of the schema that lead to a connection; a test holds this list to schema.graphql."""


class RefusedQueryError(ValueError):
    """The query breaks a limit; `type` is the error's type as GitHub names it, `path` where it is."""

    def __init__(self, type_: str, message: str, path: Sequence[str]) -> None:
        """Refuse with this text."""
        super().__init__(message)
        self.type = type_
        self.path = list(path)


@dataclass(slots=True)
class Cost:
    """What one call costs: requests for connections, nodes, and the largest page or list of ids asked for."""

    requests: int = 0
    nodes: int = 0
    largest: int = 0

    @property
    def points(self) -> int:
        """Requests divided by 100, rounded, at least 1."""
        return max(1, (self.requests + 50) // 100)


def cost_of(document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, object]) -> Cost:
    """Add up the cost of an operation. Raises RefusedQueryError for anything that is too large."""
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    defaults = {
        definition.variable.name.value: _value(definition.default_value, {})
        for definition in operation.variable_definitions or ()
        if definition.default_value is not None
    }
    cost = Cost()
    _add(cost, operation.selection_set, 1, _Context(fragments, {**defaults, **variables}), [])
    if cost.nodes > MAX_NODES:
        raise RefusedQueryError(
            "MAX_NODE_LIMIT_EXCEEDED",
            f"This query requests up to {cost.nodes:,} possible nodes which exceeds the maximum limit of "
            f"{MAX_NODES:,}.",
            [],
        )
    return cost


@dataclass(frozen=True, slots=True)
class _Context:
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, object]


def _add(cost: Cost, selections: SelectionSetNode | None, times: int, context: _Context, path: list[str]) -> None:
    for field in _fields(selections, context):
        name = field.name.value
        arguments = {
            argument.name.value: _value(argument.value, context.variables) for argument in field.arguments or ()
        }
        here = [*path, (field.alias or field.name).value]
        inner = times
        if name in CONNECTIONS:
            page = _page(name, arguments, field, here, context)
            cost.requests += times
            cost.nodes += times * page
            cost.largest = max(cost.largest, page)
            inner = times * page
        elif name == "nodes" and "ids" in arguments:
            asked = _ids(arguments["ids"], here)
            cost.nodes += asked
            cost.largest = max(cost.largest, asked)
            inner = asked
        _add(cost, field.selection_set, inner, context, here)


def _fields(selections: SelectionSetNode | None, context: _Context) -> Iterator[FieldNode]:
    for selection in selections.selections if selections else ():
        if not _is_included(selection, context.variables):
            continue
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, FragmentSpreadNode):
            yield from _fields(context.fragments[selection.name.value].selection_set, context)
        else:
            yield from _fields(getattr(selection, "selection_set", None), context)


def _is_included(selection: SelectionNode, variables: Mapping[str, object]) -> bool:
    """Tell whether @include and @skip let the selection in: what is left out costs nothing."""
    for directive in selection.directives or ():
        conditions = [_value(argument.value, variables) for argument in directive.arguments or ()]
        if directive.name.value in {"include", "skip"} and conditions[:1] == [directive.name.value == "skip"]:
            return False
    return True


def _page(name: str, arguments: Mapping[str, object], field: FieldNode, path: Sequence[str], context: _Context) -> int:
    """Return how many nodes one request for the connection may bring, 0 if it only counts them."""
    size = arguments.get("first") or arguments.get("last")
    if not isinstance(size, int):
        if any(inner.name.value in {"nodes", "edges"} for inner in _fields(field.selection_set, context)):
            raise RefusedQueryError(
                "MISSING_PAGINATION_BOUNDARIES",
                f"You must provide a `first` or `last` value to properly paginate the `{name}` connection.",
                path,
            )
        return 0
    if size > MAX_PAGE:
        raise RefusedQueryError(
            "EXCESSIVE_PAGINATION",
            f"Requesting {size} records on the `{name}` connection exceeds the `first` limit of {MAX_PAGE} records.",
            path,
        )
    return size


def _ids(ids: object, path: Sequence[str]) -> int:
    asked = len(ids) if isinstance(ids, list) else 1
    if asked > MAX_IDS:
        raise RefusedQueryError(
            "ARGUMENT_LIMIT", f"You may not provide more than {MAX_IDS} node ids; you provided {asked}.", path
        )
    return asked


def _value(node: ValueNode | None, variables: Mapping[str, object]) -> object:
    """Return what matters of an argument: a number, a truth value, or a list of the right length."""
    if isinstance(node, VariableNode):
        return variables.get(node.name.value)
    if isinstance(node, IntValueNode):
        return int(node.value)
    if isinstance(node, BooleanValueNode):
        return node.value
    return [None] * len(node.values) if isinstance(node, ListValueNode) else None
