"""Plain text as paragraphs: the line breaks of a file are not those of the mail."""

import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

WIDTH = 72

_KEPT = (" ", "\t", "- ", "* ", ">")
_WRAPPER = textwrap.TextWrapper(WIDTH, break_long_words=False, break_on_hyphens=False)


class Line(NamedTuple):
    """A line as its writer meant it. `kept` lines (lists, quotes, URLs, indented ones) are never joined or wrapped."""

    text: str
    kept: bool


def paragraphs(body: str) -> list[list[Line]]:
    """The paragraphs of a text: blank lines separate them, other line breaks become spaces except around kept lines."""
    found: list[list[Line]] = []
    rows = map(str.rstrip, body.replace("\r\n", "\n").split("\n"))
    for filled, paragraph in groupby(rows, bool):
        if filled:
            found.append(list(_lines(paragraph)))
    return found


def plain_text(body: list[list[Line]]) -> str:
    """The paragraphs as the text of a mail, wrapped at 72 columns, without a line break at the end."""
    return "\n\n".join(
        "\n".join(line.text if line.kept or len(line.text) <= WIDTH else _WRAPPER.fill(line.text) for line in paragraph)
        for paragraph in body
    )


def _lines(paragraph: Iterator[str]) -> Iterator[Line]:
    for kept, rows in groupby(paragraph, _is_kept):
        if kept:
            yield from (Line(row, kept=True) for row in rows)
        else:
            yield Line(" ".join(rows), kept=False)


def _is_kept(row: str) -> bool:
    return row.startswith(_KEPT) or (row.startswith(("http://", "https://")) and " " not in row)
