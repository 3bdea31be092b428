"""Where a relay is, as a setting says it."""

import ipaddress
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from domain.errors import InputError


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """Where a relay is and how to log in."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str, variable: str) -> "RelayAddress":
        """Read `smtp://[user:password@]host[:port]` or `smtps://…`; errors name `variable` and never quote the URL."""
        parts = _split(url)
        if parts is None or parts.scheme not in ("smtp", "smtps") or not _is_host(parts.hostname or ""):
            raise InputError(f"{variable} is not an SMTP address", hint="smtp://user:password@host:587 or smtps://host")
        tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname or "",
            port=parts.port or (465 if tls else 587 if parts.username else 25),
            tls=tls,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    @property
    def loopback(self) -> bool:
        """Whether the relay is on this machine, by its name or its literal address; no look-up is made."""
        if self.host == "localhost":
            return True
        with suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return False

    @property
    def start_tls(self) -> bool | None:
        """A password never crosses a network in the clear; otherwise TLS is used where the relay offers it.

        Not on loopback: local relays offer it with certificates that nobody has signed.
        """
        if self.tls or self.loopback:
            return False
        return True if self.password else None


def _is_host(name: str) -> bool:
    """Whether a name can be looked up at all: no empty label, none longer than 63 characters."""
    try:
        return bool(name) and bool(name.encode("idna"))
    except UnicodeError:
        return False


def _split(url: str) -> SplitResult | None:
    """None instead of an exception whose text would quote the URL and so the password."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts
