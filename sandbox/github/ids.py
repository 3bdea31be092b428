"""GitHub's global node ids and cursors: opaque to clients, reversible here."""

import base64
import binascii
import struct
from typing import Literal

Kind = Literal["U", "O", "BOT", "R"]

_PREFIX = b"\x92\x00\xce"


class BadCursorError(ValueError):
    """The cursor was not made here."""


def node_id(kind: Kind, database_id: int) -> str:
    """Return the global id of an account or a repository."""
    octets = _PREFIX + struct.pack(">I", database_id)
    return f"{kind}_{base64.urlsafe_b64encode(octets).decode().rstrip('=')}"


def parsed_id(text: str) -> tuple[str, int] | None:
    """Return kind and database id, or None when GitHub would not resolve the id."""
    kind, _, encoded = text.partition("_")
    if kind not in {"U", "O", "BOT", "R"} or len(encoded) != 10:  # noqa: PLR2004 - 7 octets in base64
        return None
    try:
        octets = base64.urlsafe_b64decode(encoded + "==")
    except (binascii.Error, ValueError):
        return None
    return (kind, struct.unpack(">I", octets[3:])[0]) if octets.startswith(_PREFIX) else None


def cursor(position: int) -> str:
    """Return the cursor behind the element at `position`, counted from 1."""
    return base64.b64encode(f"cursor:{position}".encode()).decode()


def position_of(text: str | None) -> int:
    """Return the position a cursor stands for, 0 without one. Raises BadCursorError."""
    if not text:
        return 0
    try:
        name, _, number = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise BadCursorError(f"`{text}` does not appear to be a valid cursor.") from None
    if name != "cursor" or not (number.isascii() and number.isdecimal()):
        raise BadCursorError(f"`{text}` does not appear to be a valid cursor.")
    return int(number)
