"""Mistakes in a spec: each is one line that says where, which field, what is wrong and the way out."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from domain.errors import InputError

Path = tuple[str | int, ...]
"""Where a value stands in a spec: field names, and places in lists from 0."""

_PLACE_IN_LIST = re.compile(r"[0-9]{1,9}")
_URL_LOGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@]+@", re.IGNORECASE)
_LOGIN_FIELD = re.compile(
    r"passw|passphrase|secret|token|api_?key|credential|private_?key|(smtp|imap)_?url", re.IGNORECASE
)


class Mistake(NamedTuple):
    """One mistake. `source` is a file or `--set`; `line` counts from 1, None = the whole source; `field` is dotted."""

    source: str
    line: int | None
    field: str
    message: str

    def __str__(self) -> str:
        """The mistake as one line."""
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        return ": ".join(part for part in (place, self.field, self.message) if part)

    def covers(self, field: str) -> bool:
        """Whether this mistake already speaks for `field`: for that field itself or something it belongs to."""
        return field == self.field or field.startswith(f"{self.field}.")


class SpecMistakes(InputError):
    """A spec that cannot be used. `mistakes` are in the order of their lines, the spec's own before other files'."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        """`mistakes` holds at least one."""
        ordered = list(dict.fromkeys(mistakes))
        sources = list(dict.fromkeys(mistake.source for mistake in ordered))
        self.mistakes = sorted(ordered, key=lambda one: (sources.index(one.source), one.line or 0))
        super().__init__("\n".join(map(str, self.mistakes)))


def undotted(name: str) -> Path:
    """The path that a person wrote, as in `sending.mailboxes.0.name`."""
    return tuple(int(part) if _PLACE_IN_LIST.fullmatch(part) else part for part in name.split("."))


def dotted(path: Path) -> str:
    """The path as a person writes it, here and after `--set`: `sending.mailboxes.0.name`."""
    return ".".join(map(shown, path))


def shown(value: object) -> str:
    """A value for a message: printable, on one line, at most 40 characters."""
    text = "".join(character if character.isprintable() else " " for character in str(value))
    return text if len(text) <= 40 else f"{text[:39]}…"  # noqa: PLR2004 as the docstring says


def is_login_field(name: str) -> bool:
    """Whether a field of that name would hold a password or key."""
    return _LOGIN_FIELD.search(name) is not None


def has_login(text: str) -> bool:
    """Whether a text holds an address with a login in it, such as `smtp://user:password@host`."""
    return _URL_LOGIN.search(text) is not None
