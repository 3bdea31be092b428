"""Mistakes in a campaign's texts, found without rendering them: before the first lead, not at lead 4,711."""

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

from jinja2 import TemplateError, TemplateSyntaxError, meta, nodes

from domain.campaign import CampaignSpec, TemplateMistake
from providers.writing.environment import FILTERS, MAX_HTML, MAX_TEXT, STRING_METHODS, TEXT, parse
from providers.writing.variables import GROUPS, campaign_values, searched

_NAMES = [f"{group}.{name}" for group, members in GROUPS.items() for name in members]

_ABSENT = dict.fromkeys(("repository", "audience"), "the people come from a file, nobody searched for them")
"""Why a group is not there, where it is not for want of a part of the spec."""


class _Found(NamedTuple):
    line: int
    message: str


class _Known(NamedTuple):
    """What a text may refer to."""

    absent: Collection[str]
    """Groups that templates know but this spec does not have."""
    columns: Collection[str] | None


def check_templates(spec: CampaignSpec, extra_columns: Collection[str] | None) -> list[TemplateMistake]:
    """What is wrong in the texts of the sequence; `extra_columns` are the file's further columns, None = not known."""
    of_lead = {"lead", "repository"} if searched(spec) else {"lead"}
    known = _Known(GROUPS.keys() - campaign_values(spec).keys() - of_lead, extra_columns)
    mistakes: list[TemplateMistake] = []
    for index, step in enumerate(spec.sequence):
        for name, source, limit in (
            ("subject", step.subject, MAX_TEXT),
            ("body", step.body, MAX_TEXT),
            ("html", step.html, MAX_HTML),
        ):
            for found in sorted(set(_mistakes(source or "", limit, known))):
                mistakes.append(TemplateMistake(f"sequence.{index}.{name}", found.line, found.message))  # noqa: PERF401 three levels in one expression are hard to read
    return mistakes


@lru_cache(maxsize=64)
def literal_text(source: str) -> str:
    """What a text says in its own words, outside of expressions; "" when it is no template."""
    try:
        return "".join(data.data for data in parse(source).find_all(nodes.TemplateData))
    except TemplateSyntaxError:
        return ""


def _mistakes(source: str, limit: int, known: _Known) -> Iterator[_Found]:
    try:
        tree = parse(source)
        yield from _unknown_functions(tree)
        yield from _unknown_names(tree, meta.find_undeclared_variables(tree))
    except TemplateError as error:  # a constant expression, such as `7[0]`, fails here already
        line = error.lineno if isinstance(error, TemplateSyntaxError) else 1
        yield _Found(line, _sentence(error.message or "not a template"))
        return
    yield from _calls(tree)
    yield from _wrong_paths(tree, known)
    if len(literal_text(source)) > limit:
        yield _Found(1, f"longer than {limit:,} characters")


def _unknown_functions(tree: nodes.Template) -> Iterator[_Found]:
    """Report filters and tests that do not exist, and put existing ones in their place so that the search can go on."""
    for kind, node_type, names, stand_in in (
        ("filter", nodes.Filter, FILTERS, "string"),
        ("test", nodes.Test, TEXT.tests, "defined"),
    ):
        for node in tree.find_all(node_type):
            if node.name not in names:
                yield _Found(node.lineno, f"there is no {kind} `{node.name}`{_meant(node.name, names)}")
                node.name = stand_in


def _unknown_names(tree: nodes.Template, undeclared: Collection[str]) -> Iterator[_Found]:
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and (name.name == "self" or name.name in undeclared - GROUPS.keys() - {"range"}):
            yield _Found(name.lineno, f"there is no variable `{name.name}`{_meant(name.name, GROUPS)}")
        if name.ctx != "load" and name.name in GROUPS:
            yield _Found(name.lineno, f"`{name.name}` has a meaning already and cannot be set")


def _calls(tree: nodes.Template) -> Iterator[_Found]:
    for call in tree.find_all(nodes.Call):
        called = call.node
        if isinstance(called, nodes.Name) and called.name == "range":
            continue
        if not (isinstance(called, nodes.Getattr) and called.attr in STRING_METHODS):
            yield _Found(call.lineno, "only `range` and the plain methods of texts can be called; use a filter")


def _wrong_paths(tree: nodes.Template, known: _Known) -> Iterator[_Found]:
    methods = {id(call.node) for call in tree.find_all(nodes.Call)}
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        path = _path(node)
        message = path and id(node) not in methods and _wrong(path, known)
        if message:
            yield _Found(node.lineno, message)
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            path = _path(node)
            if path == ("lead", "extra") or (len(path) == 1 and path[0] in GROUPS):
                name = ".".join(path)
                yield _Found(node.lineno, f"`{name}` is a group of variables; write `{name}.` and which one")


def _path(node: nodes.Node) -> tuple[str, ...]:
    """The names in `lead.extra.plan` or `lead["extra"].plan`; () for what is no chain of names from a group."""
    match node:
        case nodes.Name(name=name) if name in GROUPS:
            return (name,)
        case nodes.Getattr(node=owner, attr=name):
            path = _path(owner)
        case nodes.Getitem(node=owner, arg=nodes.Const(value=str(name))):
            path = _path(owner)
        case _:
            return ()
    return (*path, name) if path else ()


def _wrong(path: tuple[str, ...], known: _Known) -> str:
    """What is wrong with a chain of names; "" = nothing, or nothing that its own beginning has not been blamed for."""
    group, name, *rest = path
    full = ".".join(path)
    if not rest and group in known.absent:
        return f"`{full}` cannot be used: {_ABSENT.get(group, f'the spec has no `{group}`')}"
    if not rest and name not in GROUPS[group]:
        return f"there is no variable `{full}`{_meant(full, _NAMES)}"
    if (group, name) == ("lead", "extra"):
        column, *rest = rest or [""]
        if column and not rest and known.columns is not None and column not in known.columns:
            return f"there is no column `{column}`{_meant(full, [f'lead.extra.{name}' for name in known.columns])}"
    if len(rest) == 1 and name in GROUPS[group]:
        return f"`{full.rpartition('.')[0]}` is a text and has no `{rest[0]}`"
    return ""


def _meant(name: str, names: Collection[str]) -> str:
    close = get_close_matches(name, names, n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def _sentence(message: str) -> str:
    return message[:1].lower() + message[1:].rstrip(".")
