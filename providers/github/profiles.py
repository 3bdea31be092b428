"""What people publish about themselves, by the hundred, and in halves where that is too much for one answer."""

from collections.abc import Sequence

from domain.errors import SourceStopped, SourceWait
from domain.sourcing import Profile, ProfilePage
from providers.github.answers import Outcome
from providers.github.api import Reply
from providers.github.asking import Asking
from providers.github.people import Enriched
from providers.github.stubborn import Stubborn


async def read_profiles(asking: Asking, identities: Sequence[str], stubborn: Stubborn) -> ProfilePage:
    """The profiles of these people, as far as they can be read now; raises SourceWait when that is not at all."""
    reading = _Reading(asking, stubborn)
    batches = [list(identities)] if identities else []
    while batches:
        try:
            halves = await reading.halves_left(batches[-1])
        except (SourceWait, SourceStopped):
            if not reading.settled:
                raise
            break
        batches[-1:] = halves
    unread = [*reading.put_off, *(one for batch in batches for one in batch)]
    return ProfilePage(
        profiles=tuple(reading.found[one] for one in identities if one in reading.found),
        unread=tuple(unread),
        unreadable=tuple(reading.unreadable),
        points=asking.points,
    )


class _Reading:
    def __init__(self, asking: Asking, stubborn: Stubborn) -> None:
        self._asking = asking
        self._stubborn = stubborn
        self.found: dict[str, Profile] = {}
        self.unreadable: list[str] = []
        self.put_off: list[str] = []

    @property
    def settled(self) -> bool:
        """Whether something is known of anybody."""
        return bool(self.found or self.unreadable)

    async def halves_left(self, batch: list[str]) -> list[list[str]]:
        """Ask about these people; returns those about whom no answer came, in halves."""
        reply = await self._asking.ask("enrich", {"ids": batch}, Enriched)
        users = reply.data.nodes if reply.data is not None else [None] * len(batch)
        if len(users) != len(batch):
            raise self._asking.unreachable("it shows another number of people than it was asked for")
        unanswered = _unanswered(reply, batch)
        for one, user in zip(batch, users, strict=True):
            if user is not None and user.login and one not in unanswered:
                self.found[one] = user.profile(one, reply.read_at)
                self._stubborn.shown(one)
        if unanswered and len(batch) == 1:
            await self._not_shown(batch[0])
            return []
        middle = (len(unanswered) + 1) // 2
        return [half for half in (unanswered[:middle], unanswered[middle:]) if half]

    async def _not_shown(self, one: str) -> None:
        """The others are read without this one; where there are none, another try would come at once."""
        if await self._stubborn.gives_up(self._asking, one):
            self.unreadable.append(one)
        elif self.settled:
            self.put_off.append(one)
        else:
            raise self._asking.not_shown("it cannot show a person in time")


def _unanswered(reply: Reply[Enriched], batch: list[str]) -> list[str]:
    """Of whom the answer says nothing yet, or not all; who is not shown and not among them is there no more."""
    if reply.data is None:
        return batch
    if reply.outcome is Outcome.OK:
        return []
    said: dict[object, bool] = {}
    for error in reply.errors:
        if error.path[:1] == ("nodes",) and error.path[1:]:
            said[error.path[1]] = error.unseen and said.get(error.path[1], True)
    return [one for number, one in enumerate(batch) if not said.get(number, reply.data.nodes[number] is not None)]
