"""A CSV file of people as validated rows: what can be used, and every row that cannot, with its line and the reason."""

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, ConfigDict

from client.spec_file.text_file import TextFile, Unreadable, read_text_file
from domain.campaign import CsvAudience, PermissionBasis
from domain.campaign.values import is_time_zone
from domain.errors import InputError
from domain.lead import address_domain, normalise_address

MAX_BYTES = 200_000_000
MAX_CELL = 500
SHOWN_MISTAKES = 20

KNOWN_COLUMNS = ("email", "name", "company", "location", "timezone", "permission_basis")
"""Columns with a meaning of their own; any other is `lead.extra.<column>`."""

_DELIMITERS = ",;\t"
_NO_REPLY = frozenset({"noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "do_not_reply"})
_NO_REPLY_DOMAIN = "users.noreply.github.com"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that end a header line, or that make a line read other than it is stored (bidirectional controls)."""


class ImportedLead(BaseModel):
    """One person from a file. `line` is where the row begins, from 1; absent texts are ""."""

    model_config = ConfigDict(frozen=True)

    line: int
    email: str
    """As it will be written to: the domain in IDNA."""
    name: str = ""
    company: str = ""
    location: str = ""
    timezone: str = ""
    permission_basis: str = ""
    extra: dict[str, str] = {}


class RejectedRow(NamedTuple):
    """A row that cannot be used: `reason` is a snake_case word to count by, `detail` the sentence for a person."""

    line: int
    reason: str
    column: str
    detail: str

    def __str__(self) -> str:
        """The rejection as one line."""
        return ": ".join(part for part in (f"line {self.line}", self.column, self.detail) if part)


@dataclass(frozen=True)
class LeadFile:
    """What a file holds: each of its rows is in exactly one of `leads` and `rejected`."""

    leads: tuple[ImportedLead, ...]
    rejected: tuple[RejectedRow, ...]
    columns: tuple[str, ...]
    """Our names of the file's columns, in their order."""
    sha256: str
    """Of the file's bytes."""

    @property
    def extra_columns(self) -> tuple[str, ...]:
        """The names under `lead.extra`."""
        return tuple(name for name in self.columns if name not in KNOWN_COLUMNS)


class LeadFileMistakes(InputError):
    """A file of people that cannot be used. `lines` holds every mistake, the message at most `SHOWN_MISTAKES`."""

    def __init__(self, path: Path, lines: Sequence[str]) -> None:
        """`lines` are mistakes without the file's name, at least one."""
        self.lines = [f"{path}: {line}" for line in lines]
        more = len(lines) - SHOWN_MISTAKES
        rest = [f"{path}: and {more:,} more like these"] if more > 0 else []
        super().__init__("\n".join([*self.lines[:SHOWN_MISTAKES], *rest]))


class _Rejected(Exception):
    """This row cannot be used."""

    def __init__(self, reason: str, column: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.column = column
        self.detail = detail


def read_leads(path: Path, audience: CsvAudience) -> LeadFile:
    """Read a CSV file of people as `audience` says; raises LeadFileMistakes when the file as a whole cannot be used.

    The file is UTF-8, separated by commas, semicolons or tabs, with a header. Headers are compared without case; a
    column without a meaning of its own keeps its header in small letters, with _ for anything but letters and digits.
    """
    file = _read(path)
    rows = _rows(path, file.text)
    header = next(rows, None)
    if header is None:
        raise LeadFileMistakes(path, ["the file is empty; it needs a header with at least a column email"])
    columns = _columns(path, header.cells, audience)
    importer = _Importer(columns, audience)
    leads: list[ImportedLead] = []
    rejected: list[RejectedRow] = []
    for row in rows:
        try:
            leads.append(importer.lead(row))
        except _Rejected as why:
            rejected.append(RejectedRow(row.line, why.reason, why.column, why.detail))
    if not leads and not rejected:
        raise LeadFileMistakes(path, ["there is a header and no row below it; add the people"])
    if rejected and audience.on_invalid == "fail":
        raise LeadFileMistakes(path, [str(row) for row in rejected])
    return LeadFile(tuple(leads), tuple(rejected), columns, file.sha256)


def column_name(header: str) -> str:
    """A header as the name of a column: small letters, digits and _."""
    plain = unicodedata.normalize("NFKD", header.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def shown(cell: str) -> str:
    """The beginning of a cell for a message: printable, on one line, at most 60 characters with its quotes."""
    text = "".join(character if character.isprintable() else " " for character in cell)
    return f'"{text}"' if len(text) <= 58 else f'"{text[:57]}…"'  # noqa: PLR2004 as the docstring says


def _read(path: Path) -> TextFile:
    try:
        return read_text_file(path, MAX_BYTES)
    except Unreadable as why:
        where = f"line {why.line}: " if why.line else ""
        hint = "; name one with audience.file or --leads" if why.missing else ""
        raise LeadFileMistakes(path, [f"{where}{why}{hint}"]) from None


class _Row(NamedTuple):
    """The cells of a row; None for one whose quotes do not pair up."""

    line: int
    cells: list[str] | None


def _rows(path: Path, text: str) -> Iterator[_Row]:
    """The rows that are not completely empty.

    A quote that is never closed takes the rows below it into its cell: the file is refused, for nobody knows them.
    """
    csv.field_size_limit(MAX_BYTES)  # a cell that is too long costs its row, not the file
    header = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if reader.line_num > line or "expected after" not in str(error):
                reason = "a quote is opened here and closed in the wrong place or never; fix the quotes of this row"
                raise LeadFileMistakes(path, [f"line {line}: {reason}"]) from None
            yield _Row(line, None)
            continue
        if cells:
            yield _Row(line, cells)


def _columns(path: Path, header: list[str] | None, audience: CsvAudience) -> tuple[str, ...]:
    """Our names of the columns, in the file's order; raises LeadFileMistakes."""
    if header is None:
        raise LeadFileMistakes(path, ["the quotes in the header do not pair up; fix them"])
    headers = [cell.strip() for cell in header]
    while headers and not headers[-1]:
        headers.pop()
    present = f"it has {', '.join(map(shown, headers))}"
    ours = {theirs.casefold(): name for name, theirs in audience.columns.items()}
    columns = [ours.get(theirs.casefold()) or column_name(theirs) for theirs in headers]
    mistakes = [
        f"audience.columns.{name}: there is no column {shown(theirs)}; {present}"
        for name, theirs in audience.columns.items()
        if name not in columns or theirs.casefold() not in map(str.casefold, headers)
    ]
    for number, (name, theirs) in enumerate(zip(columns, headers, strict=True), start=1):
        if len(theirs) > MAX_CELL:
            mistakes.append(f"column {number}: a header of {len(theirs):,} characters; at most {MAX_CELL}")
        elif not name:
            what = f"the header {shown(theirs)} has no letter from a to z" if theirs else "there is no header"
            mistakes.append(f"column {number}: {what}; name it, or map it: audience.columns: {{ours: theirs}}")
    for name, count in Counter(filter(None, columns)).items():
        if count > 1:
            twins = " and ".join(shown(theirs) for theirs, its in zip(headers, columns, strict=True) if its == name)
            mistakes.append(
                f"column {name}: {twins} would both be {name}; rename one, or map it under audience.columns"
            )
    if "email" not in columns and "email" not in audience.columns:
        mistakes.append(f"column email: there is none; {present}{_email_hint(headers)}")
    if mistakes:
        raise LeadFileMistakes(path, mistakes)
    return tuple(columns)


def _email_hint(headers: Sequence[str]) -> str:
    """How to say which of the headers is the address, if one looks like it."""
    likely = next((theirs for theirs in headers if "mail" in theirs.casefold()), None)
    return f"; if it is another one, write audience.columns: {{email: {shown(likely)}}}" if likely else ""


class _Importer:
    """Makes leads of rows, or says why a row cannot be one. Remembers the addresses it has seen."""

    def __init__(self, columns: tuple[str, ...], audience: CsvAudience) -> None:
        self._columns = columns
        self._excluded = frozenset(address_domain(f"anybody@{domain}") for domain in audience.exclude.domains)
        self._lines: dict[str, int] = {}

    def lead(self, row: _Row) -> ImportedLead:
        """The lead of a row; raises _Rejected."""
        if row.cells is None:
            raise _Rejected("malformed_quotes", "", "something follows a closing quote; double a quote that is text")
        if any(cell.strip() for cell in row.cells[len(self._columns) :]):
            raise _Rejected("too_many_cells", "", f"{len(row.cells)} cells under {len(self._columns)} headers")
        cells = [*row.cells, *[""] * (len(self._columns) - len(row.cells))]
        values = {name: _clean(name, cell) for name, cell in zip(self._columns, cells, strict=False)}
        known = {name: values.pop(name, "") for name in KNOWN_COLUMNS}
        known["permission_basis"] = known["permission_basis"].lower()
        _check_choices(known)
        known["email"] = self._address(known["email"], row.line)
        return ImportedLead(line=row.line, extra=values, **known)

    def _address(self, cell: str, line: int) -> str:
        """The address as it will be written to; raises _Rejected."""
        if not cell:
            raise _Rejected("no_address", "email", "is empty")
        try:
            checked = validate_email(cell, check_deliverability=False, allow_smtputf8=False, strict=True)
        except EmailNotValidError as error:
            raise _Rejected("invalid_address", "email", f"{shown(cell)} is no address: {error}") from None
        address = f"{checked.local_part}@{checked.ascii_domain}"
        domain = address_domain(address)
        if checked.local_part.lower() in _NO_REPLY or _within(domain, {_NO_REPLY_DOMAIN}):
            raise _Rejected("no_reply_address", "email", f"{shown(cell)} is not read by anybody")
        if _within(domain, self._excluded):
            raise _Rejected("excluded_domain", "email", f"{shown(domain)} is excluded by audience.exclude.domains")
        first = self._lines.setdefault(normalise_address(address), line)
        if first != line:
            raise _Rejected("duplicate_address", "email", f"same address as line {first}")
        return address


def _clean(column: str, cell: str) -> str:
    """A cell without blanks around it; raises _Rejected. Only further columns may have several lines."""
    text = cell.strip()
    if len(text) > MAX_CELL:
        raise _Rejected("too_long", column, f"{len(text):,} characters; at most {MAX_CELL}")
    if column not in KNOWN_COLUMNS:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if found := _CONTROL.search(text if column in KNOWN_COLUMNS else re.sub(r"[\n\t]", " ", text)):
        what = "a line break" if found[0] in "\r\n" else f"the control character U+{ord(found[0]):04X}"
        raise _Rejected("control_character", column, f"{what} in {shown(text)}")
    return text


def _check_choices(known: Mapping[str, str]) -> None:
    if (zone := known["timezone"]) and not is_time_zone(zone):
        detail = f"{shown(zone)} is no IANA name of a time zone such as Europe/Berlin"
        raise _Rejected("invalid_timezone", "timezone", detail)
    if (basis := known["permission_basis"]) and basis not in set(PermissionBasis):
        detail = f"{shown(basis)} is none of {', '.join(PermissionBasis)}"
        raise _Rejected("invalid_permission_basis", "permission_basis", detail)


def _within(domain: str, domains: AbstractSet[str]) -> bool:
    """Whether a domain is one of `domains` or below one of them."""
    labels = domain.split(".")
    return any(".".join(labels[start:]) in domains for start in range(len(labels)))
