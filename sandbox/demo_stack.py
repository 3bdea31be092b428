"""What both demos share: the installed `outrider` with a stack of its own, and the lines of the screen."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

LABEL_WIDTH = 10
STOP_SECONDS = 60.0
INTERRUPTED = 130
"""The exit code of what was ended before it had shown anything."""

OUTRIDER = Path(sys.executable).with_name("outrider")

_http = httpx.Client(trust_env=False, timeout=30)
"""One for all calls: making one takes longer than a call. No proxy stands between this machine and itself."""

_NAMESPACE = "api/v1/namespaces/default/workflows"


def interactive() -> bool:
    """Whether somebody sits there."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("CI")


@contextmanager
def own_world(name: str) -> Iterator[Path]:
    """A throw-away directory, and no setting of the person's: nothing of a demo leaves this machine.

    SIGTERM and a closed terminal end it as Ctrl-C does.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    for variable in [variable for variable in os.environ if variable.startswith(("TEMPORAL_", "OUTRIDER_"))]:
        del os.environ[variable]
    with tempfile.TemporaryDirectory(prefix=f"outrider-{name}-") as directory:
        os.environ["OUTRIDER_HOME"] = str(Path(directory, "home"))
        yield Path(directory)


@contextmanager
def stack(directory: Path) -> Iterator[Path]:
    """`outrider up` until the block ends; yields its stack.json, which changes when a part is started again."""
    file = Path(directory, "home", "stack.json")
    log = Path(directory, "up.log")
    with log.open("w", encoding="utf-8") as output:
        up = subprocess.Popen(  # noqa: S603 the installed command
            [OUTRIDER, "up"], cwd=directory, stdout=output, stderr=output, stdin=subprocess.DEVNULL, process_group=0
        )
    try:
        while not file.exists():
            if up.poll() is not None:
                sys.stderr.write(log.read_text(encoding="utf-8"))
                raise SystemExit(up.returncode or 1)
            time.sleep(0.1)
        yield file
    finally:
        end(up)


def end(process: subprocess.Popen[Any]) -> None:
    """SIGTERM, and SIGKILL for what does not listen."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def parts(file: Path) -> dict[str, Any]:
    """What stack.json says now."""
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def outrider(directory: Path, *arguments: str) -> str:
    """What a command of ours prints; a failure ends the demo with the command's own words on stderr."""
    command = [str(OUTRIDER), *arguments]
    done = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 the installed command
    if done.returncode:
        raise SystemExit(done.returncode)
    return done.stdout


def ledger_of(directory: Path, campaign: str) -> list[dict[str, Any]]:
    """The ledger's rows, one for each message."""
    rows: list[dict[str, Any]] = json.loads(
        outrider(directory, "export", campaign, "--what", "ledger", "--format", "json")
    )
    return rows


def ask(url: str, **query: str | int) -> Any:  # noqa: ANN401 - JSON
    """The JSON at an address of this machine."""
    return _http.get(url, params=query).raise_for_status().json()


def held(where: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(Message-ID, recipient) of every mail that the inbox took, the oldest first."""
    return [(message_id, recipient) for message_id, recipient in ask(f"{where['inbox_url']}/api/ledger")]


def break_inbox(where: Mapping[str, Any], *rules: Mapping[str, object]) -> None:
    """Put these faults in force."""
    _http.put(f"{where['inbox_url']}/api/faults", json=list(rules)).raise_for_status()


def workflow(where: Mapping[str, Any], campaign: str) -> dict[str, Any]:
    """What Temporal says of the campaign's workflow, by the Web UI's own API."""
    found: dict[str, Any] = ask(f"{where['temporal_ui']}/{_NAMESPACE}/{campaign}")
    return found


def history(where: Mapping[str, Any], campaign: str) -> list[dict[str, Any]]:
    """The events of the workflow's latest run so far."""
    run = workflow(where, campaign)["workflowExecutionInfo"]["execution"]["runId"]
    events: list[dict[str, Any]] = []
    token = ""
    while True:
        page = ask(
            f"{where['temporal_ui']}/{_NAMESPACE}/{campaign}/history",
            **{"execution.runId": run, "nextPageToken": token},
        )
        events += page["history"]["events"]
        token = page.get("nextPageToken") or ""
        if not token:
            return events


def row(label: str = "", text: str = "") -> None:
    """Print one line of the screen."""
    line(f"{label:<{LABEL_WIDTH}}{text}")


def line(text: str = "") -> None:
    """Print one line as it is."""
    sys.stdout.write(f"{text.rstrip()}\n")
    sys.stdout.flush()


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
