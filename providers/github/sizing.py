"""How much is asked for at once: less after an answer that did not come in time, more again after some that did."""

COMMITS = 100
"""Commits of a repository in one answer; GitHub gives no more."""

_FIRST = 25
_MOST = 100
_GOOD = 2
"""After so many answers in a row a page grows."""

_FEWER = 4


class PageSize:
    """Repositories on a page, for the whole process. Cursors stay valid whatever it is."""

    def __init__(self) -> None:
        """It begins at a quarter of the most."""
        self.now = _FIRST
        self._good = 0

    def shrink(self, asked: int) -> None:
        """`asked` were too many; answers that come at the same time shrink it once."""
        self.now, self._good = min(self.now, max(1, asked // 2)), 0

    def grow(self) -> None:
        """An answer came in time."""
        self._good += 1
        if self._good >= _GOOD and self.now < _MOST:
            self.now, self._good = min(_MOST, self.now * 2), 0


def fewer(commits: int) -> int:
    """How many commits to ask for after so many were too many; 0 = there is nothing less."""
    return max(1, commits // _FEWER) if commits > 1 else 0
