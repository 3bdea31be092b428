"""The last look at a log line: whatever was put into it, no secret and no address leaves the process with it."""

import re
from collections.abc import Collection, Mapping

from structlog.typing import EventDict, WrappedLogger

SECRET = "[secret]"  # noqa: S105 what stands in its place
ADDRESS = "[address]"

_SHORTEST = 6
"""What is shorter is part of ordinary words."""
_AT = ("@", "%40")
_ADDRESS = re.compile(
    r'(?:"[^"\n]{1,64}"|[^\s@<>()\[\]\",;:=]{1,64})'
    r"(?:@|%40)"
    r"(?:(?:[^\s@<>()\[\]\"',;:=/.]+\.)+[^\s@<>()\[\]\"',;:=/.]{2,}|\[[^\s\[\]]{3,64}\])"
)
_KEPT = frozenset({"worker_id"})
"""Names of processes, which look like addresses on machines with long names."""


class Redaction:
    """A structlog processor that replaces known secrets and e-mail addresses in every text of a line."""

    def __init__(self, secrets: Collection[str]) -> None:
        """`secrets` as they stand in settings; longer ones go first, so that none leaves its end behind."""
        known = sorted({secret for secret in secrets if len(secret) >= _SHORTEST}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, _logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        """The same line without them."""
        return {name: value if name in _KEPT or name[:1] == "_" else self.safe(value) for name, value in line.items()}

    def safe(self, value: object) -> object:
        """The value, with the texts in it made safe; what is neither text nor a group of values is written as it is."""
        if isinstance(value, str):
            text = self._secrets.sub(SECRET, value) if self._secrets else value
            return _ADDRESS.sub(ADDRESS, text) if any(at in text for at in _AT) else text
        if isinstance(value, Mapping):
            return {self.safe(name): self.safe(one) for name, one in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.safe(one) for one in value]
        return value if isinstance(value, int | float | None) else self.safe(str(value))
