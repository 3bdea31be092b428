"""The spec's fields as editors and people read them: JSON schema and docs/reference/spec.md, both from the model."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from client.spec_file.example import template_of_new_spec
from domain.campaign import CampaignSpec
from domain.campaign.values import written

_NEEDS_QUOTES = re.compile(r"[,{\n]|:\s|^[0-9]+:")
_INTRODUCTION = """\
<!-- Made by client.spec_file.reference_page from the model; tests/client/test_spec_file.py compares. -->

# The spec

A campaign is one YAML file. A field that is not known is an error, never ignored; what this version cannot do is no
field. Every mistake is one line with its place: `campaign.yaml:12: sending.window.from: …`.

`--set path=value` changes a field for one run, with the value in YAML: `--set sending.mailboxes.0.connections=20`.
It cannot turn `dry_run` off. Passwords and keys are refused: the login of a mailbox is read from
`OUTRIDER_MAILBOX_<NAME>_SMTP_URL`, else from `OUTRIDER_SMTP_URL`.

Texts are Jinja2 templates. The lead's data are under `lead`; any column of the CSV file without a meaning of its own is
`lead.extra.<column>`, with the header in small letters and `_` for everything else. Of people found on GitHub there are
`lead.login`, `repository` and `audience` too. `outrider plan FILE --variables` lists them all.
"""


@dataclass(frozen=True)
class Field:
    """One field of the spec. `path` is dotted, with 0 for the first place in a list.

    `sources` are the audiences that have it; () = it does not depend on where the people come from.
    """

    path: str
    kind: str
    required: bool
    default: object
    description: str
    example: object
    choices: list[str]
    sources: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """The field's own name."""
        return self.path.rpartition(".")[2]

    @property
    def parent(self) -> str:
        """The dotted name of what it belongs to, without places in lists; "" at the top."""
        return ".".join(part for part in self.path.split(".")[:-1] if part != "0")


class _SpecSchema(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401 the overridden method's signature
        """Defaults as a spec has them: 15m, not PT15M."""
        return written(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def default_schema(self, schema: Any) -> dict[str, Any]:  # noqa: ANN401 as above
        """A share is a number for us and text in a spec: 5%."""
        made = super().default_schema(schema)
        if made.get("type") == "string" and isinstance(default := made.get("default"), float):
            made["default"] = f"{default:g}%"
        return made

    def sort(self, value: Any, parent_key: str | None = None) -> Any:  # noqa: ANN401, ARG002 as above
        """Keeps the model's order: people read the examples."""
        return value


def json_schema() -> dict[str, Any]:
    """The JSON schema of a spec file, for editors."""
    schema = CampaignSpec.model_json_schema(schema_generator=_SpecSchema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


@cache
def fields() -> tuple[Field, ...]:
    """Every field of the spec, groups before what belongs to them."""
    schema = json_schema()
    return tuple(_fields(schema, schema["$defs"], ""))


def reference_page() -> str:
    """The reference page in Markdown."""
    parts = [_INTRODUCTION]
    for group in dict.fromkeys(field.path.rpartition(".")[0] for field in fields()):
        members = [field for field in fields() if field.path.rpartition(".")[0] == group]
        parts.append(f"## {f'`{group}`' if group else 'Top level'}\n")
        parts.append("| Field | Value | Left out | What it is |\n|---|---|---|---|")
        parts.append("".join(f"{_row(field)}\n" for field in members))
    parts.append(f"## A whole spec\n\nAs `outrider init` writes it:\n\n```yaml\n{template_of_new_spec()}```\n")
    return "\n".join(parts)


def in_yaml(value: object) -> str:
    """A value as one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {in_yaml(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(in_yaml, value)) + "]"
    if isinstance(value, str) and _NEEDS_QUOTES.search(value):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fields(schema: dict[str, Any], definitions: dict[str, Any], prefix: str) -> Iterator[Field]:
    nested: list[tuple[dict[str, Any], str]] = []
    for name, declared in schema["properties"].items():
        path = f"{prefix}{name}"
        if "discriminator" in declared:
            yield from _alternatives(declared, definitions, path)
            continue
        inner = _resolved(declared, definitions)
        choices = [str(choice) for choice in inner.get("enum", [inner["const"]] if "const" in inner else [])]
        yield Field(
            path=path,
            kind=_kind(inner, choices),
            required=name in schema.get("required", []),
            default=declared.get("default"),
            description=declared.get("description") or inner.get("description", ""),
            example=_example(declared, inner),
            choices=choices,
        )
        if "properties" in inner:
            nested.append((inner, f"{path}."))
        elif "$ref" in inner.get("items", {}):
            nested.append((_resolved(inner["items"], definitions), f"{path}.0."))
    for inner, path in nested:
        yield from _fields(inner, definitions, path)


def _alternatives(declared: dict[str, Any], definitions: dict[str, Any], path: str) -> Iterator[Field]:
    """A group that has other fields depending on one of them: each field once, with the values that have it."""
    tag, kinds = declared["discriminator"]["propertyName"], declared["discriminator"]["mapping"]
    found: dict[str, list[tuple[str, Field]]] = {}
    for kind, reference in kinds.items():
        for field in _fields(_resolved({"$ref": reference}, definitions), definitions, f"{path}."):
            found.setdefault(field.path, []).append((kind, field))
    yield Field(
        path,
        "group",
        required=True,
        default=None,
        description=declared["description"],
        example=declared["examples"][0],
        choices=[],
    )
    for name, members in found.items():
        first = members[0][1]
        if name == f"{path}.{tag}":
            choices = list(kinds)
            yield replace(first, kind=" or ".join(f"`{choice}`" for choice in choices), choices=choices)
        else:
            having = tuple(kind for kind, _ in members)
            yield replace(first, sources=() if len(having) == len(kinds) else having)


def _resolved(declared: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """What a declared field holds when it holds something: without `or null` and references."""
    inner = next((option for option in declared.get("anyOf", []) if option != {"type": "null"}), declared)
    return definitions[inner["$ref"].rpartition("/")[2]] if "$ref" in inner else inner


def _example(declared: dict[str, Any], inner: dict[str, Any]) -> object:
    """A value the field can have: its example, its default or only choice, or a group's required fields."""
    candidates = [*declared.get("examples", []), declared.get("default"), inner.get("const"), *inner.get("enum", [])]
    simple = next((candidate for candidate in candidates if candidate is not None), None)
    if simple is not None:
        return simple
    return {name: _example(inner["properties"][name], inner["properties"][name]) for name in inner.get("required", [])}


def _kind(inner: dict[str, Any], choices: list[str]) -> str:
    if choices:
        return " or ".join(f"`{choice}`" for choice in choices)
    if "properties" in inner:
        return "group"
    if inner["type"] in ("integer", "number"):
        return f"{inner['minimum']} to {inner['maximum']}"
    names = {"array": "list", "object": "names and texts", "boolean": "`true` or `false`", "string": "text"}
    formats = {"email": "e-mail address", "date": "day"}
    return formats.get(inner.get("format", ""), names[inner["type"]])


def _row(field: Field) -> str:
    simple = isinstance(field.example, str) and field.example.isprintable() and not field.choices
    such_as = f", such as `{in_yaml(field.example)}`" if simple else ""
    left_out = "required" if field.required else _default(field.default)
    group = next(one for one in fields() if one.path == field.parent) if field.sources else field
    told = field.sources != group.sources
    only = f"With {' or '.join(f'`source: {source}`' for source in field.sources)}. " if told else ""
    description = only + field.description.replace("|", "\\|")
    return f"| `{field.word}` | {field.kind}{such_as} | {left_out} | {description} |"


def _default(value: object) -> str:
    if isinstance(value, dict | list) or value is None:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
