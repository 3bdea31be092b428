"""The language of campaign texts: which parts of Jinja a mail needs, and where what they do is counted.

Variables, conditions, one level of loops, operators, filters, tests, methods of texts. Nothing has a name that the
spec or a loop did not give it, so what a text makes cannot be made larger step by step.
"""

from collections.abc import Iterator
from typing import cast

from jinja2 import TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.visitor import NodeTransformer

from providers.writing.work import size

MAX_NODES = 2_000
"""Variables, operators, conditions and the pieces of text between them."""
MAX_DEPTH = 30
"""How deep they stand in each other."""

JOINED, COUNTED, LOOPED = "(joined)", "(counted)", "(looped over)"
"""The filters that `counted` puts in; a template cannot write such names."""

_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Assign: "set",
    nodes.AssignBlock: "set",
    nodes.Block: "block",
    nodes.CallBlock: "call",
    nodes.Dict: "{…}",
    nodes.Extends: "extends",
    nodes.FilterBlock: "filter",
    nodes.FromImport: "from",
    nodes.Import: "import",
    nodes.Include: "include",
    nodes.Macro: "macro",
    nodes.Pow: "**",
    nodes.ScopedEvalContextModifier: "autoescape",
    nodes.With: "with",
}
_USABLE = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Scope),
    *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Getattr, nodes.Getitem, nodes.Slice),
    *(nodes.Call, nodes.Filter, nodes.Test, nodes.Keyword),
    *(nodes.CondExpr, nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.Concat),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos),
)


def check(tree: nodes.Template) -> None:
    """Raise TemplateSyntaxError for what campaign texts cannot use."""
    for number, (node, depth) in enumerate(_walk(tree)):
        if number > MAX_NODES:
            raise TemplateSyntaxError(f"more than {MAX_NODES:,} variables, conditions and pieces of text", node.lineno)
        if depth > MAX_DEPTH:
            raise TemplateSyntaxError(f"more than {MAX_DEPTH} expressions within each other", node.lineno)
        if not isinstance(node, _USABLE):
            name = _REFUSED.get(type(node), type(node).__name__.lower())
            raise TemplateSyntaxError(f"`{name}` cannot be used in a campaign's texts", node.lineno)
        if isinstance(node, nodes.Const):
            _check_constant(node)
    for loop in tree.find_all(nodes.For):
        inner = next((node for part in (*loop.body, *loop.else_) for node in _loops(part)), None)
        if inner is not None or loop.recursive:
            line = inner.lineno if inner is not None else loop.lineno
            raise TemplateSyntaxError("a loop within a loop cannot be used in a campaign's texts", line)


def counted(tree: nodes.Template) -> nodes.Template:
    """The tree, with every operation whose cost depends on its values done by something that counts it."""
    _Counting().visit(tree)
    return tree


class _Counting(NodeTransformer):
    """Filters, tests, calls and arithmetic go through the environment; the rest Jinja compiles to plain Python."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 the name of the node
        self.generic_visit(node)
        first, *others = node.nodes
        return _filter(first, JOINED, *others)

    def visit_Operand(self, node: nodes.Operand) -> nodes.Node:  # noqa: N802 the name of the node
        self.generic_visit(node)
        node.expr = _filter(node.expr, COUNTED)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802 the name of the node
        self.generic_visit(node)
        node.expr = _filter(node.expr, COUNTED)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 the name of the node
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _filter(node.node, COUNTED)
        return node

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 the name of the node
        self.generic_visit(node)
        repeated = sum(1 for part in (*node.body, node.test) if part is not None for _ in _walk(part))
        node.iter = _filter(cast("nodes.Expr", node.iter), LOOPED, nodes.Const(repeated, lineno=node.lineno))
        return node


def _filter(value: nodes.Expr, name: str, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(value, name, list(arguments), [], None, None, lineno=value.lineno)


def _walk(node: nodes.Node) -> Iterator[tuple[nodes.Node, int]]:
    """The node and all below it, in their order, with their depth; a tree of any depth."""
    waiting = [(node, 0)]
    while waiting:
        found, depth = waiting.pop()
        yield found, depth
        waiting += [(child, depth + 1) for child in reversed(list(found.iter_child_nodes()))]


def _check_constant(node: nodes.Const) -> None:
    try:
        size(node.value)
    except SecurityError as error:
        raise TemplateSyntaxError(error.message or "too large", node.lineno) from None


def _loops(node: nodes.Node) -> list[nodes.For]:
    return [node] if isinstance(node, nodes.For) else list(node.find_all(nodes.For))
