"""Our schema is a true part of GitHub's: what runs here is valid there, and is answered in the same form."""

from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_required_argument,
    parse,
    print_ast,
    validate,
)
from local_github import DISCOVER, ENRICH, HISTORY
from published_schema import published_schema

from sandbox.github.cost import CONNECTIONS
from sandbox.github.resolvers import SCHEMA_PATH, executable_schema


def differences(ours: GraphQLSchema, theirs: GraphQLSchema) -> Iterator[str]:
    """Where a schema is no part of another one, a line for each finding."""
    for name, own in ours.type_map.items():
        if name.startswith("__"):
            continue
        other = theirs.type_map.get(name)
        if type(own) is not type(other):
            yield f"{name}: {type(own).__name__} here, {type(other).__name__} there"
        else:
            yield from differences_of_type(own, other)


def differences_of_type(own: GraphQLNamedType, other: GraphQLNamedType | None) -> Iterator[str]:
    if isinstance(own, GraphQLEnumType) and isinstance(other, GraphQLEnumType):
        yield from (f"{own.name}.{value} is invented" for value in own.values.keys() - other.values.keys())
    elif isinstance(own, GraphQLUnionType) and isinstance(other, GraphQLUnionType):
        members = {member.name for member in other.types}
        yield from (f"{own.name} has no {member.name}" for member in own.types if member.name not in members)
    elif isinstance(own, GraphQLInputObjectType) and isinstance(other, GraphQLInputObjectType):
        yield from (
            f"{own.name}.{name} differs" for name in own.fields if str(own.fields[name].type) != input_type(other, name)
        )
        missing = (
            name for name, field in other.fields.items() if str(field.type).endswith("!") and name not in own.fields
        )
        yield from (f"{own.name}.{name} is required there" for name in missing)
    elif isinstance(own, GraphQLObjectType | GraphQLInterfaceType) and isinstance(
        other, GraphQLObjectType | GraphQLInterfaceType
    ):
        interfaces = {interface.name for interface in other.interfaces}
        yield from (f"{own.name} is no {one.name} there" for one in own.interfaces if one.name not in interfaces)
        for name, field in own.fields.items():
            yield from differences_of_field(f"{own.name}.{name}", field, other.fields.get(name))


def input_type(type_: GraphQLInputObjectType, name: str) -> str:
    return str(type_.fields[name].type) if name in type_.fields else "nothing"


def differences_of_field(place: str, own: GraphQLField, other: GraphQLField | None) -> Iterator[str]:
    if other is None:
        yield f"{place} is invented"
        return
    if str(own.type) != str(other.type):
        yield f"{place}: {own.type} here, {other.type} there"
    for name, argument in own.args.items():
        yield from differences_of_argument(f"{place}({name})", argument, other.args.get(name))
    required = (name for name, argument in other.args.items() if is_required_argument(argument))
    yield from (f"{place}({name}) is required there" for name in required if name not in own.args)


def differences_of_argument(place: str, own: GraphQLArgument, other: GraphQLArgument | None) -> Iterator[str]:
    if other is None:
        yield f"{place} is invented"
    elif str(own.type) != str(other.type) or default(own) != default(other):
        yield f"{place}: {own.type} = {default(own)} here, {other.type} = {default(other)} there"


def default(argument: GraphQLArgument) -> str | None:
    """The default as it is written, None without one."""
    node = argument.ast_node.default_value if argument.ast_node else None
    return print_ast(node) if node else None


def test_every_type_field_and_argument_is_githubs_own() -> None:
    ours = build_schema(SCHEMA_PATH.read_text(encoding="utf-8"))
    assert list(differences(ours, published_schema())) == []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("pushedAt: DateTime", "pushedAt: DateTime!"),
        ("email: String!", "email: String"),
        ("isArchived: Boolean!", "isArchivedNow: Boolean!"),
        ("followRenames: Boolean = true", "followRenames: Boolean = false"),
        ("nodes(ids: [ID!]!)", "nodes(ids: [ID!]!, limit: Int)"),
        ("type: SearchType!", "kind: Int"),
        ("BLUESKY", "GREENSKY"),
        ("union SearchResultItem = Organization", "union SearchResultItem = Bot | Organization"),
        ("field: RepositoryOrderField!", "field: RepositoryOrderField"),
        ("type Bot implements Actor", "type Bot implements GitObject & Actor"),
    ],
)
def test_the_comparison_finds_what_is_not(good: str, bad: str) -> None:
    text = SCHEMA_PATH.read_text(encoding="utf-8")
    assert good in text
    ours = build_schema(text.replace(good, bad, 1), assume_valid=True)
    assert list(differences(ours, published_schema())) != []


def test_the_formula_knows_every_connection() -> None:
    connections = {
        name
        for type_ in executable_schema().type_map.values()
        if isinstance(type_, GraphQLObjectType)
        for name, field in type_.fields.items()
        if get_named_type(field.type).name.endswith("Connection")
    }
    assert connections == CONNECTIONS


def test_every_field_with_arguments_has_a_resolver() -> None:
    ignored = {
        "ContributionsCollection.totalIssueContributions",
        "ContributionsCollection.totalPullRequestContributions",
    }
    unresolved = {
        f"{type_.name}.{name}"
        for type_ in executable_schema().type_map.values()
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
        for name, field in type_.fields.items()
        if field.args and field.resolve is None
    }
    assert unresolved == ignored


@pytest.mark.parametrize("query", [DISCOVER, HISTORY, ENRICH])
def test_the_queries_of_these_tests_are_valid_here_and_there(query: str) -> None:
    document = parse(query)
    assert validate(executable_schema(), document) == []
    assert validate(published_schema(), document) == []
