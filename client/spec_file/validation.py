"""The model's verdict on a document, in the words of the person who wrote it."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from client.spec_file import not_yet
from client.spec_file.document import Document, Place
from client.spec_file.mistakes import Path, has_login, is_login_field, shown
from client.spec_file.reference import Field, fields, in_yaml
from domain.campaign import CampaignSpec


def validate(document: Document) -> CampaignSpec | None:
    """The spec, or None with the reasons added to the document's mistakes."""
    for path, text in _texts(document.values, ()):
        if has_login(text):
            document.add(path, f"holds an address with a login in it; take the login out and {_login_advice(document)}")
    if not isinstance(document.values, dict):
        what = "the file is empty" if document.values is None else "this is no group of fields"
        document.add((), f"{what}; a spec begins with version: 1 (outrider init writes one to start from)")
        return None
    _keep_first_entries(document)
    try:
        spec = CampaignSpec.model_validate(document.values)
    except ValidationError as refused:
        for error in refused.errors(include_url=False):
            if error["type"] == "too_short" and error["input"]:
                continue  # entries were there; what is wrong in them has a line of its own
            path = _path(error)
            document.add(path, _message(document, path, error))
        return None
    return None if document.mistakes else spec


def _path(error: Any) -> Path:  # noqa: ANN401 pydantic's ErrorDetails
    """Where the value stands in the document, which knows no kinds of audience between the audience and its fields."""
    path = tuple(part for part in error["loc"] if part != "[key]")
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return (*path, error["ctx"]["discriminator"].strip("'"))
    return path[:1] + path[2:] if path[:1] == ("audience",) else path


def _keep_first_entries(document: Document) -> None:
    """Say that further steps and mailboxes cannot be done, and nothing more about them."""
    for path, message in not_yet.SECOND_ENTRIES.items():
        entries: object = document.values
        for name in path:
            entries = entries.get(name) if isinstance(entries, dict) else None
        if isinstance(entries, list) and len(entries) > 1:
            document.add((*path, 1), message)
            del entries[1:]


def _texts(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


def _message(document: Document, path: Path, error: Any) -> str:  # noqa: ANN401 pydantic's ErrorDetails, with a ctx by type
    kind, given, name = error["type"], error["input"], _general(path)
    if kind == "union_tag_invalid":
        given = given[path[-1]]
    if kind in ("missing", "union_tag_not_found"):
        return _missing(name)
    if kind == "extra_forbidden":
        return _unknown(document, path)
    if given is None:
        return f"is empty; {_example(name)}"
    if isinstance(given, str) and (instead := not_yet.VALUES.get(name, {}).get(given)):
        return f'this version cannot do "{given}" yet; write {instead}'
    return _wrong_value(document.place(path), name, error, given)


def _wrong_value(place: Place, name: str, error: Any, given: object) -> str:  # noqa: ANN401 as above
    kind, context = error["type"], error.get("ctx", {})
    if place.plain is not None and _misread(kind, place.plain, given):
        return _read_otherwise(place, given)
    if kind == "value_error":
        return f"is no e-mail address: {context['reason']}" if "reason" in context else str(context["error"])
    if kind in ("literal_error", "enum", "union_tag_invalid"):
        return _no_choice(place, name, given)
    return _wrong_kind(kind, name, context) or f"{error['msg']}; {_example(name)}"


def _missing(name: str) -> str:
    if name == "sequence.body":
        return "is missing; write the text under body, or name a file with it: body_file: mail.txt.j2"
    return f"is missing; {_example(name)}"


def _unknown(document: Document, path: Path) -> str:
    name, word = _general(path), str(path[-1])
    if is_login_field(word):
        return f"passwords and keys do not belong in a spec; take it out and {_login_advice(document)}"
    if name in not_yet.FIELDS:
        return "this version cannot do that yet; take it out"
    source = _source(document)
    if other := next((field for field in fields() if _same(field, name) and not _has(field, source)), None):
        return f"belongs to source: {' or '.join(other.sources)}, and the source is {source}; take it out"
    parent = name.rpartition(".")[0]
    siblings = [field.word for field in fields() if field.parent == parent and _has(field, source)]
    if close := get_close_matches(word, siblings, n=1):
        return f"is no field; did you mean {close[0]}?"
    if elsewhere := [field.parent or "the top level" for field in fields() if field.word == word]:
        return f"is no field here; it belongs under {elsewhere[0]}"
    return f"is no field; the fields here are {', '.join(siblings)}"


def _source(document: Document) -> str:
    """Where the people come from, as far as the document says so."""
    match document.values:
        case {"audience": {"source": str(source)}}:
            return source
    return ""


def _same(field: Field, name: str) -> bool:
    return _general(tuple(field.path.split("."))) == name


def _has(field: Field, source: str) -> bool:
    """Whether a spec with that source can have the field."""
    return not field.sources or source in field.sources


def _misread(kind: str, plain: str, given: object) -> bool:
    """Whether YAML made a number or truth value of what was meant as text."""
    if not isinstance(given, bool | int | float):
        return False
    return kind == "string_type" or (kind == "value_error" and ":" in plain)


def _read_otherwise(place: Place, given: object) -> str:
    reading = str(given).lower() if isinstance(given, bool) else f"the number {given}"
    quoted = f'"{place.plain}"' if place.line is not None else f"'\"{place.plain}\"'"
    return f"{place.plain} without quotes is read by YAML as {reading}; write {quoted}"


def _no_choice(place: Place, name: str, given: object) -> str:
    choices = _known(name).choices
    written = place.plain if place.plain is not None else given
    if name == "version":
        return f"{shown(written)} is no version of the format; write version: 1, without quotes"
    close = get_close_matches(str(written), choices, n=1)
    return f'"{shown(written)}" is not known; ' + (f"did you mean {close[0]}?" if close else f"write {_or(choices)}")


def _wrong_kind(kind: str, name: str, context: dict[str, Any]) -> str | None:
    example = _example(name)
    messages = {
        "string_type": f"must be text; {example}",
        "bool_type": "must be true or false, without quotes",
        "float_type": f"must be a number without quotes; {example}",
        "finite_number": f"must be a number; {example}",
        "int_type": f"must be a whole number without quotes; {example}",
        "greater_than_equal": f"is too small; write {context.get('ge')} or more",
        "less_than_equal": f"is too large; write {context.get('le')} or less",
        "model_type": f"must be a group of fields; {example}",
        "model_attributes_type": f"must be a group of fields; {example}",
        "dict_type": f"must be a group of fields; {example}",
        "tuple_type": f"must be a list; {example}",
        "too_long": f"has too many entries; at most {context.get('max_length')}",
        "too_short": f"must not be empty; {example}",
        "string_too_short": f"must not be empty; {example}",
        "string_too_long": f"is too long; at most {context.get('max_length')} characters",
        "string_pattern_mismatch": "must be one line of text; take line breaks and control characters out",
    }
    return messages.get(kind)


def _example(name: str) -> str:
    """The way out for a field that needs a value: how it can be written."""
    known = _known(name)
    return f"for example {known.word}: {in_yaml(known.example)}"


def _known(name: str) -> Field:
    """The field of that name; an entry under a field of free names, such as a column's, counts as that field."""
    by_name = {_general(tuple(field.path.split("."))): field for field in fields()}
    while name not in by_name:
        name = name.rpartition(".")[0]
    return by_name[name]


def _or(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _general(path: Path | tuple[str, ...]) -> str:
    """The dotted name without places in lists."""
    return ".".join(str(part) for part in path if not re.fullmatch("[0-9]+", str(part)))


def _login_advice(document: Document) -> str:
    """Which variable takes a login: the first mailbox's, if the document names one."""
    match document.values:
        case {"sending": {"mailboxes": [{"name": str(name)}, *_]}} if name.isidentifier():
            name = name.upper()
        case _:
            name = "<NAME>"
    return f"set OUTRIDER_MAILBOX_{name}_SMTP_URL in the environment"
