"""What GitHub cannot show in time although it answers other questions: tried a few times, then done without."""

from collections import Counter

from providers.github.answers import Outcome
from providers.github.api import Data
from providers.github.asking import Asking

TRIES = 3
"""Asked for alone, with a wait between them."""


class Stubborn:
    """How often each was tried. One object per process."""

    def __init__(self) -> None:
        """Everything is shown so far."""
        self._tries: Counter[str] = Counter()

    async def gives_up(self, asking: Asking, what: str) -> bool:
        """Count a try that failed, and whether it was the last.

        Raises SourceWait for everybody when GitHub does not answer the smallest question either: then it is GitHub.
        """
        if (await asking.ask("limits", {}, Data)).outcome is not Outcome.OK:
            raise asking.unreachable("it answers nothing in time")
        self._tries[what] += 1
        if self._tries[what] < TRIES:
            return False
        del self._tries[what]
        return True

    def shown(self, what: str) -> None:
        """It was shown after all."""
        self._tries.pop(what, None)
