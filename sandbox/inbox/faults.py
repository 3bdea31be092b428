"""Faults on demand: what goes wrong, at which point of the SMTP dialogue, and how often."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

Point = Literal["connect", "mail", "rcpt", "data", "body", "reply", "any"]
"""Before the banner; before the answer to MAIL, RCPT, DATA; inside the body; after the final dot; before any reply."""

MAX_SECONDS = 300
"""Longest wait a rule may ask for."""

Action = Literal["reply", "drop", "delay", "refuse_connections", "freeze"]

_POSSIBLE: dict[str, frozenset[Action]] = {
    "connect": frozenset({"reply", "drop", "delay", "freeze", "refuse_connections"}),
    "mail": frozenset({"reply", "drop", "delay", "freeze"}),
    "rcpt": frozenset({"reply", "drop", "delay", "freeze"}),
    "data": frozenset({"reply", "drop", "delay", "freeze"}),
    "body": frozenset({"drop", "delay", "freeze"}),
    "reply": frozenset({"reply", "drop", "delay", "freeze"}),
    "any": frozenset({"delay"}),
}
_USED_BY: dict[str, frozenset[Action]] = {
    "code": frozenset({"reply"}),
    "enhanced": frozenset({"reply"}),
    "text": frozenset({"reply"}),
    "seconds": frozenset({"delay", "freeze", "refuse_connections"}),
    "first": frozenset({"reply", "drop", "delay", "freeze"}),
    "every": frozenset({"reply", "drop", "delay", "freeze"}),
    "recipient": frozenset({"reply", "drop", "delay", "freeze"}),
    "close_open": frozenset({"refuse_connections"}),
}
_RECIPIENT_KNOWN = frozenset({"rcpt", "data", "body", "reply"})


class Rule(BaseModel):
    """One fault. The relay meets `at` again and again; `first`, `every` and `recipient` say which times count.

    - `reply`: answer `code enhanced text`; the mail is not kept. A banner and a 421 also close the connection.
    - `drop`: close the connection without an answer. At `reply` the mail **is** kept: the ambiguous case.
    - `delay`: wait `seconds`, then go on. At `reply` the mail is kept before the wait.
    - `freeze`: say nothing for `seconds`, then close; without `seconds` until the client leaves or idles out.
      At `reply` the mail is kept.
    - `refuse_connections`: from the moment the rule is set, nobody listens on the port for `seconds`.
      Open connections go on, unless `close_open`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: Point
    action: Action
    code: Annotated[int, Field(ge=400, le=599)] | None = None
    enhanced: Annotated[str, Field(pattern=r"^[45]\.\d{1,3}\.\d{1,3}$")] | None = None
    text: Annotated[str, Field(pattern=r"^[\x20-\x7e]{1,400}$")] | None = None
    seconds: Annotated[float, Field(gt=0, le=MAX_SECONDS)] | None = None
    first: Annotated[int, Field(ge=1)] | None = None
    """Only on the first N occasions."""
    every: Annotated[int, Field(ge=1)] | None = None
    """Only on every Nth occasion."""
    recipient: str | None = None
    """Address or glob, in any case; other recipients are no occasion."""
    after_bytes: Annotated[int, Field(ge=0)] | None = None
    """At `body`: octets of the body to take in first, as they come over the wire; 0 if not given."""
    close_open: bool | None = None

    @model_validator(mode="after")
    def _fields_fit_together(self) -> Self:
        if self.action not in _POSSIBLE[self.at]:
            raise ValueError(f"action: {self.action} is not possible at {self.at}; use {_listed(_POSSIBLE[self.at])}")
        for name, actions in _USED_BY.items():
            if getattr(self, name) is not None and self.action not in actions:
                raise ValueError(f"{name}: has no meaning for {self.action}; leave it out")
        if self.recipient is not None and self.at not in _RECIPIENT_KNOWN:
            raise ValueError(f"recipient: not known yet at {self.at}; use it at {_listed(_RECIPIENT_KNOWN)}")
        if self.after_bytes is not None and self.at != "body":
            raise ValueError(f"after_bytes: has no meaning at {self.at}; use it at body")
        if self.action == "reply" and self.code is None:
            raise ValueError("code: missing; a reply needs a code from 400 to 599")
        if self.enhanced and not self.enhanced.startswith(str(self.code)[0]):
            raise ValueError(f"enhanced: {self.enhanced} contradicts the code {self.code}; begin both with one digit")
        if self.action in {"delay", "refuse_connections"} and self.seconds is None:
            raise ValueError(f"seconds: missing; say how long to {self.action.replace('_', ' ')}")
        return self

    @property
    def reply_line(self) -> str:
        """Return the reply as it goes over the wire, without the line end."""
        return " ".join(filter(None, [str(self.code), self.enhanced, self.text or "Fault on demand"]))

    def concerns(self, recipients: Sequence[str]) -> bool:
        """Tell whether this is an occasion: no recipient is asked for, or one of these is it."""
        if self.recipient is None:
            return True
        wanted = self.recipient.lower()
        return any(fnmatchcase(recipient.lower(), wanted) for recipient in recipients)


RULES = TypeAdapter(list[Rule])


@dataclass(slots=True)
class _ActiveRule:
    rule: Rule
    occasions: int = 0
    applied: int = 0

    def applies_now(self) -> bool:
        """Count one more occasion and tell whether the rule applies to it."""
        self.occasions += 1
        in_first = self.rule.first is None or self.occasions <= self.rule.first
        on_turn = self.rule.every is None or self.occasions % self.rule.every == 0
        self.applied += in_first and on_turn
        return in_first and on_turn


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happens on one occasion: a wait of `delay` seconds, then what `rule` says, if there is one."""

    delay: float = 0.0
    rule: Rule | None = None
    after_bytes: int = 0

    @property
    def refuses(self) -> bool:
        """Tell whether the client gets an error reply."""
        return self.rule is not None and self.rule.action == "reply"


NO_TROUBLE = Trouble()


class Faults:
    """The rules in force, in order. Delays add up; of all other rules that apply, the first one decides."""

    def __init__(self) -> None:
        """Begin without rules: every mail is taken."""
        self._active: dict[str, list[_ActiveRule]] = {}
        self._in_order: list[_ActiveRule] = []

    def replace(self, rules: Sequence[Rule]) -> None:
        """Put these rules in force instead of the ones before, with fresh counters."""
        self._in_order = [_ActiveRule(rule) for rule in rules]
        self._active = {}
        for active in self._in_order:
            if active.rule.action == "refuse_connections":
                active.occasions = active.applied = 1
            else:
                self._active.setdefault(active.rule.at, []).append(active)

    def meet(self, at: Point, recipients: Sequence[str] = ()) -> Trouble:
        """Count the occasion in every rule it concerns, and say what happens now."""
        if at not in self._active:
            return NO_TROUBLE
        concerned = [active for active in self._active[at] if active.rule.concerns(recipients)]
        applying = [active.rule for active in concerned if active.applies_now()]
        return Trouble(
            delay=sum(rule.seconds or 0.0 for rule in applying if rule.action == "delay"),
            rule=next((rule for rule in applying if rule.action != "delay"), None),
            after_bytes=max((rule.after_bytes or 0 for rule in applying), default=0),
        )

    def refusal_of_connections(self) -> tuple[float, bool] | None:
        """Return for how many seconds nobody shall listen and whether open connections end; None: not at all."""
        rules = [active.rule for active in self._in_order if active.rule.action == "refuse_connections"]
        if not rules:
            return None
        return max(rule.seconds or 0.0 for rule in rules), any(rule.close_open for rule in rules)

    def report(self) -> list[dict[str, object]]:
        """Return the rules as they were given, with their `occasions` and how often they `applied`."""
        return [
            {**active.rule.model_dump(exclude_none=True), "occasions": active.occasions, "applied": active.applied}
            for active in self._in_order
        ]


def _listed(names: frozenset[str] | frozenset[Action]) -> str:
    return ", ".join(sorted(names))
