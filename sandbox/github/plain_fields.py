"""A shorter way through graphql-core for plain values: three of four fields of an answer are nothing else."""

from typing import Any

from graphql import GraphQLObjectType, GraphQLScalarType, GraphQLSchema, get_nullable_type
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.executor import Executor
from graphql.pyutils import Path


class PlainFieldExecutor(Executor[None]):
    """Takes scalars straight from the dicts; null, lists, objects and fields with a resolver go the usual way.

    tests/sandbox/test_github_answers.py holds its answers to those of graphql-core's own executor.
    """

    plain: frozenset[tuple[str, str]]
    """Type and field."""

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,  # noqa: ANN401 - as in the base class
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: None,
    ) -> Any:  # noqa: ANN401 - as in the base class
        """Return the value of one field."""
        name = field_details_list[0].node.name.value
        if (parent_type.name, name) in self.plain:
            value = source.get(name)
            if callable(value):
                value = value(None)
            if value is not None:
                return value
        return super().execute_field(parent_type, source, field_details_list, path, position_context)


def executor_for(schema: GraphQLSchema) -> type[PlainFieldExecutor]:
    """Return the executor that knows the plain fields of this schema."""
    plain = frozenset(
        (type_.name, name)
        for type_ in schema.type_map.values()
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
        for name, field in type_.fields.items()
        if isinstance(get_nullable_type(field.type), GraphQLScalarType) and field.resolve is None and not field.args
    )
    return type("PlainFieldExecutorOfSchema", (PlainFieldExecutor,), {"plain": plain})
