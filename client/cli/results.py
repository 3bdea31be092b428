"""`report` and `export`: what came of a campaign, to read and to take away."""

import asyncio
import csv
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from client.adapters import open_storage
from client.cli.options import AsJson, CampaignId
from client.cli.screen import as_json as json_value
from client.cli.screen import note, paragraph, print_document, write
from client.settings import Settings, load_settings
from domain.errors import InputError


class What(StrEnum):
    """Kinds of rows that can be exported."""

    LEADS = "leads"
    LEDGER = "ledger"
    DRAFTS = "drafts"
    ERRORS = "errors"
    EVENTS = "events"
    REPOSITORIES = "repositories"


_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters that make a spreadsheet run a cell instead of showing it."""


class Format(StrEnum):
    """Kinds of files that `export` writes."""

    CSV = "csv"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(report)
    app.command()(export)


def report(
    campaign_id: CampaignId,
    as_json: AsJson = False,
) -> None:
    """Print the report, as of now.

    Markdown, or JSON with --json. It can be had while the campaign still runs.
    """
    asyncio.run(_report(load_settings(), campaign_id, as_json=as_json))


def export(
    campaign_id: CampaignId,
    what: Annotated[What, typer.Option(help="Which rows.")],
    form: Format = typer.Option(Format.CSV, "--format", help="How they are written."),
    out: Path | None = typer.Option(None, metavar="FILE", help="Where to; left out, to stdout."),
) -> None:
    """Write a campaign's rows as CSV or JSON. A file is complete or not there."""
    if out is not None and out.is_dir():
        raise InputError(f"--out: {out} is a directory", hint=f"--out {out / f'{what}.{form}'}")
    if out is not None and not out.parent.is_dir():
        raise InputError(f"--out: {out.parent} is no directory", hint="create it, or name a file elsewhere")
    asyncio.run(_export(load_settings(), campaign_id, what, form, out))


async def _report(settings: Settings, campaign_id: str, *, as_json: bool) -> None:
    async with open_storage(settings) as storage:
        found = await storage.reports.read(campaign_id)
    if as_json:
        print_document(found)
    else:
        write(f"{paragraph(found.as_markdown())}\n")


async def _export(settings: Settings, campaign_id: str, what: str, form: Format, out: Path | None) -> None:
    async with open_storage(settings) as storage:
        await storage.campaigns.get(campaign_id)
        names = storage.exports.columns(what)
        async with aclosing(storage.exports.rows(campaign_id, what)) as rows:
            if out is None:
                await _write(sys.stdout, form, names, rows)
                return
            with _opened(out) as file:
                count = await _write(file, form, names, rows)
    note(f"{count:,} rows in {out}")


async def _write(file: TextIO, form: Format, names: list[str], rows: AsyncIterator[dict[str, Any]]) -> int:
    """Write rows as they come; returns how many."""
    count = 0
    if form is Format.CSV:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        async for row in rows:
            writer.writerow([_cell(row[name]) for name in names])
            count += 1
        return count
    file.write("[")
    async for row in rows:
        file.write(f"{',' if count else ''}\n{json.dumps(json_value(row), ensure_ascii=False)}")
        count += 1
    file.write("\n]\n" if count else "]\n")
    return count


def _cell(value: object) -> object:
    """A value for a spreadsheet: text that it would run gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Where `--out` leads, for writing: links are followed, and a device or pipe stays one."""
    target = path.resolve()
    try:
        if target.exists() and not target.is_file():
            with target.open("w", encoding="utf-8", newline="") as file:
                yield file
        else:
            with _replaced(target) as file:
                yield file
    except OSError as error:  # by the name that the person gave, not by the one of the file in between
        raise OSError(error.errno, error.strerror, str(path)) from None


@contextmanager
def _replaced(path: Path) -> Iterator[TextIO]:
    """A new file beside `path` that takes its place at the end. It holds people's data: only its owner may read it."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".export-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
