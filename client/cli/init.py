"""`init`: a spec and a list of people to start from."""

from pathlib import Path

import typer

from client.cli.screen import columns, labelled
from client.spec_file import template_of_leads, template_of_new_spec
from domain.errors import InputError

_LEADS = "leads.csv"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(init)


def init(
    file: Path = typer.Argument(Path("campaign.yaml"), help="The spec to write; leads.csv is written beside it."),
) -> None:
    """Write a spec and a list to start from.

    A commented spec and an example list of people. Nothing that exists is overwritten.
    """
    leads = file.with_name(_LEADS)
    for path in (file, leads):
        if path.exists() or path.is_symlink():
            raise InputError(
                f"{path} exists already and was left as it is", hint="name another file: outrider init FILE"
            )
    if not file.parent.is_dir():
        raise InputError(f"{file.parent} is no directory", hint="create it, or name a file elsewhere")
    _write(leads, template_of_leads())
    _write(file, template_of_new_spec())
    _table(
        "wrote", (str(file), "the spec, with a comment on every field"), (str(leads), "two people to replace by yours")
    )
    _table(
        "next",
        (f"outrider plan {file}", "what would happen; nothing is stored or sent"),
        ("outrider up", "the local parts, in another terminal"),
        (f"outrider run {file} --dry-run", "a rehearsal"),
    )


def _table(label: str, *rows: tuple[str, str]) -> None:
    for number, line in enumerate(columns(rows)):
        labelled(label if number == 0 else "", line)


def _write(path: Path, text: str) -> None:
    """Write a new file; one that appeared in between is not overwritten either."""
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
