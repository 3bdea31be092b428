"""POST /graphql."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from graphql import FieldNode, OperationDefinitionNode
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.github import answers
from sandbox.github.answers import Answer
from sandbox.github.cost import Cost, RefusedQueryError
from sandbox.github.execution import Executor, Prepared
from sandbox.github.faults import Trouble
from sandbox.github.gate import Gate, token_of
from sandbox.github.journal import Entry
from sandbox.github.limits import ANONYMOUS, Budget
from sandbox.github.people import utc_text

_RESOURCE = "graphql"


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that could be read."""

    prepared: Prepared
    operation: OperationDefinitionNode | None
    name: str | None
    variables: dict[str, Any]

    @property
    def label(self) -> str:
        """The name under which the call is counted."""
        named = self.operation.name if self.operation else None
        return named.value if named else self.name or "(unnamed)"

    @property
    def keys(self) -> list[str]:
        """The response keys at the top of the answer."""
        selections = self.operation.selection_set.selections if self.operation else ()
        return [(field.alias or field.name).value for field in selections if isinstance(field, FieldNode)]


class GraphQLApi:
    """The route that executes queries."""

    def __init__(self, executor: Executor, gate: Gate) -> None:
        """Execute with this executor, behind this gate."""
        self._executor = executor
        self._gate = gate

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        return [Route("/graphql", self.post, methods=["POST"])]

    async def post(self, request: Request) -> Response:
        """Answer one call."""
        limits = self._gate.limits
        limits.in_flight += 1
        try:
            return await self._answered(request)
        finally:
            limits.in_flight -= 1

    async def _answered(self, request: Request) -> Response:
        gate = self._gate
        token = token_of(request)
        budget = gate.limits.budget(token or ANONYMOUS, _RESOURCE)
        call = self._read(await request.body())
        refusal = answers.unauthorized() if not token else gate.turned_away(token, "graphql")
        entry = gate.journal.ask("graphql", call.label, call.variables) if call else None
        if refusal is not None or call is None or entry is None:
            bad = answers.message(400, "Problems parsing JSON: a query must be specified and must be a string")
            return await gate.response(request, refusal or bad, budget, Trouble())
        cost, refused = self._cost(call)
        trouble = gate.faults.meet("graphql", call.label, cost.largest)
        await gate.suffer(trouble)
        answer = refused or self._answer(token, call, cost, trouble, entry)
        return await gate.response(request, answer, gate.limits.budget(token, _RESOURCE), trouble)

    def _read(self, body: bytes) -> _Call | None:
        try:
            given = json.loads(body)
        except ValueError:
            return None
        if not isinstance(given, dict) or not isinstance(given.get("query"), str):
            return None
        variables = given.get("variables") or {}
        name = given.get("operationName")
        if not isinstance(variables, dict) or not isinstance(name, str | None):
            return None
        prepared = self._executor.prepare(given["query"])
        return _Call(prepared, prepared.operation(name), name, variables)

    def _cost(self, call: _Call) -> tuple[Cost, Answer | None]:
        if call.operation is None:
            return Cost(), None
        try:
            return self._executor.cost(call.prepared, call.operation, call.variables), None
        except RefusedQueryError as error:
            return Cost(), answers.refused_query(error.type, str(error), error.path)

    def _answer(self, token: str, call: _Call, cost: Cost, trouble: Trouble, entry: Entry) -> Answer:
        gate = self._gate
        rule = trouble.rule
        if rule is not None and not trouble.is_a("partial", "partial_commits", "malformed", "too_slow"):
            return answers.of_rule(rule, call.keys, gate.limits.budget(token, _RESOURCE))
        if not gate.limits.take(token, _RESOURCE, cost.points):
            return answers.exhausted(gate.limits.budget(token, _RESOURCE))
        gate.journal.charge("graphql", entry, cost.points)
        budget = gate.limits.budget(token, _RESOURCE)
        if rule is not None and rule.action == "too_slow":
            return answers.of_rule(rule, call.keys, budget)
        body = self._executor.run(call.prepared, call.name, call.variables, _rate_limit(cost, budget))
        if rule is not None and rule.action == "partial":
            return Answer(200, answers.cut(body, rule.keep))
        if rule is not None and rule.action == "partial_commits":
            return Answer(200, answers.cut_histories(body, rule.keep))
        entry.answered += rule is None
        return Answer(200, body)


def _rate_limit(cost: Cost, budget: Budget) -> dict[str, object]:
    return {
        "cost": cost.points,
        "nodeCount": cost.nodes,
        "limit": budget.limit,
        "used": budget.used,
        "remaining": budget.remaining,
        "resetAt": utc_text(datetime.fromtimestamp(budget.reset, UTC)),
    }
