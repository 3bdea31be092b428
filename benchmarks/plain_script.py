"""The script without a ledger that `make demo-crash` kills for comparison: a list, a relay and a JSON checkpoint.

It writes down whom it has written to after every so many mails, and skips them when it is started again. That is the
usual way, and it is what a ledger is for: whoever was written to after the last checkpoint is written to again.
"""

import argparse
import asyncio
import csv
import json
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path

import aiosmtplib


class Checkpoint:
    """Who has been written to, as far as the file knows: it is written after every `every` mails."""

    def __init__(self, file: Path, every: int) -> None:
        """Read the file if there is one."""
        self._file = file
        self._every = every
        self._since = 0
        self.done: set[str] = set(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else set()

    def add(self, address: str) -> None:
        """Note one more; the file is replaced in one step."""
        self.done.add(address)
        self._since += 1
        if self._since >= self._every:
            self.write()

    def write(self) -> None:
        """Bring the file up to date."""
        draft = self._file.with_suffix(".tmp")
        draft.write_text(json.dumps(sorted(self.done)), encoding="utf-8")
        draft.replace(self._file)
        self._since = 0


def main() -> None:
    """Write to everybody in the list whom the checkpoint does not name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", type=Path, help="CSV with the columns email and name")
    parser.add_argument("checkpoint", type=Path, help="JSON file")
    parser.add_argument("--port", type=int, required=True, help="the relay's, on 127.0.0.1")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--every", type=int, default=100, help="mails between two checkpoints (default: %(default)s)")
    options = parser.parse_args()
    checkpoint = Checkpoint(options.checkpoint, options.every)
    with options.people.open(encoding="utf-8", newline="") as file:
        people = [row for row in csv.DictReader(file) if row["email"] not in checkpoint.done]
    asyncio.run(send(people, checkpoint, options.port, options.connections))


async def send(people: list[dict[str, str]], checkpoint: Checkpoint, port: int, connections: int) -> None:
    """Send over so many connections at a time."""
    left = iter(people)
    await asyncio.gather(*(_one_connection(left, checkpoint, port) for _ in range(connections)))
    checkpoint.write()


async def _one_connection(left: Iterator[dict[str, str]], checkpoint: Checkpoint, port: int) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as relay:
        for person in left:
            await relay.send_message(_mail(person))
            checkpoint.add(person["email"])


def _mail(person: dict[str, str]) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = "news@example.com", person["email"]
    mail["Subject"], mail["Message-ID"] = "Flakewatch 2.4", make_msgid(domain="example.com")
    mail.set_content(f"Hello {person['name']},\n\nthis is it.\n")
    return mail


if __name__ == "__main__":
    main()
