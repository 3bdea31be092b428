"""Runs one GraphQL call: parsed and validated documents are remembered, errors look like GitHub's."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    execute_sync,
    parse,
    validate,
)

from sandbox.github.cost import Cost, cost_of
from sandbox.github.ids import BadCursorError
from sandbox.github.plain_fields import executor_for
from sandbox.github.resolvers import AnswerError, Answering, World, executable_schema

_DOCUMENTS_KEPT = 256


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that is ready to run, or the errors that GitHub would answer instead."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...]

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """Return the operation of that name, or the only one."""
        operations = [
            definition
            for definition in (self.document.definitions if self.document else ())
            if isinstance(definition, OperationDefinitionNode)
            and (name is None or (definition.name is not None and definition.name.value == name))
        ]
        return operations[0] if len(operations) == 1 else None


class Executor:
    """Answers documents about one population."""

    def __init__(self, world: World) -> None:
        """Answer about this world."""
        self.schema: GraphQLSchema = executable_schema()
        self._world = world
        self._executor_class = executor_for(self.schema)
        self.prepare = lru_cache(maxsize=_DOCUMENTS_KEPT)(self._prepare)

    def _prepare(self, query: str) -> Prepared:
        """Parse and validate a document."""
        try:
            document = parse(query)
        except GraphQLError as error:
            return Prepared(None, (error,))
        errors = validate(self.schema, document)
        return Prepared(None if errors else document, tuple(errors))

    def cost(self, prepared: Prepared, operation: OperationDefinitionNode, variables: Mapping[str, object]) -> Cost:
        """Return what the call costs. Raises RefusedQueryError."""
        return cost_of(prepared.document or DocumentNode(definitions=()), operation, variables)

    def run(
        self, prepared: Prepared, name: str | None, variables: dict[str, Any], rate_limit: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the answer's body: data, and errors if there are any."""
        if prepared.document is None:
            return {"errors": [error_body(error) for error in prepared.errors]}
        result = execute_sync(
            self.schema,
            prepared.document,
            variable_values=variables,
            operation_name=name,
            context_value=Answering(self._world, rate_limit),
            executor_class=self._executor_class,
        )
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body["errors"] = [error_body(error) for error in result.errors]
        return body


def error_body(error: GraphQLError) -> dict[str, Any]:
    """Return an error as GitHub words it; the `type` stands beside the message."""
    body: dict[str, Any] = {}
    if isinstance(error.original_error, AnswerError):
        body["type"] = error.original_error.type
    elif isinstance(error.original_error, BadCursorError):
        body["type"] = "INVALID_CURSOR_ARGUMENTS"
    if error.path is not None:
        body["path"] = list(error.path)
    body["locations"] = [{"line": place.line, "column": place.column} for place in error.locations or ()]
    body["message"] = error.message
    return body
