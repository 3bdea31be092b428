"""Takes a mail apart for people: decoded headers, text, HTML, opt-out addresses."""

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import lru_cache

_OPT_OUT_ADDRESS = re.compile(r"<\s*((?:https?|mailto):[^>\s]+)\s*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of the MIME tree; `size` in octets after decoding, `content` only for text."""

    content_type: str
    filename: str | None
    size: int
    content: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a person sees of a mail. `text` and `html` are the first parts of their kind, None if there is none."""

    headers: list[tuple[str, str]]
    parts: list[Part]
    text: str | None
    html: str | None
    opt_out: list[str]
    one_click: bool

    def header(self, name: str) -> str:
        """Return the first header of that name, in any case; empty if there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@lru_cache(maxsize=64)
def read(raw: bytes) -> Reading:
    """Parse a mail; a broken one gives what can be read of it, never an error."""
    message = message_from_bytes(raw, policy=policy.default)
    headers = [(name, _unfolded(str(value))) for name, value in message.items()]
    parts = [_part(leaf) for leaf in message.walk() if not leaf.is_multipart()]
    return Reading(
        headers=headers,
        parts=parts,
        text=_first(parts, "text/plain"),
        html=_first(parts, "text/html"),
        opt_out=_OPT_OUT_ADDRESS.findall(_unfolded(str(message.get("List-Unsubscribe", "")))),
        one_click=str(message.get("List-Unsubscribe-Post", "")).strip().lower() == "list-unsubscribe=one-click",
    )


def _part(leaf: EmailMessage) -> Part:
    payload = leaf.get_payload(decode=True)
    octets = payload if isinstance(payload, bytes) else b""
    content = _text(octets, leaf.get_content_charset("utf-8")) if leaf.get_content_maintype() == "text" else None
    return Part(leaf.get_content_type(), leaf.get_filename(), len(octets), content)


def _text(octets: bytes, charset: str) -> str:
    try:
        text = octets.decode(charset, errors="replace")
    except LookupError:
        text = octets.decode("utf-8", errors="replace")
    return text.replace("\r\n", "\n")


def _first(parts: list[Part], content_type: str) -> str | None:
    return next((part.content for part in parts if part.content_type == content_type and not part.filename), None)


def _unfolded(value: str) -> str:
    return re.sub(r"\r?\n", "", value)
