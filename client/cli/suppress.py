"""`suppress`: the list of people and domains that nobody writes to, one for all campaigns."""

import asyncio
import csv
from collections.abc import Iterable
from pathlib import Path

import typer
from email_validator import EmailNotValidError, validate_email

from client.adapters import open_storage
from client.cli.options import AsJson
from client.cli.screen import columns, moment, plain, print_document, say
from client.lead_file import MAX_BYTES
from client.settings import Settings, load_settings
from client.spec_file.text_file import Unreadable, read_text_file
from domain.errors import InputError

commands = typer.Typer(help="The list of people and domains that nobody writes to.", rich_markup_mode=None)

_SHOWN_MISTAKES = 20


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(commands, name="suppress")


@commands.command()
def add(
    entries: list[str] = typer.Argument(metavar="ADDRESS|DOMAIN…", help="Addresses, or whole domains."),
    reason: str = typer.Option("by operator", help="Why; it is kept with the entry."),
    as_json: AsJson = False,
) -> None:
    """Put people or domains on the list.

    It holds from the next mail on, in all campaigns.
    """
    asyncio.run(_add(load_settings(), [_entry(one) for one in entries], reason, "command line", as_json=as_json))


@commands.command()
def remove(
    entry: str = typer.Argument(metavar="ADDRESS|DOMAIN", help="What to take off."),
    as_json: AsJson = False,
) -> None:
    """Take somebody off the list."""
    removed = asyncio.run(_remove(load_settings(), _entry(entry)))
    if as_json:
        print_document({"removed": removed})
    else:
        say("removed" if removed else "it was not on the list")


@commands.command()
def check(
    entry: str = typer.Argument(metavar="ADDRESS|DOMAIN", help="Whom to look for."),
    as_json: AsJson = False,
) -> None:
    """Say whether somebody is on the list.

    By the address itself or by its domain. The exit code is 0 either way.
    """
    asyncio.run(_check(load_settings(), _entry(entry), as_json=as_json))


@commands.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the entries, the newest first. Addresses themselves are not kept, only keyed hashes of them."""
    asyncio.run(_list(load_settings(), as_json=as_json))


@commands.command("import")
def import_(
    file: Path = typer.Argument(metavar="FILE", help="One address or domain per line, or a CSV with a column email."),
    reason: str = typer.Option("imported", help="Why; it is kept with the entries."),
    as_json: AsJson = False,
) -> None:
    """Put everybody in a file on the list.

    All of them, or nobody when a line is wrong.
    """
    asyncio.run(_add(load_settings(), _read(file), reason, file.name, as_json=as_json))


async def _add(settings: Settings, entries: list[str], reason: str, source: str, *, as_json: bool) -> None:
    async with open_storage(settings) as storage:
        added = await storage.suppressions.add(entries, reason, source)
    known = len(entries) - added
    if as_json:
        print_document({"added": added, "known": known})
    else:
        say(f"{added:,} added" + (f", {known:,} on the list already" if known else ""))


async def _remove(settings: Settings, entry: str) -> bool:
    async with open_storage(settings) as storage:
        return await storage.suppressions.remove(entry)


async def _check(settings: Settings, entry: str, *, as_json: bool) -> None:
    async with open_storage(settings) as storage:
        found = await storage.suppressions.check(entry)
    if as_json:
        print_document({"suppressed": bool(found), "entries": found})
        return
    if not found:
        say("not on the list")
    for one in found:
        by = "by its domain" if one.kind == "domain" and "@" in entry else f"as {one.kind}"
        say(f"suppressed {by}: {plain(one.reason)}, since {moment(one.since)}, from {plain(one.source)}")


async def _list(settings: Settings, *, as_json: bool) -> None:
    async with open_storage(settings) as storage:
        entries = await storage.suppressions.all()
    if as_json:
        print_document(entries)
    elif not entries:
        say("the list is empty")
    else:
        rows = [
            (one.identity[:12], one.kind, plain(one.reason), plain(one.source), moment(one.since)) for one in entries
        ]
        for line in columns([("hash", "kind", "reason", "source", "since"), *rows]):
            say(line)


def _entry(text: str) -> str:
    """An address or domain as it is written; raises InputError."""
    entry = text.strip()
    try:
        validate_email(
            entry if "@" in entry else f"anybody@{entry}",
            check_deliverability=False,
            test_environment=True,
        )
    except EmailNotValidError:
        raise InputError(
            f"{plain(text)[:60] or 'an empty text'} is no address and no domain", hint="kim@example.com or example.com"
        ) from None
    return entry


def _read(file: Path) -> list[str]:
    """The entries of a file; raises InputError with the numbers of all lines that are none."""
    try:
        text = read_text_file(file, MAX_BYTES).text
    except Unreadable as why:
        where = f"line {why.line}: " if why.line else ""
        raise InputError(f"{file}: {where}{why}") from None
    lines = text.splitlines()
    entries, mistakes = [], []
    for number, line in _cells(file, lines):
        try:
            entries.append(_entry(line))
        except InputError as mistake:
            mistakes.append(f"{file}: line {number}: {mistake.line}")
    if mistakes:
        more = [f"{file}: and {len(mistakes) - _SHOWN_MISTAKES:,} more like these"]
        raise InputError("\n".join(mistakes[:_SHOWN_MISTAKES] + more * (len(mistakes) > _SHOWN_MISTAKES)))
    if not entries:
        raise InputError(f"{file}: holds no address and no domain")
    return entries


def _cells(file: Path, lines: list[str]) -> Iterable[tuple[int, str]]:
    """The line number and text of every entry: the column `email` of a CSV, else whole lines."""
    is_csv = bool(lines) and (lines[0].strip().lower() == "email" or any(mark in lines[0] for mark in ",;\t"))
    if not is_csv:
        yield from ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
        return
    csv.field_size_limit(MAX_BYTES)  # only the addresses are looked at, however long the other cells are
    delimiter = max(",;\t", key=lines[0].count)
    rows = csv.reader(lines, delimiter=delimiter)
    header = [name.strip().lower() for name in next(rows)]
    if "email" not in header:
        raise InputError(f"{file}: there is no column email; it has {', '.join(map(plain, header))}")
    place = header.index("email")
    for row in rows:
        if any(cell.strip() for cell in row):
            yield rows.line_num, row[place] if place < len(row) else ""
