"""The schema subset with a resolver for every field that takes arguments; all others are read from dicts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from graphql import GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema, build_schema

from sandbox.github.commits import Commit
from sandbox.github.connections import connection
from sandbox.github.nodes import (
    BASE_URL,
    Node,
    account_node,
    actor_node,
    commit_node,
    contributions_node,
    repository_node,
    user_node,
)
from sandbox.github.people import Organization, Person
from sandbox.github.population import Population
from sandbox.github.repositories import Repository
from sandbox.github.search_query import MAX_RESULTS, BadSearchError, find

SCHEMA_PATH = Path(__file__).parent / "schema.graphql"
_SEARCHES_KEPT = 256


class AnswerError(Exception):
    """An error inside an otherwise good answer; `type` is how GitHub names it."""

    def __init__(self, type_: str, message: str) -> None:
        """Say what is wrong with one field."""
        super().__init__(message)
        self.type = type_


@dataclass(slots=True)
class Answering:
    """What the resolvers of one call know."""

    world: "World"
    rate_limit: Node = field(default_factory=dict)


Info = GraphQLResolveInfo[Answering]


class World:
    """The population as the resolvers see it, with the results of searches remembered."""

    def __init__(self, population: Population) -> None:
        """Answer about this population."""
        self.population = population
        self.search = lru_cache(maxsize=_SEARCHES_KEPT)(partial(find, population))

    def node(self, text: str) -> Node | AnswerError:
        """Return the node with that global id, or the error that stands in its place."""
        found = self.population.by_id(text)
        if found is None:
            return AnswerError("NOT_FOUND", f"Could not resolve to a node with the global id of '{text}'.")
        if isinstance(found, Repository):
            return repository_node(self.population, found)
        return account_node(self.population, found)


def executable_schema() -> GraphQLSchema:
    """Return the schema of schema.graphql with its resolvers."""
    schema = build_schema(SCHEMA_PATH.read_text(encoding="utf-8"))
    for type_name, resolvers in _RESOLVERS.items():
        object_type = schema.type_map[type_name]
        if isinstance(object_type, GraphQLObjectType):
            for name, resolve in resolvers.items():
                object_type.fields[name].resolve = resolve
    return schema


def _world(info: Info) -> World:
    return info.context.world


def _node(_: object, info: Info, id: str) -> Node | AnswerError:  # noqa: A002 - GitHub's argument
    return _world(info).node(id)


def _nodes(_: object, info: Info, ids: list[str]) -> list[Node | AnswerError]:
    world = _world(info)
    return [world.node(text) for text in ids]


def _rate_limit(_: object, info: Info, **_arguments: object) -> Node:
    return info.context.rate_limit


def _viewer(_: object, info: Info) -> Node:
    population = _world(info).population
    return user_node(population, population.people[0])


def _repository(
    _: object,
    info: Info,
    owner: str,
    name: str,
    followRenames: bool = True,  # noqa: FBT001, FBT002, N803 - GitHub's argument
) -> Node:
    population = _world(info).population
    found = population.repository(owner, name)
    if found is None or (found[1] and not followRenames):
        raise AnswerError("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
    return repository_node(population, found[0])


def _account(wanted: str, _: object, info: Info, login: str) -> Node:
    population = _world(info).population
    account = population.account(login)
    node = account_node(population, account) if account else {}
    if node.get("__typename") != wanted:
        raise AnswerError("NOT_FOUND", f"Could not resolve to {wanted} with the login of '{login}'.")
    return node


def _search(_: object, info: Info, query: str, type: str, **page: Any) -> Node:  # noqa: A002, ANN401 - GitHub's arguments
    if type != "REPOSITORY":
        raise AnswerError("NOT_IMPLEMENTED", f"The local GitHub searches repositories, not {type}.")
    world = _world(info)
    try:
        found = world.search(query)
    except BadSearchError as error:
        raise AnswerError("UNPROCESSABLE", str(error)) from None
    make = partial(repository_node, world.population)
    return {"repositoryCount": len(found), "userCount": 0} | connection(found, make, reachable=MAX_RESULTS, **page)


def _topics(source: Node, _info: Info, **page: Any) -> Node:  # noqa: ANN401 - GitHub's arguments
    return connection(source["__repository"].topics, _topic_node, **page)


def _topic_node(name: str) -> Node:
    topic = {"id": f"TOPIC_{name}", "name": name}
    return {"id": f"RT_{name}", "url": f"{BASE_URL}/topics/{name}", "topic": topic}


def _history(
    source: Node,
    info: Info,
    since: str | None = None,
    until: str | None = None,
    **page: Any,  # noqa: ANN401
) -> Node:
    population = _world(info).population
    repository: Repository = source["__repository"]
    first = _seconds(since, 0.0)
    last = _seconds(until, float("inf"))
    inside = [
        (position, commit)
        for position, commit in enumerate(population.commits_of(repository.index).back_to(first))
        if position >= source["__position"] and commit.committed <= last
    ]

    def make(item: tuple[int, Commit]) -> Node:
        return commit_node(population, repository, *item)

    return connection(inside, make, **page)


def _seconds(text: str | None, default: float) -> float:
    if text is None:
        return default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise AnswerError("INVALID", f"'{text}' is not a GitTimestamp: ISO 8601 with an offset.")
    return moment.timestamp()


def _authors(source: Node, info: Info, **page: Any) -> Node:  # noqa: ANN401 - GitHub's arguments
    population = _world(info).population
    commit = population.commits_of(source["__repository"].index)[source["__position"]]
    return connection([commit], partial(actor_node, population), **page)


def _person(source: Node) -> Person:
    person: Person = source["__person"]
    return person


def _count(name: str) -> Callable[..., Node]:
    return lambda source, _info, **_page: {"totalCount": getattr(_person(source), name)}


def _organizations(source: Node, info: Info, orderBy: object = None, **page: Any) -> Node:  # noqa: ANN401, N803
    del orderBy
    population = _world(info).population
    member_of: list[Organization] = [population.organizations[index] for index in _person(source).organizations]
    return connection(member_of, partial(account_node, population), **page)


def _social_accounts(source: Node, _info: Info, **page: Any) -> Node:  # noqa: ANN401 - GitHub's arguments
    person = _person(source)
    accounts: list[Node] = []
    if person.twitter:
        url = f"https://social.example.com/{person.twitter}"
        accounts.append({"provider": "TWITTER", "displayName": f"@{person.twitter}", "url": url})
    if person.website and person.index % 3 == 0:
        url = f"https://mastodon.example.org/@{person.login}"
        accounts.append({"provider": "MASTODON", "displayName": f"@{person.login}", "url": url})
    return connection(accounts, lambda account: account, **page)


_ORDERS: dict[str, Callable[[Repository], Any]] = {
    "STARGAZERS": lambda repository: repository.stars,
    "PUSHED_AT": lambda repository: repository.pushed_at,
    "UPDATED_AT": lambda repository: repository.pushed_at,
    "CREATED_AT": lambda repository: repository.created_at,
    "NAME": lambda repository: repository.name,
}


def _repositories(  # noqa: PLR0913 - GitHub's arguments
    source: Node,
    info: Info,
    *,
    isFork: bool | None = None,  # noqa: N803
    isArchived: bool | None = None,  # noqa: N803
    orderBy: dict[str, str] | None = None,  # noqa: N803
    privacy: str | None = None,
    ownerAffiliations: Sequence[str] | None = None,  # noqa: N803
    **page: Any,  # noqa: ANN401
) -> Node:
    del ownerAffiliations
    population = _world(info).population
    owned = [
        repository
        for repository in population.owned_by(_person(source).login)
        if privacy != "PRIVATE" and isFork in {None, repository.fork} and isArchived in {None, repository.archived}
    ]
    if orderBy:
        owned.sort(key=_ORDERS[orderBy["field"]], reverse=orderBy["direction"] == "DESC")
    return connection(owned, partial(repository_node, population), **page)


def _contributions(source: Node, info: Info, **_arguments: object) -> Node:
    return contributions_node(_world(info).population, _person(source))


_RESOLVERS: dict[str, dict[str, Callable[..., Any]]] = {
    "Query": {
        "node": _node,
        "nodes": _nodes,
        "organization": partial(_account, "Organization"),
        "rateLimit": _rate_limit,
        "repository": _repository,
        "search": _search,
        "user": partial(_account, "User"),
        "viewer": _viewer,
    },
    "Repository": {"repositoryTopics": _topics},
    "Commit": {"authors": _authors, "history": _history},
    "User": {
        "contributionsCollection": _contributions,
        "followers": _count("followers"),
        "following": _count("following"),
        "organizations": _organizations,
        "repositories": _repositories,
        "socialAccounts": _social_accounts,
    },
}
