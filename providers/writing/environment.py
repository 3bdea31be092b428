"""The Jinja2 environment of campaign texts: a sandbox in which nothing can reach out, run for long or grow large.

What a mail needs is small, so the language is cut down to it: variables, conditions, one level of loops, filters that
neither pad nor switch escaping off.
"""

from collections.abc import Mapping
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, Undefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_STEPS = 1_000
"""Length of a range."""
MAX_TEXT = 20_000
"""Characters of a rendered subject or body."""
MAX_HTML = 100_000
"""Characters of a rendered HTML part: what is larger, mail programs cut off."""

STRING_METHODS = frozenset(
    {"capitalize", "endswith", "lower", "lstrip", "rstrip", "split", "startswith", "strip", "title", "upper"}
)
FILTERS = frozenset(
    {"abs", "capitalize", "count", "d", "default", "e", "escape", "first", "float", "int", "join", "last", "length"}
    | {"list", "lower", "max", "min", "replace", "reverse", "round", "sort", "string", "striptags", "sum", "title"}
    | {"trim", "truncate", "unique", "upper", "urlencode", "wordcount"}
)

_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Block: "block",
    nodes.CallBlock: "call",
    nodes.Extends: "extends",
    nodes.FromImport: "from",
    nodes.Import: "import",
    nodes.Include: "include",
    nodes.Macro: "macro",
    nodes.Pow: "**",
    nodes.ScopedEvalContextModifier: "autoescape",
}


class TooLong(Exception):
    """A text grew past its limit while it was rendered."""


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "%"})

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(
            undefined=StrictUndefined, autoescape=autoescape, lstrip_blocks=True, keep_trailing_newline=True
        )
        self.globals = {"range": _bounded_range}
        self.filters = {name: filter_ for name, filter_ in self.filters.items() if name in FILTERS}

    def getattr(self, obj: object, attribute: str) -> object:
        """Look columns up as columns: one called `items` or `get` must not find the method of dict."""
        if isinstance(obj, dict):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def is_safe_callable(self, obj: object) -> bool:
        """Allow `range` and the methods of strings that cannot make them longer."""
        if obj is _bounded_range:
            return True
        return isinstance(getattr(obj, "__self__", None), str) and getattr(obj, "__name__", "") in STRING_METHODS

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Refuse to repeat or format strings and lists: `"x" * 10**9` is a number of characters, not a number."""
        if not (isinstance(left, int | float | Undefined) and isinstance(right, int | float | Undefined)):
            raise SecurityError(f"`{operator}` works on numbers only")
        return super().call_binop(context, operator, left, right)


def _bounded_range(*bounds: int) -> range:
    """`range` of at most `MAX_STEPS` steps."""
    steps = range(*bounds)
    if len(steps) > MAX_STEPS:
        raise SecurityError(f"a range of more than {MAX_STEPS} steps is refused")
    return steps


TEXT = _Environment(autoescape=False)
HTML = _Environment(autoescape=True)


def parse(source: str) -> nodes.Template:
    """The syntax tree of a campaign text; raises TemplateSyntaxError, also for what campaign texts cannot use."""
    tree = TEXT.parse(source)
    for node in tree.find_all(tuple(_REFUSED)):
        raise TemplateSyntaxError(f"`{_REFUSED[type(node)]}` cannot be used in a campaign's texts", node.lineno)
    for loop in tree.find_all(nodes.For):
        inner = next((node for part in (*loop.body, *loop.else_) for node in _loops(part)), None)
        if inner is not None or loop.recursive:
            line = inner.lineno if inner is not None else loop.lineno
            raise TemplateSyntaxError("a loop within a loop cannot be used in a campaign's texts", line)
    return tree


def _loops(node: nodes.Node) -> list[nodes.For]:
    return [node] if isinstance(node, nodes.For) else list(node.find_all(nodes.For))


@lru_cache(maxsize=64)
def compiled(source: str, *, html: bool) -> Template:
    """The template of a campaign text, compiled once; raises TemplateError."""
    environment = HTML if html else TEXT
    parse(source)
    return environment.from_string(source)


def render(template: Template, values: Mapping[str, object], limit: int) -> str:
    """The rendered text; raises TooLong as soon as it has more than `limit` characters, else what a template raises."""
    parts: list[str] = []
    size = 0
    for part in template.generate(values):
        size += len(part)
        if size > limit:
            raise TooLong
        parts.append(part)
    return "".join(parts)
