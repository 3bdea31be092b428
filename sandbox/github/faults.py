"""Faults on demand: what goes wrong, with which calls, and how often."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

MAX_SECONDS = 300
"""Longest delay a rule may ask for."""

Side = Literal["graphql", "rest"]

Action = Literal[
    "primary_limit",
    "secondary_limit",
    "secondary_text",
    "forbidden",
    "unauthorized",
    "too_slow",
    "partial",
    "partial_commits",
    "not_found",
    "redirect",
    "reply",
    "malformed",
    "drop",
    "delay",
]

_STATUSES: dict[str, tuple[int, ...]] = {
    "primary_limit": (403, 429, 200),
    "secondary_limit": (403, 429, 200),
    "secondary_text": (403, 429, 200),
    "too_slow": (502, 504, 200),
    "redirect": (301, 302, 307),
}
"""What `status` may be; the first one if it is not given."""

_USED_BY: dict[str, frozenset[Action]] = {
    "seconds": frozenset({"primary_limit", "secondary_limit", "delay"}),
    "keep": frozenset({"partial", "partial_commits"}),
    "location": frozenset({"redirect"}),
    "text": frozenset({"reply"}),
    "status": frozenset({"primary_limit", "secondary_limit", "secondary_text", "too_slow", "redirect", "reply"}),
}


class Rule(BaseModel):
    """One fault. `operation`, `more_than`, `first`, `every` and `share` say which calls it concerns.

    - `primary_limit`: nothing is left of the hour; x-ratelimit-reset is in `seconds` (60). HTTP 200 only for GraphQL.
    - `secondary_limit`: with retry-after, `seconds` (60). `secondary_text`: the words alone.
    - `forbidden`: 403 because of single sign-on. `unauthorized`: 401 Bad credentials.
    - `too_slow`: "We couldn't respond to your request in time"; the points are charged.
    - `partial`: the good answer, with all but the first `keep` (half) entries of its list null and an error for each.
    - `partial_commits`: the same one level deeper, with the commits of every history in the answer.
    - `not_found`: 404, or null and NOT_FOUND. `redirect`: to `location`.
    - `reply`: any other `status` with `text`: 400, 409, 422, 451, 500 …
    - `malformed`: the good answer, cut in the middle. `drop`: the connection ends without an answer.
    - `delay`: the answer comes `seconds` later.

    `malformed`, `partial` and `partial_commits` come after the work is done and charged; `drop` before.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Action
    at: Side = "graphql"
    operation: str | None = None
    """Glob for the operation's name, or for the path of a REST call; other calls are no occasion."""
    more_than: Annotated[int, Field(ge=0)] | None = None
    """Only calls that ask for larger pages, or for more ids."""
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    text: Annotated[str, Field(max_length=2_000)] | None = None
    location: Annotated[str, Field(pattern=r"^/[\x21-\x7e]*$")] | None = None
    seconds: Annotated[float, Field(gt=0, le=MAX_SECONDS)] | None = None
    keep: Annotated[int, Field(ge=0)] | None = None
    first: Annotated[int, Field(ge=1)] | None = None
    """Only on the first N occasions."""
    every: Annotated[int, Field(ge=1)] | None = None
    """Only on every Nth occasion."""
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    """Only on this share of occasions, at random."""
    seed: int = 1
    """What `share` draws from."""

    @model_validator(mode="after")
    def _fields_fit_together(self) -> Self:
        for name, actions in _USED_BY.items():
            if getattr(self, name) is not None and self.action not in actions:
                raise ValueError(f"{name}: has no meaning for {self.action}; leave it out")
        allowed = _STATUSES.get(self.action)
        if allowed and self.status is not None and self.status not in allowed:
            raise ValueError(f"status: {self.status} is no {self.action}; use one of {_listed(allowed)}")
        if self.at == "rest" and (self.status == 200 or self.action.startswith("partial")):  # noqa: PLR2004 - HTTP OK
            raise ValueError("at: only GraphQL answers errors with HTTP 200; leave `at` out")
        for name, needing in {"status": "reply", "location": "redirect", "seconds": "delay"}.items():
            if self.action == needing and getattr(self, name) is None:
                raise ValueError(f"{name}: missing; {needing} needs it")
        return self

    @property
    def code(self) -> int:
        """The HTTP status of the answer."""
        return self.status or _STATUSES.get(self.action, (200,))[0]


RULES = TypeAdapter(list[Rule])


@dataclass(slots=True)
class _ActiveRule:
    rule: Rule
    random: Random
    occasions: int = 0
    applied: int = 0

    def concerns(self, at: Side, operation: str, largest: int) -> bool:
        rule = self.rule
        return (
            rule.at == at
            and (rule.operation is None or fnmatchcase(operation, rule.operation))
            and (rule.more_than is None or largest > rule.more_than)
        )

    def applies_now(self) -> bool:
        """Count one more occasion and tell whether the rule applies to it."""
        self.occasions += 1
        in_first = self.rule.first is None or self.occasions <= self.rule.first
        on_turn = self.rule.every is None or self.occasions % self.rule.every == 0
        by_chance = self.rule.share is None or self.random.random() < self.rule.share
        self.applied += in_first and on_turn and by_chance
        return in_first and on_turn and by_chance


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happens to one call: a wait of `delay` seconds, then what `rule` says, if there is one."""

    delay: float = 0.0
    rule: Rule | None = None

    def is_a(self, *actions: Action) -> bool:
        """Tell whether the rule is one of these."""
        return self.rule is not None and self.rule.action in actions


NO_TROUBLE = Trouble()


class Faults:
    """The rules in force, in order. Delays add up; of all other rules that apply, the first one decides."""

    def __init__(self) -> None:
        """Begin without rules: every call is answered."""
        self._active: list[_ActiveRule] = []

    def replace(self, rules: Sequence[Rule]) -> None:
        """Put these rules in force instead of the ones before, with fresh counters."""
        self._active = [_ActiveRule(rule, Random(rule.seed)) for rule in rules]

    def meet(self, at: Side, operation: str, largest: int = 0) -> Trouble:
        """Count the call in every rule it concerns, and say what happens now."""
        if not self._active:
            return NO_TROUBLE
        concerned = [active for active in self._active if active.concerns(at, operation, largest)]
        applying = [active.rule for active in concerned if active.applies_now()]
        return Trouble(
            delay=sum(rule.seconds or 0.0 for rule in applying if rule.action == "delay"),
            rule=next((rule for rule in applying if rule.action != "delay"), None),
        )

    def report(self) -> list[dict[str, object]]:
        """Return the rules as they were given, with their `occasions` and how often they `applied`."""
        return [
            {**active.rule.model_dump(exclude_unset=True), "occasions": active.occasions, "applied": active.applied}
            for active in self._active
        ]


def _listed(statuses: tuple[int, ...]) -> str:
    return ", ".join(map(str, statuses))
