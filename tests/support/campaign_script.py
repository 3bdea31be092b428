"""A spec and a list in files, and `python -m client.start_campaign` as a process: a campaign's trace begins with it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from local_world import World

from domain.campaign import CampaignSpec
from domain.lead import NewLead

SPEC = "campaign.yaml"
LIST = "people.csv"


def write(directory: Path, spec: CampaignSpec, leads: Sequence[NewLead] = ()) -> None:
    """Both files."""
    given = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    (directory / SPEC).write_text(json.dumps(given), encoding="utf-8")  # JSON is YAML
    (directory / LIST).write_text("\n".join(["email,name", *(f"{one.email},{one.name}" for one in leads)]), "utf-8")


async def carried_by_script(world: World, directory: Path, spec: CampaignSpec, leads: Sequence[NewLead] = ()) -> str:
    """Write both files, run the script in `directory` until the campaign has ended; returns the campaign's id.

    With leads they are the list; without, the spec says where its people are.
    """
    write(directory, spec, leads)
    script = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "client.start_campaign", SPEC, *([LIST] if leads else [])),
        cwd=directory,
        env={**os.environ, **world.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await script.communicate()
    assert script.returncode == 0, output
    return output.decode().splitlines()[0].removeprefix("started ")
