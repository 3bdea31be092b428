"""Where GitHub's API is and which tokens open it, as the settings say it."""

import ipaddress
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from domain.errors import InputError

_HOST = re.compile(r"[A-Za-z0-9.-]+|[0-9A-Fa-f:.]+")
_LAST_PORT = 65_535
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class ApiAddress:
    """The base address of a GitHub API; its GraphQL endpoint stands below it."""

    base: httpx.URL

    @classmethod
    def parse(cls, url: str, variable: str) -> "ApiAddress":
        """Read `https://api.github.com` or `https://github.example.com/api`; plain http only on this machine."""
        base = _url(url.strip().rstrip("/"))
        if (
            base is None
            or base.userinfo
            or base.query
            or not _HOST.fullmatch(base.host)
            or (base.port or 0) > _LAST_PORT
        ):
            base = httpx.URL("")
        if base.scheme not in ("http", "https"):
            raise InputError(f"{variable} is no address of an API", hint="https://api.github.com")
        address = cls(base)
        if base.scheme != "https" and not address.loopback:
            raise InputError(f"{variable} must begin with https://: it gets the token")
        return address

    @property
    def graphql(self) -> httpx.URL:
        """The endpoint."""
        path = self.base.path.rstrip("/")
        return self.base.copy_with(path=path if path.endswith("/graphql") else f"{path}/graphql", fragment=None)

    @property
    def rate_limit(self) -> httpx.URL:
        """Where the limits are told; an Enterprise server has it below /api/v3, beside /api/graphql."""
        path = self.base.path.rstrip("/").removesuffix("/graphql")
        return self.base.copy_with(path=f"{path}/v3/rate_limit" if path.endswith("/api") else f"{path}/rate_limit")

    @property
    def loopback(self) -> bool:
        """Whether it is on this machine, by its name or its literal address; no look-up is made."""
        if self.base.host == "localhost":
            return True
        with suppress(ValueError):
            return ipaddress.ip_address(self.base.host).is_loopback
        return False

    def same_origin(self, url: httpx.URL) -> bool:
        """Whether the token may go there too."""
        return (url.scheme, url.host, _port(url)) == (self.base.scheme, self.base.host, _port(self.base))


def parse_tokens(text: str, variable: str) -> list[SecretStr]:
    """Tokens from a comma-separated text, each once; errors name `variable` and quote nothing."""
    tokens = list(dict.fromkeys(token.strip() for token in text.split(",") if token.strip()))
    if not all(_TOKEN.fullmatch(token) for token in tokens):
        raise InputError(f"{variable} holds something that is no token", hint="several tokens are separated by commas")
    return [SecretStr(token) for token in tokens]


def check_access(address: ApiAddress, tokens: Sequence[SecretStr]) -> None:
    """Raise InputError when GitHub would be asked outside this machine without a token."""
    if not tokens and not address.loopback:
        raise InputError(
            "OUTRIDER_GITHUB_TOKEN is not set, so GitHub is not asked",
            hint="set it to a token that may read:user and user:email",
        )


def _url(text: str) -> httpx.URL | None:
    """None instead of an exception whose text would quote the address."""
    with suppress(httpx.InvalidURL, ValueError):
        return httpx.URL(text)
    return None


def _port(url: httpx.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)
