"""The script to copy from: start a campaign, follow it, print what came of it.

python -m client.start_campaign campaign.yaml [leads.csv]
"""

import sys
from pathlib import Path

from client.campaigns import CampaignClient
from client.exit import leave, run_entry_point
from client.settings import Settings
from client.specs import prepare
from domain.campaign import CampaignStatus
from domain.errors import InputError


def say(line: str) -> None:
    """Print a line at once, also into a file or a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def start_campaign(settings: Settings) -> None:
    """Carry the campaign of a spec, with its own people or those of a list, to its end."""
    if len(sys.argv) not in (2, 3):
        raise InputError(
            "a spec is needed, and a list of people where the spec names none",
            hint="python -m client.start_campaign campaign.yaml [leads.csv]",
        )
    prepared = prepare(sys.argv[1], Path(sys.argv[2]) if sys.argv[2:] else None)
    async with CampaignClient.open(settings) as client:
        started = await client.create(prepared.spec, prepared.new_leads(), prepared.rejected_rows())
        say(f"started {started.campaign_id}")
        said = ""
        async for progress in client.follow(started.campaign_id):
            waits = ", ".join(f"waiting for {one.reason}" for one in progress.waiting_for)
            line = " ".join(filter(None, (progress.status, progress.stage, f"{progress.messages.sent} sent", waits)))
            if line != said:
                say(line)
            said = line
        report = await client.result(started.campaign_id)
    for name, total, parts in report.sums:
        say(f"{name}: {total} = {' + '.join(f'{count} {state}' for state, count in parts.items()) or 0}")
    if report.status is not CampaignStatus.COMPLETED or not report.adds_up:
        leave(1)


if __name__ == "__main__":
    run_entry_point(start_campaign)
