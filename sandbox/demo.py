"""`python -m sandbox.demo`: a whole campaign on this machine, from a list of people to delivered mail.

It uses the installed `outrider` command as a person would, and compares what that says with what the inbox got. Data
is in a throw-away directory. With a terminal the stack stays up until Ctrl-C; without one, or with CI set, it ends.
"""

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

CAMPAIGN = "campaign-demo"
PEOPLE = 200
SUPPRESSED = "robin7@example.org"
LABEL_WIDTH = 12
STOP_SECONDS = 60.0

OUTRIDER = Path(sys.executable).with_name("outrider")

SPEC = """\
version: 1
name: demo
owner: dana
goal: Send the November release notes to everybody who subscribed to them
audience: {source: csv, file: people.csv, exclude: {contacted_within_days: 0}}
permission: {basis: consent, require_evidence: [consented_at]}
sender:
  name: Dana Rivers
  organization: Example Labs
  postal_address: 1 Example Street, 12345 Example City, Exampleland
  reply_to: dana@example.com
offer: {product: Flakewatch, summary: finds the tests that fail at random, link: https://example.com/flakewatch}
sequence:
  - subject: "{{ offer.product }} 2.4"
    body: |
      Hello {{ lead.first_name or "there" }},

      {{ offer.product }} {{ offer.summary }}, and version 2.4 does it in half the time:

      {{ offer.link }}

      {{ sender.name }}
review: {mode: none}
sending:
  provider: smtp
  mailboxes: [{name: relay, address: news@example.com, pace: none, connections: 20}]
"""

AWKWARD_ROWS = [
    ("robin.example.com", "Robin Noat", "2026-03-01"),
    ("ROBIN3@example.com", "Robin Twice", "2026-03-01"),
    ("noreply@example.com", "", "2026-03-01"),
    ("robin.undated@example.org", "Robin Undated", ""),
]
"""No address, a duplicate in other letters, one that nobody reads, and a person without evidence of consent."""


def main() -> int:
    """Run the demo; returns the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    interactive = sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("CI")
    with tempfile.TemporaryDirectory(prefix="outrider-demo-") as directory, suppress(KeyboardInterrupt):
        for name in [name for name in os.environ if name.startswith(("TEMPORAL_", "OUTRIDER_"))]:
            del os.environ[name]  # whatever a person has set up: nothing of the demo leaves this machine
        os.environ["OUTRIDER_HOME"] = str(Path(directory, "home"))
        with stack(Path(directory)) as where:
            code = campaign(Path(directory), where)
            if interactive and not code:
                row("", "Ctrl-C ends it and removes everything")
                signal.pause()
            return code
    return 0


def campaign(directory: Path, where: Mapping[str, Any]) -> int:
    """Run the campaign and print the sums; returns the exit code."""
    Path(directory, "demo.yaml").write_text(SPEC, encoding="utf-8")
    write_people(Path(directory, "people.csv"))
    outrider(directory, "suppress", "add", SUPPRESSED, "--reason", "asked by phone", "--json")
    row(
        "people",
        f"{PEOPLE} invented ones on example domains, one of them suppressed, and {len(AWKWARD_ROWS)} awkward rows",
    )
    row()
    run = [str(OUTRIDER), "run", "demo.yaml", "--id", CAMPAIGN]
    if code := subprocess.run(run, cwd=directory, check=False).returncode:  # noqa: S603 the installed command
        return code
    shown = json.loads(outrider(directory, "show", CAMPAIGN, "--json"))
    ledger = json.loads(outrider(directory, "export", CAMPAIGN, "--what", "ledger", "--format", "json"))
    held = httpx.get(f"{where['inbox_url']}/api/ledger", trust_env=False).raise_for_status().json()
    history = describe_history(where, CAMPAIGN)
    adds_up = compare(shown, ledger, [tuple(mail) for mail in held])
    row()
    row("look", f"inbox    {where['inbox_url']}")
    row("", f"history  {where['temporal_ui']}/namespaces/default/workflows/{CAMPAIGN}")
    if history:
        row("", f"         {history}")
    return 0 if adds_up else 1


def compare(shown: Mapping[str, Any], ledger: list[dict[str, Any]], held: list[tuple[str, str]]) -> bool:
    """Print both sums and what the inbox holds, by Message-ID and recipient; returns whether everything adds up."""
    sent = {(mail["message_id"], mail["recipient"]) for mail in ledger if mail["state"] == "sent"}
    twice = sum(count - 1 for count in Counter(message_id for message_id, _ in held).values())
    missing, unknown = len(sent - set(held)), len(set(held) - sent)
    people = sum(shown["leads"].values())
    mails = sum(shown["messages"].values())
    counts = shown["messages"]
    adds_up = not (missing or unknown or twice) and people == len(ledger) == mails and len(sent) == counts["sent"]
    row()
    row("inbox", f"{len(held)} mails, compared with the ledger by Message-ID and recipient:")
    known = f"{missing} missing · {twice} twice · {counts['in_doubt']} in doubt"
    row("", f"{len(sent)} sent = {len(held)} in the inbox · {known}")
    row("", "it adds up" if adds_up else "IT DOES NOT ADD UP")
    return adds_up


def write_people(path: Path) -> None:
    """The list: invented people on example domains, then the awkward rows."""
    domains = ("example.com", "example.org", "example.net")
    people = [
        (f"robin{number}@{domains[number % 3]}", f"Robin Example{number % 7 * 'x'}", f"2026-{number % 12 + 1:02}-15")
        for number in range(PEOPLE)
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("email", "name", "consented_at"))
        writer.writerows([*people, *AWKWARD_ROWS])


@contextmanager
def stack(directory: Path) -> Iterator[Mapping[str, Any]]:
    """`outrider up` until the block ends; yields its stack.json."""
    file = Path(directory, "home", "stack.json")
    log = Path(directory, "up.log")
    with log.open("w", encoding="utf-8") as output:
        up = subprocess.Popen(  # noqa: S603 the installed command
            [OUTRIDER, "up"], cwd=directory, stdout=output, stderr=output, stdin=subprocess.DEVNULL, process_group=0
        )
    try:
        row("stack", "starting Temporal, inbox, opt-out page and worker")
        while not file.exists():
            if up.poll() is not None:
                sys.stderr.write(log.read_text(encoding="utf-8"))
                raise SystemExit(up.returncode or 1)
            time.sleep(0.1)
        where = json.loads(file.read_text(encoding="utf-8"))
        ports = f"Temporal {where['temporal_address']} · inbox {where['inbox_url'].removeprefix('http://')}"
        row("", f"{ports} · worker pid {where['pids']['worker']}")
        row("", "everything is local: no mail leaves this machine")
        yield where
    finally:
        up.terminate()
        try:
            up.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            up.kill()
            up.wait()


def describe_history(where: Mapping[str, Any], workflow_id: str) -> str:
    """Events of the campaign's workflow, by the Web UI's own API; "" when it does not say."""
    address = f"{where['temporal_ui']}/api/v1/namespaces/default/workflows/{workflow_id}"
    try:
        found = httpx.get(address, trust_env=False).raise_for_status().json()["workflowExecutionInfo"]
    except (httpx.HTTPError, KeyError, ValueError):
        return ""
    return f"{found['historyLength']} events, {int(found['historySizeBytes']) / 1000:.0f} kB"


def outrider(directory: Path, *arguments: str) -> str:
    """What a command of ours prints; a failure ends the demo with the command's own words on stderr."""
    command = [str(OUTRIDER), *arguments]
    done = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 the installed command
    if done.returncode:
        raise SystemExit(done.returncode)
    return done.stdout


def row(label: str = "", text: str = "") -> None:
    """Print one line of the screen."""
    sys.stdout.write(f"{label:<{LABEL_WIDTH}}{text}".rstrip() + "\n")
    sys.stdout.flush()


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
