"""How much is asked for at once: less after an answer that did not come in time, more again after some that did."""

from providers.github.slicing import Slice

COMMITS = 100
"""Commits of a repository in one answer; GitHub gives no more."""

MOST_PAGES = 10
"""Of one repository, the page that came with it among them: the newest thousand commits of the activity window."""

SLOTS = 8
"""Repositories whose next commits one request asks for."""

_FIRST = 25
_MOST = 100
_GOOD = 2
"""After so many answers in a row a page grows."""

_FEWER = 4


class PageSize:
    """Repositories on a page of one slice. Cursors stay valid whatever it is."""

    def __init__(self, first: int) -> None:
        """It begins with `first`."""
        self.now = first
        self._good = 0

    def shrink(self, asked: int) -> None:
        """`asked` were too many; answers that come at the same time shrink it once."""
        self.now, self._good = min(self.now, max(1, asked // 2)), 0

    def answered(self, asked: int, *, whole: bool) -> None:
        """An answer with `asked` came in time, or a part of it."""
        if not whole:
            self.shrink(asked)
            return
        self._good += asked >= self.now
        if self._good >= _GOOD and self.now < _MOST:
            self.now, self._good = min(_MOST, self.now * 2), 0


class PageSizes:
    """The page size of every slice that is under way, for the whole process: a slow one makes no other slow."""

    def __init__(self) -> None:
        """The first slice begins at a quarter of the most."""
        self._of: dict[Slice, PageSize] = {}
        self._usual = _FIRST

    def of(self, slice_: Slice) -> PageSize:
        """The size for this slice; a new one begins with what is good for others."""
        if slice_ not in self._of:
            self._of[slice_] = PageSize(max([self._usual, *(size.now for size in self._of.values())]))
        return self._of[slice_]

    def done(self, slice_: Slice) -> None:
        """Its last page came."""
        size = self._of.pop(slice_, None)
        if size is not None:
            self._usual = max(_FIRST, size.now)


def affordable(points: int) -> int:
    """How many repositories cost no more than that even when all of them have too many commits; few cost so much."""
    return max(_FIRST, (points - 1) // (MOST_PAGES - 1) * SLOTS)


def fewer(commits: int) -> int:
    """How many commits to ask for after so many were too many; 0 = there is nothing less."""
    return max(1, commits // _FEWER) if commits > 1 else 0
