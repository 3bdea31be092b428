"""Text that strangers typed, as rows can hold it."""

import re

from email_validator import EmailNotValidError, validate_email

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LONGEST = 1_000
_NO_REPLY = frozenset({"noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "do_not_reply"})
_NO_REPLY_DOMAIN = "noreply.github.com"


def clean(text: str | None) -> str:
    """Without control characters and around them, never longer than 1,000 characters; otherwise as it was typed."""
    return _CONTROL.sub("", text).strip()[:_LONGEST] if text else ""


def published_address(text: str | None) -> str:
    """The address that a profile shows, "" for none, one that nobody reads, and one that no relay takes."""
    if not text:
        return ""
    try:
        checked = validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError:
        return ""
    domain = checked.ascii_domain.lower()
    if checked.local_part.lower() in _NO_REPLY or f".{domain}".endswith(f".{_NO_REPLY_DOMAIN}"):
        return ""
    return f"{checked.local_part}@{checked.ascii_domain}"
