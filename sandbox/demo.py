"""`python -m sandbox.demo`: a whole campaign on this machine, from a goal in words to delivered mail.

It uses the installed `outrider` command as a person would, and holds what that says against the local GitHub's own
table and against what the inbox got. Data is in a throw-away directory. With a terminal the stack stays up until
Ctrl-C; without one, or with CI set, it ends. Exit code 1: a sum does not hold.
"""

import base64
import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sandbox.demo_run import run
from sandbox.demo_stack import (
    INTERRUPTED,
    OUTRIDER,
    ask,
    break_inbox,
    end,
    held,
    history,
    interactive,
    ledger_of,
    line,
    outrider,
    own_world,
    parts,
    row,
    stack,
    workflow,
)
from sandbox.demo_sums import HARD_BOUNCE, addresses, expected_leads, rest_calls, sums_hold
from sandbox.demo_table import seconds, stage_table, windows_begun

GOAL = "Find 200 Python maintainers active in the last 90 days, topic testing"
POPULATION = ("--people", "600", "--repositories", "520", "--focus", "0.95")
"""So many that nearly 200 of them can be written to, and not more: then everybody is found, and can be checked."""

WANTED: dict[str, str | int] = {"language": "Python", "topic": "testing", "active_within_days": 90}
SUPPRESSED, REFUSED = 4, 2
NO_SUCH_USER = "550 5.1.1"

SPEC = """\
version: 1
name: demo
owner: dana
audience: {source: csv, exclude: {contacted_within_days: 0}}
permission:
  basis: legitimate_interest
  note: Invented people with invented addresses on example domains; their mail ends in an inbox on this machine.
sender:
  name: Dana Rivers
  organization: Example Labs
  postal_address: 1 Example Street, 12345 Example City, Exampleland
  reply_to: dana@example.com
offer: {product: Flakewatch, summary: finds the tests that fail at random, link: https://example.com/flakewatch}
sequence:
  - subject: Flaky tests in {{ repository.name }}?
    body: |
      Hello {{ lead.first_name or lead.login }},

      you committed to {{ repository.full_name }} in the last {{ audience.active_within_days }} days, so you probably
      know its flaky tests by name. {{ offer.product }} {{ offer.summary }}:

      {{ offer.link }}

      {{ sender.name }}
review: {mode: all}
sending:
  provider: smtp
  mailboxes: [{name: relay, address: dana@example.com, pace: none, connections: 20}]
"""


def main() -> int:
    """Run the demo; returns the exit code."""
    with suppress(KeyboardInterrupt), own_world("demo") as directory, local_github() as github:
        os.environ |= {"OUTRIDER_GITHUB_API_URL": github, "OUTRIDER_GITHUB_TOKEN": "local"}
        row("tools", tools())
        with stack(directory) as file:
            where = {**parts(file), "github_url": github}
            ports = (f"local GitHub {_port_of(github)}", f"inbox {_port_of(where['inbox_url'])}")
            listening = " · ".join([f"Temporal {where['temporal_address']}", *ports])
            row("stack", f"{listening} · worker pid {where['pids']['worker']}")
            row("", "everything is local: no request and no mail leaves this machine")
            code = campaign(directory, where)
            if interactive() and not code:
                row("", "Ctrl-C ends it and removes everything")
                with suppress(KeyboardInterrupt):
                    signal.pause()
            return code
    return INTERRUPTED


def tools() -> str:
    """What is used. Where the Temporal command must be built first, that says so itself, as it comes."""
    version = ""
    command = [sys.executable, "-m", "client.temporal_cli"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as obtained:  # noqa: S603 our own module
        for text in obtained.stdout or ():
            if found := re.search(r"temporal version (\S+)", text):
                version = found[1]
            else:
                line(text)
    if obtained.returncode:
        raise SystemExit(obtained.returncode)
    python = ".".join(map(str, sys.version_info[:3]))
    return f"temporal {version} · Python {python} in {Path(sys.prefix).name}"


@contextmanager
def local_github() -> Iterator[str]:
    """The GitHub of invented people until the block ends; yields its address."""
    command = [sys.executable, "-m", "sandbox.github", "--port", "0", *POPULATION]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, process_group=0)  # noqa: S603 our own module
    with process:
        try:
            if process.stdout is None or not (announced := process.stdout.readline()):
                raise SystemExit(process.wait() or 1)
            yield f"http://127.0.0.1:{json.loads(announced)['port']}"
        finally:
            end(process)


def campaign(directory: Path, where: Mapping[str, Any]) -> int:
    """Run the campaign and print the sums; returns the exit code."""
    Path(directory, "campaign.yaml").write_text(SPEC, encoding="utf-8")
    reachable = addresses(ask(f"{where['github_url']}/truth", **WANTED))
    # From both ends of the logins' order, so that they lie in different windows.
    suppressed, refused = reachable[:SUPPRESSED], reachable[-REFUSED:]
    outrider(directory, "suppress", "add", *suppressed, "--reason", "asked by phone", "--json")
    reply, enhanced = NO_SUCH_USER.split()
    no_such = {"at": "rcpt", "action": "reply", "code": int(reply), "enhanced": enhanced, "text": "No such user"}
    break_inbox(where, *({**no_such, "recipient": address} for address in refused))
    line()
    show_plan(directory)
    name = f"campaign-demo-{secrets.token_hex(4)}"
    whose = "in your place" if interactive() else "itself: there is no terminal"
    row("review", f"every draft waits for a person; the demo approves them {whose}")
    line()
    row("campaign", f"{name}   {where['temporal_ui']}/namespaces/default/workflows/{name}")
    line()
    if code := run(directory, name, GOAL):
        return code
    shown = json.loads(outrider(directory, "show", name, "--json"))
    truth = ask(f"{where['github_url']}/truth", **WANTED, as_of=shown["created_at"])
    events = history(where, name)
    for text in stage_table(shown, windows_begun(events), notes(shown)):
        line(text)
    requests = ask(f"{where['github_url']}/requests")
    graphql = f"{sum(requests['calls'].values()):,} calls, {sum(requests['points'].values()):,} GraphQL points"
    line()
    row("GitHub", f"{graphql}; by REST an estimated {rest_calls(truth):,} calls or more")
    took = seconds(shown["started_at"] or shown["created_at"], shown["finished_at"])
    line()
    line(f"{shown['status']} in {took:.1f} s" if took is not None else shown["status"])
    line()
    gone = shown["leads"].get("skipped:account_gone", 0)
    expected = expected_leads(truth, suppressed, refused, gone)
    recipients = set(addresses(truth)) - {*suppressed, *refused}
    holds = sums_hold(shown, ledger_of(directory, name), held(where), expected, recipients)
    line()
    private = look(directory, where, name, events, set(addresses(truth)))
    return 0 if holds and private else 1


def show_plan(directory: Path) -> None:
    """What `outrider plan` says of the goal and of the search: the product's own words."""
    label = ""
    for text in outrider(directory, "plan", GOAL, "--preview", "0").splitlines():
        head, said = text[:12].strip(), text[12:]
        label = head or label
        if label in ("goal", "plan"):
            row(head, said)


def notes(shown: Mapping[str, Any]) -> dict[str, str]:
    """What is worth knowing of each stage."""
    leads, discovery = shown["leads"], shown["stages"]["discovery"]
    left_out = {state.partition(":")[2]: count for state, count in leads.items() if state.startswith("skipped:")}
    suppressed = left_out.pop("suppressed", 0)
    return {
        "discovery": f"{discovery['found']:,} looked at: {discovery['skipped']:,} bots, organizations, unknown authors",
        "enrichment": ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in left_out.items()),
        "review": f"all {shown['stages']['review']['done']:,} approved by the demo",
        "sending": f"{leads.get(HARD_BOUNCE, 0):,} refused for good: {NO_SUCH_USER}, {suppressed:,} suppressed",
    }


def look(
    directory: Path, where: Mapping[str, Any], name: str, events: list[dict[str, Any]], people: Collection[str]
) -> bool:
    """Print where everything can be seen; returns whether the history is free of addresses."""
    size = int(workflow(where, name)["workflowExecutionInfo"]["historySizeBytes"])
    texts = "\n".join(_texts(events)).casefold()
    known = sum(address in texts for address in people)
    row("look", f"inbox    {where['inbox_url']}")
    row("", f"history  {len(events):,} events, {size / 1000:.0f} kB, {known or 'no'} address in it (the link above)")
    if interactive():
        row("", f"GitHub   {where['github_url']}")
        row("", f"report   OUTRIDER_HOME={directory / 'home'} {os.path.relpath(OUTRIDER)} report {name}")
    line()
    line("now break it:  make demo-crash     (the worker is killed with -9 in the middle of sending)")
    return not known


def _texts(value: object) -> Iterator[str]:
    """All texts in a history; payloads, which are in base64, also as what they hold."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value
        with suppress(ValueError):
            yield base64.b64decode(value, validate=True).decode()


def _port_of(url: str) -> str:
    return url.removeprefix("http://")


if __name__ == "__main__":
    sys.exit(main())
