"""Finds mails for the page and for the JSON list."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.inbox.mailbox import Mail, Mailbox


class BadQueryError(ValueError):
    """A query parameter has no usable value; the message names it."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; an empty field finds everything. Text is found anywhere and in any case."""

    recipient: str = ""
    subject: str = ""
    message_id: str = ""
    """Exact, with or without angle brackets."""
    either: str = ""
    """In a recipient or in the subject."""

    def finds(self, mail: Mail) -> bool:
        """Tell whether the mail is one of those looked for."""
        recipients = " ".join(mail.recipients).lower()
        subject = mail.subject.lower()
        either = self.either.lower()
        return (
            self.recipient.lower() in recipients
            and self.subject.lower() in subject
            and (not self.message_id or self.message_id.strip("<>") == mail.message_id.strip("<>"))
            and (either in recipients or either in subject)
        )

    def page_of(self, mailbox: Mailbox, offset: int, limit: int) -> tuple[int, list[Mail]]:
        """Return how many mails are found in all, and `limit` of them from `offset` on, newest first."""
        found = [mail for mail in mailbox.newest_first() if self.finds(mail)]
        return len(found), found[offset : offset + limit]


def whole_number(query: Mapping[str, str], name: str, default: int) -> int:
    """Return a parameter that counts something. Raises BadQueryError for anything but 0, 1, 2 …."""
    value = query.get(name, "")
    if not value:
        return default
    if not (value.isascii() and value.isdecimal()):
        raise BadQueryError(f"{name}: {value!r} is not a whole number; use 0 or more")
    return int(value)
