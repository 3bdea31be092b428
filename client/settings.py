"""Settings, read once from the environment or `.env`; nothing outside is contacted without its variable."""

import contextlib
import os
import re
import secrets
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from client import up_lock
from domain.errors import InputError, Unreachable

GITHUB = "https://api.github.com"
STILL_STARTING = "try again in a few seconds: `outrider up` is still starting"
"""The way out where nothing is missing but a part of `outrider up` that does not answer yet."""

LOCAL_TOKEN = "local"  # noqa: S105 the local GitHub asks for one and takes any

_ABOUT = "docs/reference/settings.md"
_ENV_FILE = ".env"
_KEY_FILE = "secret.key"
_HAS_PASSWORD = re.compile(r"OUTRIDER_MAILBOX_.+_(SMTP|IMAP)_URL|OTEL_EXPORTER_OTLP_(\w+_)?HEADERS|TEMPORAL_API_KEY")
_OPENS = re.compile("auth|key|token|secret|password|cookie", re.IGNORECASE)
_COLLECTOR = re.compile(r"OTEL_EXPORTER_OTLP_(\w+_)?(HEADERS|ENDPOINT)")
_KEY_BYTES = 32
_SHORTEST_KEY = 16

LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)]
"""In capitals; a person may write it in any case."""


class Stack(BaseModel):
    """Where `outrider up` listens: `$OUTRIDER_HOME/stack.json`."""

    temporal_address: str
    temporal_ui: str
    web_url: str
    smtp_url: str | None = None
    inbox_url: str | None = None
    github_url: str | None = None
    """The local GitHub, of invented people."""
    pids: dict[str, int] = {}


class Settings(BaseSettings):
    """Every setting of Outrider itself; `TEMPORAL_*` is read by Temporal's own configuration."""

    model_config = SettingsConfigDict(
        env_prefix="OUTRIDER_", env_file=_ENV_FILE, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    home: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        Path(".outrider"), description="Data: database, key, addresses of the local parts."
    )
    database_url: SecretStr | None = Field(None, description="Where the rows are; default SQLite under OUTRIDER_HOME.")
    secret_key: SecretStr | None = Field(
        None,
        description="Makes the keyed hashes and opt-out links; created under OUTRIDER_HOME, required with PostgreSQL.",
    )
    github_token: SecretStr | None = Field(
        None, description="Opens GitHub's API; several with commas between them. Without one GitHub is not asked."
    )
    github_api_url: str | None = Field(
        None, description="Where GitHub's API is; default https://api.github.com, which needs OUTRIDER_GITHUB_TOKEN."
    )
    smtp_url: SecretStr | None = Field(None, description="The relay: smtp://user:password@host:587 or smtps://host.")
    public_url: str | None = Field(None, description="Where recipients reach the opt-out page; https outside loopback.")
    user: str | None = Field(None, description="Whose name stands beside a decision; default: the login name.")
    jaeger_url: str | None = Field(None, description="Where traces are looked at: http://127.0.0.1:16686.")
    health_host: str = Field("127.0.0.1", description="Where a worker answers /healthz and /readyz.")
    health_port: int = Field(8090, ge=0, le=65_535, description="The same: its port; 0 = nowhere.")
    log_level: LogLevel = Field(  # type: ignore[pydantic-alias]  # mypy's plugin takes AliasChoices for a computed name
        "INFO",
        validation_alias=AliasChoices("LOG_LEVEL", "OUTRIDER_LOG_LEVEL"),
        description="The least level that is logged.",
    )

    @cached_property
    def stack(self) -> Stack | None:
        """The local parts of the `outrider up` that runs now, None when none does.

        The file of one that was killed does not count: its ports may be those of another stack by now.
        """
        try:
            content = self.stack_file.read_bytes()
            return Stack.model_validate_json(content) if up_lock.held(self.home) else None
        except FileNotFoundError:
            return None
        except (ValidationError, OSError):
            raise InputError(
                f"{self.stack_file} cannot be read", hint="stop `outrider up` and start it again"
            ) from None

    @property
    def starting(self) -> bool:
        """Whether an `outrider up` runs whose parts do not all answer yet."""
        return self.stack is None and up_lock.held(self.home)

    @property
    def stack_file(self) -> Path:
        """Where `outrider up` writes its addresses."""
        return self.home / "stack.json"

    def database(self) -> str:
        """The database's SQLAlchemy URL."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.home.absolute() / 'outrider.db'}"

    def secret(self) -> str:
        """The secret key; the embedded default is created once, readable by its owner only.

        With a database that several machines share there is no default: each would make a key of its own.
        """
        if self.secret_key is not None:
            value = self.secret_key.get_secret_value()
            if len(value) < _SHORTEST_KEY:
                raise InputError(
                    f"OUTRIDER_SECRET_KEY is shorter than {_SHORTEST_KEY} characters", hint="openssl rand -hex 32"
                )
            return value
        if not self.database().startswith("sqlite"):
            raise InputError(
                "OUTRIDER_SECRET_KEY is not set: with PostgreSQL every machine needs the same one",
                hint="openssl rand -hex 32, once for all of them",
            )
        return _key_file(self.home / _KEY_FILE)

    def relay(self, mailbox: str) -> tuple[str, str]:
        """The relay of a mailbox as (URL, the variable it comes from); raises InputError when there is none."""
        own = f"OUTRIDER_MAILBOX_{mailbox.upper()}_SMTP_URL"
        if value := os.environ.get(own) or dotenv_values(_ENV_FILE).get(own):
            return value, own
        if self.smtp_url is not None:
            return self.smtp_url.get_secret_value(), "OUTRIDER_SMTP_URL"
        if self.stack is not None and self.stack.smtp_url is not None:
            return self.stack.smtp_url, str(self.stack_file)
        raise InputError(
            f"no relay for mailbox {mailbox}: neither {own} nor OUTRIDER_SMTP_URL is set",
            hint=STILL_STARTING if self.starting else "set one of them, or run `outrider up` for a local inbox",
        )

    def github(self) -> tuple[str, str]:
        """Where GitHub's API is, as (URL, where that is said): the local one of `outrider up` where nobody says."""
        if self.github_api_url is not None:
            return self.github_api_url, "OUTRIDER_GITHUB_API_URL"
        if self.github_token is None and self.stack is not None and self.stack.github_url is not None:
            return self.stack.github_url, str(self.stack_file)
        return GITHUB, "the usual address"

    def github_tokens(self) -> str:
        """The tokens, with commas between them; for the local GitHub any will do."""
        if self.github_token is not None:
            return self.github_token.get_secret_value()
        return LOCAL_TOKEN if self.github()[1] == str(self.stack_file) else ""

    def secrets(self) -> set[str]:
        """What must not be seen anywhere: the secret settings, and what is secret in their parts."""
        given = [value.get_secret_value() for _, value in self if isinstance(value, SecretStr)]
        variables = {**dotenv_values(_ENV_FILE), **os.environ}
        given += [value or "" for name, value in variables.items() if _HAS_PASSWORD.fullmatch(name)]
        given += [part for name, value in variables.items() for part in _of_collector(name, value or "")]
        with contextlib.suppress(OSError, UnicodeDecodeError):
            given.append((self.home / _KEY_FILE).read_text(encoding="ascii").strip())
        return {part for value in given for part in (value, *value.split(","), *_passwords(value)) if part}

    def jaeger(self) -> str:
        """Where Jaeger's pages are, without a slash at its end; "" when nobody said."""
        if self.jaeger_url is None:
            return ""
        return _checked_url(self.jaeger_url, "OUTRIDER_JAEGER_URL", "http://127.0.0.1:16686")

    def opt_out_base(self) -> str:
        """Where recipients reach the opt-out page, without a slash at its end."""
        if self.public_url is not None:
            return _checked_url(self.public_url, "OUTRIDER_PUBLIC_URL", "https://mail.example.com")
        if self.stack is not None:
            return self.stack.web_url
        way_out = STILL_STARTING if self.starting else "outrider up (or set OUTRIDER_PUBLIC_URL)"
        raise Unreachable("no address for the opt-out page", hint=way_out)


def load_settings() -> Settings:
    """Read the settings; raises InputError that names the variable and never quotes its value."""
    try:
        return Settings()
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{_ENV_FILE} cannot be read", hint="it must be a UTF-8 file that you may read") from None
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).upper()
        variable = name if name.startswith(("OUTRIDER_", "LOG_")) else f"OUTRIDER_{name}"
        what = "Input should be a whole number" if first["type"] == "int_parsing" else first["msg"]
        raise InputError(f"{variable}: {what}", hint=f"unset it, or correct it: {_ABOUT}") from None


def _checked_url(url: str, variable: str, example: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    plain = not (parts.query or parts.fragment or parts.username or any(map(str.isspace, url)))
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise InputError(f"{variable} is not an address such as {example}")
    return url.rstrip("/")


def _of_collector(name: str, value: str) -> list[str]:
    """What opens a collector: the password in its address, and what such headers say, as written and as meant."""
    kind = _COLLECTOR.fullmatch(name)
    if kind is None:
        return []
    if kind[2] == "ENDPOINT":
        return _passwords(value)
    given = [pair.partition("=") for pair in value.split(",")]
    opens = [said.strip() for header, _, said in given if _OPENS.search(header)]
    return [spelled for one in opens for spelled in (one, unquote(one), unquote(one).rpartition(" ")[2])]


def _passwords(url: str) -> list[str]:
    """The password in an address, as it is written there and as it is meant."""
    try:
        password = urlsplit(url).password or ""
    except ValueError:
        return []
    return [password, unquote(password)]


def _key_file(path: Path) -> str:
    try:
        if not path.exists():
            _create_key(path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise InputError(f"the secret key {path} cannot be made or read", hint="set OUTRIDER_HOME") from None
    if len(key) < _SHORTEST_KEY:
        raise InputError(
            f"the secret key {path} is shorter than {_SHORTEST_KEY} characters",
            hint="put the key back that was there; with another one the suppression list recognises nobody",
        )
    return key


def _create_key(path: Path) -> None:
    """Make the file appear with all its content, or leave the one that another process made first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES))
            file.flush()
            os.fsync(descriptor)  # the database will remember this key: a power cut must not take it away
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()
