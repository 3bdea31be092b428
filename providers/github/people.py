"""People as GitHub's answers hold them."""

from datetime import datetime

from domain.sourcing import Profile
from providers.github.api import Data
from providers.github.text import clean
from providers.github.values import Instant, Shape, check_instant


class _Followers(Shape):
    total_count: int


class SeenUser(Shape):
    """A profile; of something that is no user, nothing is filled in."""

    id: str = ""
    login: str = ""
    name: str | None = None
    email: str | None = None
    bio: str | None = None
    company: str | None = None
    location: str | None = None
    website_url: str | None = None
    is_hireable: bool = False
    created_at: Instant | None = None
    followers: _Followers | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a time outside the calendar."""
        check_instant(self.created_at)

    def profile(self, identity: str, read_at: datetime) -> Profile:
        """As leads have it, under the identity it was asked for by."""
        return Profile(
            identity=identity,
            login=self.login,
            name=clean(self.name),
            email=self.email or "",
            company=clean(self.company),
            location=clean(self.location),
            bio=clean(self.bio),
            website=clean(self.website_url),
            followers=self.followers.total_count if self.followers else 0,
            hireable=self.is_hireable,
            created_at=self.created_at,
            read_at=read_at,
        )


class Enriched(Data, kw_only=True):
    """The answer to enrich.graphql: one entry per identity that was asked for, in its order."""

    nodes: list[SeenUser | None]
