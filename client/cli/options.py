"""Arguments and options that several commands share, so they are called the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

HIGHEST = 10_000_000
"""Of all numbers of leads and rows: a database takes no number as large as a person can write."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
CampaignId = Annotated[str, typer.Argument(metavar="ID", help="The campaign's id, as in `outrider list`.")]
Changes = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change a field of the spec; may be repeated.")
]
LeadsFile = Annotated[
    Path | None, typer.Option("--leads", metavar="FILE.csv", help="The people; wins over audience.file.")
]
LeadNumber = Annotated[int, typer.Option("--lead", min=1, max=HIGHEST, help="Whose draft, by number.")]
StepNumber = Annotated[int, typer.Option("--step", min=1, max=HIGHEST, help="Which of the person's mails.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides; left out, you.")]
