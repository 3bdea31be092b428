"""`init`: a spec to start from, with a list of people or with a search for them."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from client.cli.screen import columns, labelled, plain
from client.spec_file import template_of_leads, template_of_new_search, template_of_new_spec
from domain.errors import InputError

_LEADS = "leads.csv"
_ELSEWHERE = "a list of its own needs a directory of its own: outrider init DIRECTORY/campaign.yaml"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(init)


def init(
    file: Path = typer.Argument(Path("campaign.yaml"), help="The spec to write; leads.csv is written beside it."),
    github: Annotated[
        bool, typer.Option("--github", help="A spec that searches GitHub for its people; no list is written.")
    ] = False,
) -> None:
    """Write a spec to start from.

    A commented spec and an example list of people; with --github a spec that searches for them, which goals in words
    are put into too. Nothing that exists is overwritten.
    """
    leads = None if github else file.with_name(_LEADS)
    for path, way_out in ((file, "name another file: outrider init FILE"), (leads, _ELSEWHERE)):
        if path and (path.exists() or path.is_symlink()):
            raise InputError(f"{path} exists already and was left as it is", hint=way_out)
    if not file.parent.is_dir():
        raise InputError(f"{file.parent} is no directory", hint="create it, or name a file elsewhere")
    if leads:
        _write(leads, template_of_leads())
    name = shlex.quote(plain(str(file)))
    _write(file, template_of_new_search(name) if github else template_of_new_spec(name))
    people = [(str(leads), "two people to replace by yours")] if leads else []
    _table("wrote", (str(file), "the spec, with a comment on every field"), *people)
    looked_for = "what would be searched; nobody is asked" if github else "what would happen; nothing is stored or sent"
    _table(
        "next",
        (f"outrider plan {name}", looked_for),
        ("outrider up", "the local parts, in another terminal"),
        (f"outrider run {name} --dry-run", "a rehearsal"),
    )


def _table(label: str, *rows: tuple[str, str]) -> None:
    for number, line in enumerate(columns(rows)):
        labelled(label if number == 0 else "", line)


def _write(path: Path, text: str) -> None:
    """Write a new file; one that appeared in between is not overwritten either."""
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
