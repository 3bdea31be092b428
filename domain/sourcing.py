"""What a source of people says: whom it saw, where, and what they publish about themselves.

Everything here was typed by strangers. It is data: checked for shape, shown and stored, never obeyed.
"""

import unicodedata
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

_LONGEST = 1000
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _one_line(text: str) -> str:
    """In one line of printable characters: what strangers typed goes into headers, terminals and databases."""
    if text.isprintable():  # nearly all: none of what is looked for below, one character at a time, is
        return " ".join(text.split())[:_LONGEST]
    kept = (" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in text if one not in _DIRECTIONS)
    return " ".join("".join(kept).split())[:_LONGEST]


_Text = Annotated[str, AfterValidator(_one_line)]


class SliceState(StrEnum):
    """Where a slice stands. Every state but `open` is final."""

    OPEN = "open"
    DONE = "done"
    SPLIT = "split"
    """Other slices took its place."""
    NOT_NEEDED = "not_needed"
    """Enough people were known before its end."""


class PassedOver(StrEnum):
    """Why somebody or something that a source showed becomes no lead. Each is counted."""

    BOT = "bot"
    ORGANIZATION = "organization"
    EXCLUDED = "excluded"
    UNKNOWN_ACCOUNT = "unknown_account"
    """Commits whose address belongs to no account."""


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True)


class Repository(_Fact):
    """A repository as its page says it. `identity` stays the same when it is renamed."""

    identity: str
    full_name: _Text
    url: _Text
    description: _Text = ""
    language: _Text = ""
    topics: tuple[_Text, ...] = ()
    stars: int = 0
    forks: int = 0
    pushed_at: datetime | None = None
    active_people: int = 0
    """People with commits on the default branch inside the activity window."""
    commits: int = 0
    """All commits on the default branch inside the activity window, those of bots and unknown accounts too."""
    commits_read: int = 0
    """How many of them were looked at; less than `commits` where a repository has too many to read."""

    @property
    def partly_read(self) -> bool:
        """Whether nobody knows who made the rest of its commits."""
        return self.commits_read < self.commits

    def share_of(self, commits: int) -> float:
        """The share that so many commits have of those that were read, 0 to 1."""
        return min(1.0, commits / max(self.commits_read or self.commits, commits, 1))


class Contribution(_Fact):
    """One person's commits to the default branch of one repository inside the activity window."""

    identity: str
    """The source's lasting id of the person; a lead's `source_identity` is made of it."""
    login: _Text
    repository: str
    """The repository's `identity`."""
    commits: int
    last_commit_at: datetime
    offsets: dict[int, int] = {}
    """Minutes east of UTC that the commits' times were written with, and how many commits each."""


class Onlooker(_Fact):
    """Somebody a source showed who becomes no lead."""

    identity: str
    reason: PassedOver


class SourcePage(_Fact):
    """One answer of a source: the retryable unit of discovery."""

    repositories: tuple[Repository, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    passed_over: tuple[Onlooker, ...] = ()
    next_cursor: str | None = None
    """Where the slice goes on; None = this was its last page."""
    split: tuple[str, ...] = ()
    """The slice holds more than the source will show: nothing was read, and these slices replace it."""
    incomplete: bool = False
    """The source says that it did not look everywhere."""
    gone: int = 0
    """Repositories that were asked for by name and are not there any more."""
    points: int = 0
    """What the source charged for it."""


class Profile(_Fact):
    """What a person publishes about themselves. "" = not said."""

    identity: str
    login: _Text
    name: _Text = ""
    email: _Text = ""
    """Only what the profile shows: never an address from a commit."""
    company: _Text = ""
    location: _Text = ""
    bio: _Text = ""
    website: _Text = ""
    followers: int = 0
    hireable: bool = False
    created_at: datetime | None = None
    read_at: datetime
    """When the source said so."""


class ProfilePage(_Fact):
    """What a source says about some people; who is in none of these lists is there no more."""

    profiles: tuple[Profile, ...] = ()
    unread: tuple[str, ...] = ()
    """Identities about whom nothing is known yet: a wait came before their turn."""
    unreadable: tuple[str, ...] = ()
    """Identities of people who are there, and whom the source cannot show however often it is asked."""
    points: int = 0
