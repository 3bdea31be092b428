"""The Jinja2 environment of campaign texts: a sandbox in which nothing can reach out, run for long or grow large.

`language.py` says what a text may consist of; here is what its filters, tests, calls and operators do, each of them
counted (`work.py`). So one rendering takes some 50 ms and 1 MB at worst, whatever the text.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from jinja2 import (
    StrictUndefined,
    Template,
    TemplateError,
    TemplateSyntaxError,
    Undefined,
    nodes,
    pass_context,
    pass_eval_context,
)
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, markup_join, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment

from providers.writing.language import COUNTED, JOINED, LOOPED, check, counted
from providers.writing.work import begin, charge, handle, size, within

MAX_STEPS = 1_000
"""Length of a range."""
MAX_TEXT = 20_000
"""Characters of a rendered subject or body."""
MAX_HTML = 100_000
"""Characters of a rendered HTML part: what is larger, mail programs cut off."""
MAX_DIGITS = 15
"""Digits that a number can be rounded to."""

STRING_METHODS = frozenset(
    {"capitalize", "endswith", "lower", "lstrip", "rstrip", "split", "startswith", "strip", "title", "upper"}
)
FILTERS = frozenset(
    {"abs", "capitalize", "count", "d", "default", "e", "escape", "first", "float", "int", "join", "last", "length"}
    | {"list", "lower", "max", "min", "replace", "reverse", "round", "sort", "string", "striptags", "title"}
    | {"trim", "truncate", "unique", "upper", "urlencode", "wordcount"}
)
_REACHING_TESTS = frozenset({"callable", "filter", "sameas", "test"})
"""Tests about the template engine, not about a text."""

_Call = Callable[..., object]


class TooLong(Exception):
    """A text grew past its limit while it was rendered."""


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(
            undefined=StrictUndefined,
            autoescape=autoescape,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            finalize=_shown,
            optimized=False,  # a constant expression is counted like any other, so it must not be folded uncounted
        )
        self.globals = {"range": _bounded_range}
        self.filters |= {"join": _join, "replace": _replace, "round": _round}
        uncounted = self.overlay()
        self.filters = {name: _counted(uncounted.call_filter, name) for name in FILTERS}
        self.filters |= {JOINED: _concatenated, COUNTED: _passed_on, LOOPED: _loop}
        self.tests = {name: _counted(uncounted.call_test, name) for name in self.tests.keys() - _REACHING_TESTS}

    def getattr(self, obj: object, attribute: str) -> object:
        """Look columns up as columns: one called `items` or `get` must not find the method of dict."""
        if isinstance(obj, dict):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: object, argument: object) -> object:
        """Count it: `|sort(attribute="0.0.0")` looks up many."""
        charge(1)
        return super().getitem(obj, argument)

    def is_safe_callable(self, obj: object) -> bool:
        """Allow `range` and the methods of strings that cannot make them longer."""
        if obj is _bounded_range:
            return True
        return isinstance(getattr(obj, "__self__", None), str) and getattr(obj, "__name__", "") in STRING_METHODS

    def call(self, context: Context, obj: object, /, *args: object, **kwargs: object) -> object:
        """Call what may be called."""
        handle(getattr(obj, "__self__", "") if self.is_safe_callable(obj) and obj is not _bounded_range else "")
        handle(*args, *kwargs.values())
        return _made(super().call(context, obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Refuse to repeat or format strings and lists: `"x" * 10**9` is a number of characters, not a number."""
        handle(left, right)
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            within(len(left) + len(right))
        elif not (isinstance(left, int | float | Undefined) and isinstance(right, int | float | Undefined)):
            raise SecurityError(f"`{operator}` works on numbers only")
        return _made(super().call_binop(context, operator, left, right))


def _bounded_range(*bounds: int) -> range:
    """`range` of at most `MAX_STEPS` steps."""
    steps = range(*bounds)
    if len(steps) > MAX_STEPS:
        raise SecurityError(f"a range of more than {MAX_STEPS} steps is refused")
    return steps


def _counted(call: _Call, name: str) -> _Call:
    """The filter or test of this name, with what it is given and what it makes counted."""

    @pass_context  # which also keeps it from being called when the template is compiled
    def apply(context: Context, value: object, *args: object, **kwargs: object) -> object:
        handle(value, *args, *kwargs.values())
        return _made(call(name, value, args, kwargs, context=context, eval_ctx=context.eval_ctx))

    return apply


def _made(value: object) -> object:
    """The value, if it is not too large; what would be made item by item is made now."""
    made = list(value) if isinstance(value, Iterator) else value
    charge(size(made))
    return made


@pass_context
def _passed_on(_context: Context, value: object) -> object:
    handle(value)
    return value


@pass_context
def _concatenated(context: Context, *values: object) -> object:
    handle(*values)
    within(sum(map(size, values)))
    return _made((markup_join if context.eval_ctx.autoescape else str_join)(values))


@pass_context
def _loop(_context: Context, values: list[object], nodes_repeated: int) -> list[object]:
    handle(values)
    charge(len(values) * nodes_repeated)
    return values


@pass_eval_context
def _join(context: EvalContext, value: list[object], d: str = "", attribute: str | int | None = None) -> object:
    """Jinja's `join`, refused before it makes something too large."""
    within(size(value) + len(value) * size(d))
    return JINJA_FILTERS["join"](context, value, d, attribute)


@pass_eval_context
def _replace(context: EvalContext, s: object, old: object, new: object, count: int | None = None) -> object:
    """Jinja's `replace`, refused before it makes something too large."""
    text = str(s)
    within(len(text) + text.count(str(old)) * len(str(new)))
    return JINJA_FILTERS["replace"](context, s, old, new, count)


def _round(value: float, precision: int = 0, method: str = "common") -> object:
    """Jinja's `round`, which would take the power of ten of any precision."""
    if abs(precision) > MAX_DIGITS:
        raise SecurityError(f"`round` works on up to {MAX_DIGITS} digits")
    return JINJA_FILTERS["round"](value, precision, method)


def _shown(value: object) -> object:
    """What `{{ … }}` shows: texts and numbers. A list is shown by `|join`."""
    if isinstance(value, str | Undefined | None):
        return value
    if not isinstance(value, int | float):
        raise SecurityError("only texts and numbers can be shown")
    size(value)
    return value


TEXT = _Environment(autoescape=False)
HTML = _Environment(autoescape=True)


def parse(source: str) -> nodes.Template:
    """The syntax tree of a campaign text; raises TemplateSyntaxError, also for what campaign texts cannot use."""
    try:
        tree = TEXT.parse(source)
    except RecursionError:
        raise TemplateSyntaxError("too many expressions within each other", 1) from None
    except ValueError:
        raise TemplateSyntaxError("a number has too many digits", 1) from None
    check(tree)
    return tree


def compiled(source: str, *, html: bool) -> Template:
    """The template of a campaign text, compiled once; raises TemplateError."""
    template = _template_or_mistake(source, html=html)
    if isinstance(template, str):
        raise TemplateError(template)
    return template


@lru_cache(maxsize=64)
def _template_or_mistake(source: str, *, html: bool) -> Template | str:
    """The template, or what is wrong with it: finding that out for every lead costs more than all their mails."""
    environment = HTML if html else TEXT
    try:
        code = environment.compile(counted(parse(source)))
    except TemplateError as error:
        return error.message or "not a template"
    return Template.from_code(environment, code, environment.make_globals(None))


def render(template: Template, values: Mapping[str, object], limit: int) -> str:
    """The rendered text; raises TooLong as soon as it has more than `limit` characters, else what a template raises."""
    parts: list[str] = []
    length = 0
    begin()
    for part in template.generate(values):
        length += len(part)
        if length > limit:
            raise TooLong
        parts.append(part)
    return "".join(parts)
