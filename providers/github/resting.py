"""When nothing at all is asked: a limit on the pace, or a GitHub that does not answer. One object per process."""

from datetime import datetime, timedelta

from domain.errors import SourceWait
from telemetry.logging import get_logger

LIMITED = "source_limited"
UNREACHABLE = "source_unreachable"
REFUSED = "source_refused"

_FIRST_UNREACHABLE = timedelta(seconds=30)
_LONGEST_UNREACHABLE = timedelta(minutes=5)
_FIRST_SECONDARY = timedelta(seconds=60)
_STRIKES = 5
"""After so many answers "too fast" in a row, growing waits between them, somebody has to look."""
_REFUSED = timedelta(hours=1)

_HINT = "outrider doctor; see https://www.githubstatus.com"

_log = get_logger(__name__)


class Resting:
    """The wait of everybody: those that fail at the same time count once, and waits grow until an answer comes."""

    def __init__(self) -> None:
        """Nothing rests."""
        self._wait: SourceWait | None = None
        self._since: datetime | None = None
        self._strikes = 0
        self._outages = 0
        self._silent_since: datetime | None = None

    def until(self, now: datetime) -> datetime | None:
        """When asking may go on, None = now."""
        return self._wait.until if self._wait is not None and now < self._wait.until else None

    def wait(self) -> SourceWait:
        """The wait that holds, as a new exception."""
        wait = self._wait
        if wait is None:
            raise RuntimeError("nothing rests")
        return SourceWait(wait.line, wait.until, wait.reason, wait.hint)

    def unreachable(self, why: str, now: datetime) -> SourceWait:
        """GitHub does not answer; `why` in a few words, without a token."""
        if self.until(now) is None:
            length = min(_FIRST_UNREACHABLE * 2**self._outages, _LONGEST_UNREACHABLE)
            self._outages = min(self._outages + 1, 10)
            self._silent_since = None
            self._begin(SourceWait(f"GitHub does not answer ({why})", now + length, UNREACHABLE, _HINT), now)
        return self.wait()

    def too_fast(self, said_until: datetime | None, now: datetime) -> None:
        """GitHub says that it is asked too fast, and perhaps until when."""
        if self.until(now) is not None:  # the answer to a request that left before the wait began
            return
        self._strikes += 1
        if said_until is None and self._strikes > _STRIKES:
            line = f"GitHub said {self._strikes} times in a row that it is asked too fast"
            hint = "find out what else uses the same account; nothing is asked for an hour"
            self._begin(SourceWait(line, now + _REFUSED, REFUSED, hint), now)
            return
        until = said_until or now + _FIRST_SECONDARY * 2 ** (self._strikes - 1)
        self._begin(SourceWait("GitHub is asked too fast", until, LIMITED), now)

    def silent(self, left_at: datetime, now: datetime) -> bool:
        """Whether nobody is there: no answer came to a request that left after another one had got none."""
        if self._silent_since is None:
            self._silent_since = now
            return False
        return left_at >= self._silent_since

    def heard(self) -> None:
        """Something came, whatever it says."""
        self._silent_since = None

    def answered(self, left_at: datetime) -> None:
        """An answer came to a request that left at `left_at`; one from before the wait says nothing about it."""
        if self._wait is None or self._since is None or left_at < self._since:
            return
        _log.info("github.resumed", waited_for=self._wait.reason)
        self._wait = self._since = None
        self._strikes = self._outages = 0

    def _begin(self, wait: SourceWait, now: datetime) -> None:
        self._wait, self._since = wait, now
        _log.warning("github.waiting", reason=wait.reason, until=wait.until.isoformat(), why=wait.line)


def not_shown(why: str, now: datetime) -> SourceWait:
    """A wait that holds for one question only."""
    return SourceWait(f"GitHub does not answer ({why})", now + _FIRST_UNREACHABLE, UNREACHABLE, _HINT)
