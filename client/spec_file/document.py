"""A YAML text as plain values, with the place of every one of them.

PyYAML's loader forgets lines, lets the last of two equal keys win and follows aliases without a limit; so the values
are made here from its nodes.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

import yaml
from yaml.constructor import SafeConstructor

from client.spec_file.mistakes import Mistake, Path, SpecMistakes, dotted, shown

_MAX_DEPTH = 20
_MAX_VALUES = 10_000
_TAG = "tag:yaml.org,2002:"
_AS_WRITTEN = ("str", "timestamp", "value", "merge")
"""Kinds whose text is taken as it stands: the spec's model decides what is a day."""

_TEMPLATE_NEEDS_QUOTES = 'a value that begins with {{ must stand in quotes: "{{ … }}"'
_UNQUOTED_TEMPLATE = re.compile(r":\s+\{\{")
_CLOCK_TIME = re.compile(r"([0-9]{1,2}):([0-5][0-9])")
_SCALARS = {
    "null": SafeConstructor().construct_yaml_null,
    "bool": SafeConstructor().construct_yaml_bool,
    "int": SafeConstructor().construct_yaml_int,
    "float": SafeConstructor().construct_yaml_float,
}


class Place(NamedTuple):
    """Where a value was written, and how."""

    source: str
    line: int | None
    """Of the value's field name, from 1; None for a value given on the command line."""
    plain: str | None = None
    """What was written, if it was a single value without quotes: YAML guesses the kind of such a value."""
    text_from: int | None = None
    """The line on which the text begins, where its lines are the source's lines."""


@dataclass
class Document:
    """A spec before validation. `values` is what YAML makes of the text: dicts, lists, text, numbers, truth values."""

    values: object = None
    places: dict[Path, Place] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def place(self, path: Path) -> Place:
        """The place of a value, or of the nearest thing it would belong to."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places[path]

    def add(self, path: Path, message: str) -> None:
        """Write down a mistake at a value's place, unless one there already speaks for it."""
        place, name = self.place(path), dotted(path)
        if not any(mistake.covers(name) for mistake in self.mistakes if mistake.field):
            self.mistakes.append(Mistake(place.source, place.line, name, message))


def parse(text: str, source: str, *, lines: bool = True) -> Document:
    """The document in `text`; raises SpecMistakes when it is no YAML at all. Without `lines`, places have none."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise SpecMistakes([_syntax_mistake(error, text, source, lines=lines)]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if lines else None
        raise SpecMistakes([Mistake(source, line, "", "there is a control character; take it out")]) from None
    except RecursionError:
        raise SpecMistakes([Mistake(source, None, "", "brackets are nested too deeply; take some out")]) from None
    reader = _NodeReader(source, lines=lines)
    if node is not None:
        reader.document.values = reader.read(node, (), None)
    else:
        reader.document.places[()] = Place(source, 1 if lines else None)
    return reader.document


def _syntax_mistake(error: yaml.MarkedYAMLError, text: str, source: str, *, lines: bool) -> Mistake:
    problem, context, mark = error.problem or "", error.context or "", error.problem_mark
    if mark and _UNQUOTED_TEMPLATE.search("".join(text.splitlines()[mark.line : mark.line + 1])):
        message = _TEMPLATE_NEEDS_QUOTES
    elif "end of stream" in problem or context.startswith("while parsing a flow"):
        mark = error.context_mark or mark
        message = "a quote or bracket is opened here and never closed; close it"
    elif "'\\t'" in problem:
        message = "a tab cannot indent in YAML; use spaces"
    elif problem.endswith("cannot start any token"):
        message = f'{problem.split()[2]} cannot begin a value; put the value in quotes: "…"'
    elif problem == "mapping values are not allowed here":
        message = 'a colon where none can be; put the value in quotes ("…") or fix the indentation'
    elif problem == "but found another document":
        message = "a second document begins here; a spec is one document, take the line --- out"
    elif problem.startswith("found undefined alias"):
        message = 'a value that begins with * refers to an anchor, which is missing; put text in quotes: "…"'
    else:
        message = "this cannot be read as YAML; fix the indentation, quotes or brackets here or just above"
    return Mistake(source, mark.line + 1 if mark and lines else None, "", message)


class _NodeReader:
    """Makes values of nodes, and writes down their places and what is wrong with them."""

    def __init__(self, source: str, *, lines: bool) -> None:
        self.document = Document()
        self._source = source
        self._lines = lines
        self._count = 0

    def read(self, node: yaml.Node, path: Path, key: yaml.Node | None) -> object:
        self._count += 1
        self.document.places[path] = self._place(node, key)
        if len(path) > _MAX_DEPTH or self._count > _MAX_VALUES:
            message = "aliases or brackets make this too deep or too large; write the values out"
            raise SpecMistakes([Mistake(self._source, self._line(node), "", message)])
        kind = node.tag.removeprefix(_TAG)
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return [self.read(item, (*path, index), None) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and (kind in _SCALARS or kind in _AS_WRITTEN):
            return self._scalar(node, kind, path)
        self.document.add(path, f"the tag {shown(node.tag.replace(_TAG, '!!'))} is not read here; take it out")
        return None

    def _line(self, node: yaml.Node) -> int | None:
        return node.start_mark.line + 1 if self._lines else None

    def _place(self, node: yaml.Node, key: yaml.Node | None) -> Place:
        line = self._line(key or node)
        if not isinstance(node, yaml.ScalarNode):
            return Place(self._source, line)
        start = self._line(node)
        return Place(
            self._source,
            line,
            plain=node.value if node.style is None else None,
            text_from=start + 1 if start is not None and node.style == "|" else None,
        )

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        values: dict[str, object] = {}
        first_lines: dict[str, int | None] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.document.add(path, f"a bracket stands where a field's name should be; {_TEMPLATE_NEEDS_QUOTES}")
                continue
            name = key.value
            if name in values:
                message = f"is given twice, first in line {first_lines[name]}; keep one of them"
                self.document.mistakes.append(Mistake(self._source, self._line(key), dotted((*path, name)), message))
                continue
            first_lines[name] = self._line(key)
            values[name] = self.read(value, (*path, name), key)
        return values

    def _scalar(self, node: yaml.ScalarNode, kind: str, path: Path) -> object:
        if node.style is None and (clock := _CLOCK_TIME.fullmatch(node.value)):
            # YAML 1.1 makes the number 600 of 10:00, yet PyYAML leaves 09:00 as text: here both are numbers, so that
            # no spec is right by chance.
            return int(clock[1]) * 60 + int(clock[2])
        if kind in _AS_WRITTEN:
            return node.value
        try:
            return _SCALARS[kind](node)
        except (ValueError, LookupError):
            self.document.add(path, f'{shown(node.value)} cannot be read; if it is text, write "{shown(node.value)}"')
            return None
