"""The mails that were accepted, and what is counted about them. All in memory: nothing outlives the process."""

import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from pathlib import Path

MAX_MAILS = 50_000
"""Mails kept; the oldest go first. The ledger and the counters go on."""

_WANTED_HEADERS = re.compile(rb"^(message-id|subject):(.*(?:\r?\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
_HEADERS_END = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Mail:
    """One accepted mail. `message_id` is the header as it came, angle brackets included; empty if there is none."""

    id: int
    sender: str
    recipients: tuple[str, ...]
    message_id: str
    subject: str
    received_at: datetime
    raw: bytes


@dataclass(slots=True)
class Counts:
    """What happened on the wire since the last `clear`; a reply of 400 or more is counted under its code."""

    accepted: int = 0
    connections_total: int = 0
    transactions: int = 0
    dropped: int = 0
    refused: Counter[str] = field(default_factory=Counter)


class Mailbox:
    """Keeps accepted mails, and a ledger of (Message-ID, recipient) that has no cap."""

    def __init__(self, store: Path | None = None) -> None:
        """Keep mails in memory; with `store` also write each one to `<store>/<id>.eml`, which is never read back."""
        self._store = store
        self._mails: deque[Mail] = deque(maxlen=MAX_MAILS)
        self._next_id = 1
        self._seen: Counter[str] = Counter()
        self.ledger: list[tuple[str, str]] = []
        self.counts = Counts()

    def accept(self, sender: str, recipients: tuple[str, ...], raw: bytes) -> None:
        """Keep a mail. From here on the relay answers for it, whether or not its reply reaches the sender."""
        headers = _scan_headers(raw)
        message_id = headers.get("message-id", "")
        mail = Mail(
            id=self._next_id,
            sender=sender,
            recipients=recipients,
            message_id=message_id,
            subject=_decoded(headers.get("subject", "")),
            received_at=datetime.now(UTC),
            raw=raw,
        )
        self._next_id += 1
        self._mails.append(mail)
        self._seen[message_id] += 1
        self.ledger.extend((message_id, recipient) for recipient in recipients)
        self.counts.accepted += 1
        if self._store:
            (self._store / f"{mail.id:08}.eml").write_bytes(raw)

    def get(self, mail_id: int) -> Mail | None:
        """Return the mail, or None if it was never here, was deleted or made room for newer ones."""
        position = mail_id - self._mails[0].id if self._mails else -1
        return self._mails[position] if 0 <= position < len(self._mails) else None

    def newest_first(self) -> Iterator[Mail]:
        """Yield the kept mails, newest first."""
        return reversed(self._mails)

    def duplicates(self) -> int:
        """Count the Message-IDs that were accepted more than once; mails without one are left out."""
        return sum(1 for message_id, times in self._seen.items() if message_id and times > 1)

    def clear(self) -> None:
        """Forget mails, ledger and counters. Numbering goes on, so that an old id never means a new mail."""
        self._mails.clear()
        self._seen.clear()
        self.ledger.clear()
        self.counts = Counts()


def _scan_headers(raw: bytes) -> dict[str, str]:
    """Return Message-ID and Subject without parsing the mail, which would cost a hundred times as much."""
    end = _HEADERS_END.search(raw)
    head = raw[: end.start()] if end else raw
    found: dict[str, str] = {}
    for name, value in _WANTED_HEADERS.findall(head):
        unfolded = re.sub(rb"\r?\n", b"", value).strip()
        found.setdefault(name.decode().lower(), unfolded.decode(errors="replace"))
    return found


def _decoded(subject: str) -> str:
    if "=?" not in subject:
        return subject
    try:
        return str(make_header(decode_header(subject)))
    except (HeaderParseError, LookupError, UnicodeDecodeError):
        return subject
