"""How GitHub words what goes wrong: status, headers and body of every refusal."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.github.faults import Rule
from sandbox.github.limits import Budget

_DOCS = "https://docs.example.com/rest"
_SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
_TOO_SLOW = "We couldn't respond to your request in time. Sorry about that. Please try resubmitting your request."
_DEFAULT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; `headers` come in addition to those of the budget, and win."""

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)

    def octets(self) -> bytes:
        """Return the body as it goes over the wire."""
        if self.body is None:
            return b""
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


def message(status: int, text: str) -> Answer:
    """Return an answer that consists of a message."""
    return Answer(status, {"message": text, "documentation_url": _DOCS, "status": str(status)})


def unauthorized() -> Answer:
    """Return what a missing or wrong token gets."""
    return message(401, "Bad credentials")


def secondary(wait: int, status: int = 403) -> Answer:
    """Return the secondary limit with its retry-after, in seconds."""
    return Answer(status, _secondary_body(status), {"retry-after": str(wait)})


def exhausted(budget: Budget) -> Answer:
    """Return what GraphQL says when the points of the hour are used up: HTTP 200 with an error."""
    return Answer(200, _exhausted_body(200), {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(budget.reset)})


def exhausted_rest(budget: Budget) -> Answer:
    """Return what REST says when the requests of the hour are used up."""
    return Answer(403, _exhausted_body(403), {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(budget.reset)})


def refused_query(type_: str, text: str, path: Sequence[str]) -> Answer:
    """Return what a query gets that breaks a limit of GraphQL."""
    return Answer(200, {"errors": [{"type": type_, "path": list(path), "message": text}]})


def of_rule(rule: Rule, keys: Sequence[str], budget: Budget) -> Answer:
    """Return the answer of a fault; `keys` are the response keys of a GraphQL call, empty for REST."""
    wordings: dict[str, Callable[[], Answer]] = {
        "too_slow": lambda: _too_slow(rule.code),
        "forbidden": _forbidden,
        "unauthorized": unauthorized,
        "not_found": lambda: _not_found(keys),
        "primary_limit": lambda: _primary(rule, budget),
        "secondary_text": lambda: Answer(rule.code, _secondary_body(rule.code)),
        "secondary_limit": lambda: secondary(math.ceil(rule.seconds or _DEFAULT_SECONDS), rule.code),
        "redirect": lambda: _moved(rule),
    }
    return wordings.get(rule.action, lambda: message(rule.code, rule.text or "Fault on demand"))()


def cut(body: Mapping[str, Any], keep: int | None) -> dict[str, Any]:
    """Return an answer with only the first entries of its list, and one resource-limit error for each of the others."""
    path, places = _places(body.get("data") or {})
    kept = len(places) // 2 if keep is None else keep
    errors = []
    for number, (holder, key) in enumerate(places[kept:], start=kept):
        if holder[key] is not None:
            holder[key] = None
            errors.append(_too_much([*path, key] if key == number or not path else [*path, number, key]))
    return {"data": body.get("data"), "errors": [*body.get("errors", []), *errors]}


def cut_histories(body: Mapping[str, Any], keep: int | None) -> dict[str, Any]:
    """Return an answer with only the first commits of every history, and one resource-limit error for each other."""
    errors = []
    for path, commits in _histories(body.get("data"), []):
        for number in range(len(commits) // 2 if keep is None else keep, len(commits)):
            commits[number] = None
            errors.append(_too_much([*path, number]))
    return {"data": body.get("data"), "errors": [*body.get("errors", []), *errors]}


def _histories(data: object, path: list[str | int]) -> Iterator[tuple[list[str | int], list[Any]]]:
    """Return the lists of commits in an answer, each with its path."""
    parts = enumerate(data) if isinstance(data, list) else data.items() if isinstance(data, dict) else ()
    for name, value in parts:
        if name == "history" and isinstance(value, dict) and isinstance(value.get("nodes"), list):
            yield [*path, name, "nodes"], value["nodes"]
        else:
            yield from _histories(value, [*path, name])


def _too_much(path: Sequence[str | int]) -> dict[str, object]:
    text = "Resource limits for this query exceeded."
    return {"type": "RESOURCE_LIMITS_EXCEEDED", "path": list(path), "message": text}


def _places(data: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, Any]]]:
    """Return where an answer's nodes are: the path to its list, and for each node what holds it under which key.

    The list is at the top, or the `nodes` or `edges` one level below; without one, it is the objects at the top.
    """
    for name, value in data.items():
        if isinstance(value, list):
            return [name], [(value, index) for index in range(len(value))]
        if isinstance(value, dict) and isinstance(value.get("nodes"), list):
            return [name, "nodes"], [(value["nodes"], index) for index in range(len(value["nodes"]))]
        if isinstance(value, dict) and isinstance(value.get("edges"), list):
            return [name, "edges"], [(edge, "node") for edge in value["edges"]]
    return [], [(data, name) for name, value in data.items() if isinstance(value, dict) and "remaining" not in value]


def _forbidden() -> Answer:
    answer = message(403, "Resource protected by organization SAML enforcement. You must grant your token access.")
    return Answer(answer.status, answer.body, {"x-github-sso": "required; url=https://sso.example.com/orgs/1"})


def _moved(rule: Rule) -> Answer:
    body = {"message": "Moved Permanently", "url": rule.location}
    return Answer(rule.code, body, {"location": rule.location or "/"})


def _primary(rule: Rule, budget: Budget) -> Answer:
    reset = int(time.time() + (rule.seconds or _DEFAULT_SECONDS))
    headers = {
        "x-ratelimit-remaining": "0",
        "x-ratelimit-used": str(budget.limit),
        "x-ratelimit-reset": str(reset),
    }
    return Answer(rule.code, _exhausted_body(rule.code), headers)


def _exhausted_body(status: int) -> dict[str, object]:
    if status == 200:  # noqa: PLR2004 - HTTP OK
        text = "API rate limit already exceeded for user ID 1."
        return {"errors": [{"type": "RATE_LIMIT", "code": "graphql_rate_limit", "message": text}]}
    text = "API rate limit exceeded for user ID 1."
    return {"message": text, "documentation_url": f"{_DOCS}/rate-limits"}


def _secondary_body(status: int) -> dict[str, object]:
    if status == 200:  # noqa: PLR2004 - HTTP OK
        return {"errors": [{"message": _SECONDARY}]}
    return {"message": _SECONDARY, "documentation_url": f"{_DOCS}/rate-limits#secondary"}


def _too_slow(status: int) -> Answer:
    body: dict[str, object] = {"data": None, "errors": [{"message": _TOO_SLOW}]}
    return Answer(status, body if status == 200 else {"message": _TOO_SLOW})  # noqa: PLR2004 - HTTP OK


def _not_found(keys: Sequence[str]) -> Answer:
    if not keys:
        return message(404, "Not Found")
    errors = [{"type": "NOT_FOUND", "path": [key], "message": "Could not resolve to a node."} for key in keys]
    return Answer(200, {"data": dict.fromkeys(keys), "errors": errors})
