"""What discovery and enrichment need from the outside, as protocols. Adapters live in `storage` and `providers`."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from domain.campaign import CampaignSpec
from domain.lead import LeadEnd
from domain.sourcing import Contribution, PassedOver, Profile, ProfilePage, Repository, SourcePage


class Source(Protocol):
    """Finds people. A slice is a text that only the source reads; the same slice and cursor mean the same page.

    Raises SourceWait when nothing can be asked for longer than a few seconds; shorter waits happen inside. When its
    points run out in the middle, what it has read by then is the answer, and says what it lacks. Once `stop` is set it
    sends no further request and waits for nothing else: it raises SourceStopped, or says what it has read.
    """

    def slices(self, spec: CampaignSpec, as_of: datetime) -> list[str]:
        """What to search, in the order in which it is searched. The activity window ends at `as_of`; asks nobody."""

    async def page(self, slice_: str, cursor: str, stop: asyncio.Event | None = None) -> SourcePage:
        """One page of a slice; "" is its first one."""

    async def profiles(
        self, spec: CampaignSpec, identities: Sequence[str], stop: asyncio.Event | None = None
    ) -> ProfilePage:
        """What at most 100 people publish about themselves, for one request's price."""


class Slice(BaseModel):
    """A slice that is not done. `number` runs from 1 without gaps within a campaign."""

    model_config = ConfigDict(frozen=True)

    number: int
    query: str
    cursor: str


class SliceCounts(BaseModel):
    """What the rows say of discovery."""

    model_config = ConfigDict(frozen=True)

    slices: int
    """The highest slice number given so far, committed; those that replace a split slice are counted."""
    numbered: int
    """The highest lead number given so far, committed: every number up to it has its row."""
    counts: dict[str, int]
    """Slices of the window by state: done, split, not_needed."""
    open: int
    """Slices of the window with pages left."""


class Seen(BaseModel):
    """What a campaign's search has looked at. Everybody is counted once: `looked_at` = `leads` + all `passed_over`."""

    model_config = ConfigDict(frozen=True)

    looked_at: int
    leads: int
    passed_over: dict[PassedOver, int]
    repositories: int
    pages: int
    incomplete: int
    """Slices of which the source said that it did not look everywhere."""
    gone: int
    """Repositories that were asked for by name and are not there any more."""
    points: int
    """What the source charged for the search."""
    profile_points: int = 0
    """What it charged for reading profiles."""

    @property
    def parts(self) -> dict[str, int]:
        """What became of everybody who was looked at, in words; the sum is `looked_at`."""
        return looked_at_parts(self.leads, self.passed_over)


def looked_at_parts(leads: int, passed_over: Mapping[PassedOver, int]) -> dict[str, int]:
    """Leads, and everybody who was passed over, in words, the most frequent first."""
    others = sorted(passed_over.items(), key=lambda part: -part[1])
    named = {_PASSED_OVER[reason][0 if count == 1 else 1]: count for reason, count in others if count}
    return {"lead" if leads == 1 else "leads": leads, **named}


_PASSED_OVER = {
    PassedOver.BOT: ("bot", "bots"),
    PassedOver.ORGANIZATION: ("organization", "organizations"),
    PassedOver.EXCLUDED: ("excluded login", "excluded logins"),
    PassedOver.UNKNOWN_ACCOUNT: ("repository with commits of no account", "repositories with commits of no account"),
}


class Discoveries(Protocol):
    """Rows of what discovery saw."""

    async def cut(self, campaign_id: str, slices: Sequence[str]) -> int:
        """Number and store the first slices, unless some are stored already; returns the highest slice number."""

    async def open_slices(self, campaign_id: str, first: int, last: int) -> list[Slice]:
        """Slices of the window with pages left, at the page that is next, by number."""

    async def store_page(
        self, campaign_id: str, slice_: Slice, page: SourcePage, exclude_logins: Sequence[str]
    ) -> int | None:
        """Store a page with the people on it, in one transaction, and put its slice at the next page.

        People get lead numbers in their order on the page, those seen before keep theirs; whoever has an excluded
        login is passed over. Returns how many got a number. None = the slice is not at that cursor any more: another
        attempt stored the page, and nothing but its points is counted.
        """

    async def spent(self, campaign_id: str, slice_: Slice, points: int) -> None:
        """Count what was charged for a page that could not be read to its end."""

    async def enough(self, campaign_id: str, max_leads: int) -> bool:
        """Whether so many people who can be written to are known."""

    async def not_needed(self, campaign_id: str, first: int, last: int) -> None:
        """Close the open slices of the window: enough people are known."""

    async def counted(self, campaign_id: str, first: int, last: int) -> SliceCounts:
        """What the rows say of the window now."""

    async def seen(self, campaign_id: str) -> Seen:
        """What the rows say of the whole search now."""


@dataclass(frozen=True, slots=True)
class Found:
    """A lead that discovery made, before anybody has read its profile."""

    number: int
    identity: str
    login: str
    contributions: tuple[Contribution, ...]
    """Everything known so far, those with most commits first."""
    repositories: tuple[Repository, ...]
    """In the order of `contributions`."""
    known: Profile | None = None
    """What another campaign, or an earlier attempt, has read recently enough."""


@dataclass(frozen=True, slots=True)
class Enriched:
    """A lead whose profile was read: somebody to write to, or one that ends here."""

    number: int
    profile: Profile | None
    """None = the account is there no more, or nobody asked."""
    email: str = ""
    """The address to write to, "" = the profile shows none that can be used."""
    timezone: str = ""
    """An offset such as `UTC+02:00` for which commits speak, "" = not enough of them agree."""
    repository: str = ""
    """The identity of the repository the person is written to about."""
    fit: float | None = None
    """The score, 0 to 1; None for one that ends here."""
    reasons: Mapping[str, float] = field(default_factory=dict)
    """What each part of the score contributed; also for one that ends because of its score."""
    ended: LeadEnd | None = None


class People(Protocol):
    """Rows of leads on their way from a login to somebody who can be written to."""

    async def unenriched(self, campaign_id: str, first: int, last: int, fresh_since: datetime) -> list[Found]:
        """Leads of the window that are open and whose profile was not read for this campaign yet, by number."""

    async def store_enriched(
        self,
        campaign_id: str,
        enriched: Sequence[Enriched],
        max_leads: int,
        points: int = 0,
        contacted_since: datetime | None = None,
    ) -> None:
        """Store profiles and results in one transaction that holds the campaign's row. What is stored stays.

        `points` is what reading them cost; they are counted also where another attempt has stored the results.

        Whoever got a mail of another campaign after `contacted_since` ends as skipped(contacted_recently), and takes no
        place of somebody who can be written to. Nobody is held back here for a mail that may yet fail.
        The second lead with one address ends as skipped(same_address), and whoever comes after `max_leads` people who
        can be written to as skipped(enough_people); in one call the lower number comes first.
        """

    async def enrichment_counts(self, campaign_id: str, first: int, last: int) -> dict[str, int]:
        """Leads of the window by outcome of enrichment: done, skipped, cancelled, open."""

    async def keep_top(self, campaign_id: str, top: int) -> int:
        """End whoever is not among the `top` with the highest scores as skipped(not_among_top); returns how many.

        Before that an address that several people share goes to the one of them with the highest score, and the others
        end as skipped(same_address). The lower number wins where scores are equal. Asked again, it ends nobody else:
        how leads ended meanwhile does not change who is among the top.
        """
