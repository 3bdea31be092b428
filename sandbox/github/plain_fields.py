"""A shorter way through graphql-core for what stands in a dict: nearly all of an answer is nothing else."""

from typing import Any, NamedTuple

from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    Undefined,
    get_nullable_type,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.execution.executor import Executor
from graphql.pyutils import Path


class _Plain(NamedTuple):
    """A field without arguments and resolver: its value is in the dict, or what a function there returns."""

    type: GraphQLOutputType
    """Of the value, or of each in a list."""
    object_type: GraphQLObjectType | None
    """The same when it is an object that may be null or not."""
    listed: bool


class PlainFieldExecutor(Executor[None]):
    """Takes scalars, objects and lists of objects straight from the dicts; all else goes the usual way.

    tests/sandbox/test_github_answers.py holds its answers to those of graphql-core's own executor.
    """

    plain: dict[str, dict[str, _Plain]]
    """By type and field."""

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,  # noqa: ANN401 - as in the base class
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: None,
    ) -> dict[str, Any]:
        """Return the values of an object's fields."""
        plain, results = self.plain[parent_type.name], dict[str, Any]()
        for key, details in grouped_field_set.items():
            name = details[0].node.name.value
            known = plain.get(name)
            value = source_value.get(name) if known is not None else None
            if callable(value):
                value = value(None)
            if known is None or value is None:
                value = self.execute_field(
                    parent_type, source_value, details, Path(path, key, parent_type.name), position_context
                )
            elif known.object_type is not None:
                here = Path(path, key, parent_type.name)
                value = self._objects(known, known.object_type, value, details, here)
            if value is not Undefined:
                results[key] = value
        return results

    def _objects(
        self,
        known: _Plain,
        object_type: GraphQLObjectType,
        value: Any,  # noqa: ANN401 - a dict, or a list of them
        details: FieldDetailsList,
        path: Path,
    ) -> object:
        def answered(one: dict[str, Any], here: Path) -> object:
            try:
                return self.collect_and_execute_subfields(object_type, details, here, one, None)
            except Exception as error:  # noqa: BLE001 - as in the base class: it becomes one of the answer's errors
                self.handle_field_error(error, known.type, details, here)
                return None

        if not known.listed:
            return answered(value, path)
        return [None if one is None else answered(one, path.add_key(number)) for number, one in enumerate(value)]


def executor_for(schema: GraphQLSchema) -> type[PlainFieldExecutor]:
    """Return the executor that knows the plain fields of this schema."""
    plain = {
        type_.name: {name: known for name, field in type_.fields.items() if (known := _plain(field)) is not None}
        for type_ in schema.type_map.values()
        if isinstance(type_, GraphQLObjectType)
    }
    return type("PlainFieldExecutorOfSchema", (PlainFieldExecutor,), {"plain": plain})


def _plain(field: GraphQLField) -> _Plain | None:
    """None for a field that needs the usual way."""
    if field.resolve is not None or field.args:
        return None
    type_ = get_nullable_type(field.type)
    if isinstance(type_, GraphQLScalarType):
        return _Plain(field.type, None, listed=False)
    if isinstance(type_, GraphQLObjectType):
        return _Plain(field.type, type_, listed=False)
    if isinstance(type_, GraphQLList) and isinstance(type_.of_type, GraphQLObjectType):
        return _Plain(type_.of_type, type_.of_type, listed=True)
    return None
