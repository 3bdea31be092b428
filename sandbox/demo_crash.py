"""`python -m sandbox.demo_crash`: kill -9 in the middle of sending, and what the ledger and the inbox say then.

The worker of the installed `outrider` is killed while it sends, `outrider up` starts another one, and what is in
doubt is looked up in the inbox by Message-ID. Then a script without a ledger is killed at the same point. Exit code
1: somebody was lost or written to twice by Outrider.
"""

import base64
import csv
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandbox.demo_stack import (
    INTERRUPTED,
    ask,
    break_inbox,
    held,
    history,
    ledger_of,
    line,
    outrider,
    own_world,
    parts,
    row,
    stack,
    workflow,
)

PEOPLE = 500
CONNECTIONS = 2
REPLY_SECONDS = 0.02
"""What the inbox waits before its reply: with so many connections about 100 mails leave in a second."""

KILL_AT = 173
RESTART_SECONDS = 1.0
CHECKPOINT_EVERY = 100
PATIENCE_SECONDS = 120.0
FOUND = "found in the inbox by Message-ID"
LOOK_SECONDS = 0.5
PLAIN_SCRIPT = Path(__file__).parents[1] / "benchmarks" / "plain_script.py"

SPEC = f"""\
version: 1
name: crash
owner: dana
audience: {{source: csv, file: people.csv}}
permission: {{basis: consent}}
sender:
  name: Dana Rivers
  organization: Example Labs
  postal_address: 1 Example Street, 12345 Example City, Exampleland
  reply_to: dana@example.com
sequence: [{{subject: Flakewatch 2.4, body: "Hello {{{{ lead.name }}}},\\n\\nthis is it.\\n"}}]
review: {{mode: none}}
sending:
  provider: smtp
  mailboxes: [{{name: relay, address: news@example.com, pace: none, connections: {CONNECTIONS}}}]
"""


def main() -> int:
    """Crash both; returns the exit code."""
    with suppress(KeyboardInterrupt), own_world("crash") as directory, stack(directory) as file:
        Path(directory, "crash.yaml").write_text(SPEC, encoding="utf-8")
        write_people(Path(directory, "people.csv"))
        slow = {"at": "reply", "action": "delay", "seconds": REPLY_SECONDS}
        break_inbox(parts(file), slow)
        kept = crash(directory, file)
        crash_plain_script(directory, parts(file))
        return 0 if kept else 1
    return INTERRUPTED


def write_people(path: Path) -> None:
    """The list: invented people on example domains."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("email", "name"))
        writer.writerows((f"robin{number}@example.com", f"Robin Example{number}") for number in range(1, PEOPLE + 1))


class Clock:
    """Prints what happens, each with its time since the start."""

    def __init__(self) -> None:
        """Begin now."""
        self._began = time.monotonic()

    def say(self, text: str, count: str = "") -> None:
        """Print a line; `count` is how many mails have arrived or are called sent."""
        minutes, seconds = divmod(time.monotonic() - self._began, 60)
        line(f"  {int(minutes):02}:{seconds:04.1f}  {count:<13}{text}")


def crash(directory: Path, file: Path) -> bool:
    """The campaign with the kill; returns whether nobody was lost and nobody written to twice."""
    name, where = f"campaign-crash-{secrets.token_hex(4)}", parts(file)
    worker = where["pids"]["worker"]
    rate = CONNECTIONS / REPLY_SECONDS
    row("campaign", f"{name} · {PEOPLE} mails at {rate:.0f}/s at most · worker pid {worker}")
    line()
    outrider(directory, "run", "crash.yaml", "--id", name, "--detach", "--json")
    clock = Clock()
    until(lambda: _accepted(where) >= KILL_AT)
    os.kill(worker, signal.SIGKILL)
    clock.say(f"kill -9 {worker}", f"{_accepted(where)} arrived")
    clock.say("no worker; Temporal holds the campaign, the ledger holds the mails")
    until(lambda: parts(file)["pids"].get("worker", worker) != worker)
    clock.say(f"worker pid {parts(file)['pids']['worker']} started", f"{_accepted(where)} arrived")
    until(lambda: bool(again(where, name)) or _accepted(where) >= PEOPLE)
    count = f"{_accepted(where)} arrived"
    for text in again(where, name):
        clock.say(text, count)
        count = ""
    while not (shown := _shown(directory, name))["in_doubt"] and _runs(where, name):
        time.sleep(LOOK_SECONDS)
    if doubtful := ", ".join(str(doubt["lead_number"]) for doubt in shown["in_doubt"]):
        clock.say(f"lead {doubtful}: handed over or not? nobody can know -> in doubt, not sent again")
    until(lambda: not _runs(where, name))
    shown = _shown(directory, name)
    clock.say(f"{shown['status']}, {len(shown['in_doubt'])} in doubt", f"{shown['messages']['sent']} sent")
    settle(directory, where, name, shown["in_doubt"], clock)
    return compare(ledger_of(directory, name), held(where))


def again(where: Mapping[str, Any], name: str) -> list[str]:
    """The windows that are being tried again now, as Temporal says it."""
    pending = workflow(where, name).get("pendingActivities", [])
    tried = {one["activityId"]: one["attempt"] for one in pending if one["attempt"] > 1 and "STARTED" in one["state"]}
    if not tried:
        return []
    found = []
    for event in history(where, name):
        scheduled = event.get("activityTaskScheduledEventAttributes", {})
        if scheduled.get("activityId") in tried and scheduled["activityType"]["name"] == "send_messages":
            window = json.loads(base64.b64decode(scheduled["input"]["payloads"][0]["data"]))
            attempt = tried[scheduled["activityId"]]
            found.append(f"window {window['first']}..{window['last']} taken up again (attempt {attempt})")
    return found


def settle(directory: Path, where: Mapping[str, Any], name: str, doubts: list[dict[str, Any]], clock: Clock) -> None:
    """Look up what is in doubt: what is there was sent. What is not may still be on its way: it stays in doubt."""
    arrived = 0
    for doubt in doubts:
        if ask(f"{where['inbox_url']}/api/messages", message_id=doubt["message_id"])["total"]:
            whose = ("--lead", str(doubt["lead_number"]), "--step", str(doubt["step"]))
            outrider(directory, "resolve", name, *whose, "--as", "sent", "--reason", FOUND, "--json")
            arrived += 1
    if doubts:
        came = f"{arrived} had arrived -> sent" if arrived else "none had arrived"
        stays = f"; {len(doubts) - arrived} left for a person to decide" if arrived < len(doubts) else ""
        sent = _shown(directory, name)["messages"]["sent"]
        clock.say(f"in doubt looked up by Message-ID in the inbox: {came}{stays}", f"{sent} sent")


def compare(ledger: list[dict[str, Any]], inbox: list[tuple[str, str]]) -> bool:
    """Print the ledger beside the inbox; returns whether nobody was lost and nobody written to twice."""
    sent = {(mail["message_id"], mail["recipient"]) for mail in ledger if mail["state"] == "sent"}
    doubtful = {(mail["message_id"], mail["recipient"]) for mail in ledger if mail["state"] == "in_doubt"}
    arrived = Counter(inbox)
    lost = len(sent - arrived.keys()) + PEOPLE - len(sent) - len(doubtful)
    unknown = len(arrived.keys() - sent - doubtful)
    twice = sum(times > 1 for times in Counter(recipient for _, recipient in inbox).values())
    line()
    line("             ledger   inbox by Message-ID")
    line(f"  sent       {len(sent):6}   {len(arrived.keys() & sent)}")
    if doubtful:
        line(f"  in doubt   {len(doubtful):6}   {len(arrived.keys() & doubtful)}")
    if unknown:
        line(f"  unknown         -   {unknown}")
    line(f"  lost       {lost:6}")
    line(f"  twice      {twice:6}")
    line()
    return not (lost or twice or unknown)


def crash_plain_script(directory: Path, where: Mapping[str, Any]) -> None:
    """The same list into the same inbox, by a script that remembers in a JSON file; it is killed and started again."""
    before = len(held(where))
    port = where["smtp_url"].rpartition(":")[2]
    command = [sys.executable, str(PLAIN_SCRIPT), "people.csv", "checkpoint.json", "--port", port]
    command += ["--connections", str(CONNECTIONS), "--every", str(CHECKPOINT_EVERY)]
    line("the same crash without a ledger (benchmarks/plain_script.py, same machine, now):")
    with subprocess.Popen(command, cwd=directory) as first:  # noqa: S603 our own script
        try:
            until(lambda: _accepted(where) - before >= KILL_AT or first.poll() is not None)
        finally:
            first.kill()
    arrived = _accepted(where) - before
    time.sleep(RESTART_SECONDS)
    subprocess.run(command, cwd=directory, check=True)  # noqa: S603 our own script
    times = Counter(recipient for _, recipient in held(where)[before:])
    twice, lost = sum(count > 1 for count in times.values()), PEOPLE - len(times)
    nobody = f", {lost} none" if lost else ""
    line(f"  {arrived} arrived, kill -9, restarted from its JSON checkpoint (written every {CHECKPOINT_EVERY} mails):")
    line(f"  {twice} people got the mail twice{nobody}")


def until(holds: Callable[[], bool]) -> None:
    """Wait until something in another process holds; raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENCE_SECONDS:.0f} s in vain")
        time.sleep(0.02)


def _accepted(where: Mapping[str, Any]) -> int:
    return int(ask(f"{where['inbox_url']}/api/counts")["accepted"])


def _runs(where: Mapping[str, Any], name: str) -> bool:
    return bool(workflow(where, name)["workflowExecutionInfo"]["status"] == "WORKFLOW_EXECUTION_STATUS_RUNNING")


def _shown(directory: Path, name: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(outrider(directory, "show", name, "--json"))
    return shown


if __name__ == "__main__":
    sys.exit(main())
