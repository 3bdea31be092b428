"""The product's errors.

* OutriderError
  + InputError            what a person gave is wrong; one clear line, with a hint where there is a way out
    + NotFound            no such campaign, lead or artifact
    + DatabaseMismatch    the database has another revision or another secret key
  + Unreachable           something outside does not answer (Temporal, the database, a relay)
    + RelayUnavailable    no connection to the relay could be opened
    + SourceWait          a source of people cannot be asked for a while
  + SourceStopped         a source of people was told to stop before it had read what it was asked for
"""

from datetime import datetime


class OutriderError(Exception):
    """Base of all errors that carry a line for a person; `hint` is the way out, "" when there is none."""

    def __init__(self, line: str, hint: str = "") -> None:
        """`line` names the field or thing; it never carries an address, a name or a secret."""
        super().__init__(line)
        self.line = line
        self.hint = hint


class InputError(OutriderError):
    """What a person gave is wrong."""


class NotFound(InputError):
    """No such campaign, lead or artifact."""


class DatabaseMismatch(InputError):
    """The database has another revision or was written with another secret key."""


class Unreachable(OutriderError):
    """Something outside does not answer."""


class RelayUnavailable(Unreachable):
    """No connection to the relay could be opened; `code` is its reply, None when there was none."""

    def __init__(self, line: str, code: int | None = None, hint: str = "") -> None:
        """`line` names the relay's host and port, never its credentials."""
        super().__init__(line, hint)
        self.code = code

    @property
    def blames_sender(self) -> bool:
        """Whether the relay answered 5xx at connect, EHLO or AUTH: trying again will not help."""
        return self.code is not None and self.code >= 500  # noqa: PLR2004 SMTP reply class


class SourceWait(Unreachable):
    """A source of people cannot be asked before `until`.

    `reason` is one of `source_limited` (its limit is used up), `source_unreachable` (it does not answer) and
    `source_refused` (it does not take our token, or a person has to do something there): the values of HoldReason.
    """

    def __init__(self, line: str, until: datetime, reason: str, hint: str = "", points: int = 0) -> None:
        """`line` says what the source said, never a token; `points` were charged for what is thrown away."""
        super().__init__(line, hint)
        self.until = until
        self.reason = reason
        self.points = points


class SourceStopped(OutriderError):
    """A source of people was told to stop in the middle; `points` were charged for what is thrown away."""

    def __init__(self, points: int = 0) -> None:
        """Nothing is wrong: the same can be asked for again."""
        super().__init__("told to stop")
        self.points = points
