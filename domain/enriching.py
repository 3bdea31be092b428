"""What becomes of a person whose profile was read: somebody to write to, with a score, or a reason why not."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from pydantic import validate_email
from pydantic_core import PydanticCustomError

from domain import time_zone
from domain.campaign import GithubAudience, SearchedAudience
from domain.fit import ActivityWindow, Fit, fit, parts
from domain.lead import LeadEnd, LeadState, address_domain, ascii_domain
from domain.source_ports import Enriched, Found
from domain.sourcing import Contribution, Profile, Repository

_MACHINES_ADDRESS = re.compile(r"(no|do[-_.]?not)[-_.]?reply\b.*|.*@([^@]+\.)?noreply\.[^@]+", re.IGNORECASE)
_PLAIN_LOCAL = re.compile(r"(?=.{1,64}$)[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*")
_LONGEST_ADDRESS = 254
_DOMAINS = 4096


class Wanted(NamedTuple):
    """Whom a campaign asks for, and how it weighs facts."""

    window: ActivityWindow
    weights: Mapping[str, float]
    minimum: float = 0.0
    locations: tuple[str, ...] = ()
    excluded_domains: tuple[str, ...] = ()
    excluded_logins: tuple[str, ...] = ()


def wanted_by(audience: SearchedAudience, until: datetime) -> Wanted:
    """Whom a spec asks for; the activity window ends at `until`."""
    return Wanted(
        window=ActivityWindow(until, audience.active_within_days),
        weights=audience.score.weights.model_dump(),
        minimum=audience.score.minimum,
        locations=audience.locations if isinstance(audience, GithubAudience) else (),
        excluded_domains=audience.exclude.domains,
        excluded_logins=audience.exclude.logins,
    )


def judged(found: Found, profile: Profile | None, wanted: Wanted) -> Enriched:
    """The outcome for one lead; None = the account is there no more. Asks nobody and knows no other lead."""
    if profile is None:
        return ended(found.number, "account_gone")
    email = usable_address(profile.email)
    reason = _reason_against(profile, email, wanted)
    contribution, repository = best_work(found)
    judgement = fit(parts(wanted.window, contribution, repository, profile.followers), wanted.weights)
    if not reason and judgement.score < wanted.minimum:
        reason = "below_score"
    return Enriched(
        number=found.number,
        profile=profile,
        email=email,
        timezone=time_zone.evidence(one.offsets for one in found.contributions).offset,
        repository=repository.identity,
        fit=None if reason else judgement.score,
        reasons=_shown(judgement, reason),
        ended=LeadEnd(number=found.number, state=LeadState.SKIPPED, reason=reason) if reason else None,
    )


def ended(number: int, reason: str) -> Enriched:
    """The outcome for a lead of whom no profile is known."""
    return Enriched(number=number, profile=None, ended=LeadEnd(number=number, state=LeadState.SKIPPED, reason=reason))


def best_work(found: Found) -> tuple[Contribution, Repository]:
    """The work that a person is written to about: most commits, then most stars."""
    work = zip(found.contributions, found.repositories, strict=True)
    return max(work, key=lambda one: (one[0].commits, one[1].stars, one[1].identity))


def usable_address(text: str) -> str:
    """The address of a profile as it can be written to, "" when it is hidden, none at all, or read by no person."""
    if not text or len(text) > _LONGEST_ADDRESS or "<" in text or not text.isprintable():
        return ""
    local, _, domain = text.rpartition("@")
    address = f"{local}@{_host(domain)}" if _PLAIN_LOCAL.fullmatch(local) else _address(text)
    taken = address.isascii() and not address.endswith("@") and len(address) <= _LONGEST_ADDRESS
    return address if taken and not _MACHINES_ADDRESS.fullmatch(address) else ""


def _address(text: str) -> str:
    """The address with its domain as domains are compared, "" for what is none."""
    try:
        _, address = validate_email(text)
    except PydanticCustomError:
        return ""
    return f"{address.rpartition('@')[0]}@{address_domain(address)}"


@lru_cache(maxsize=_DOMAINS)
def _host(domain: str) -> str:
    """The domain as domains are compared, "" for what is none. Many share one, and looking at it takes longest."""
    return _address(f"a@{domain}").rpartition("@")[2]


def is_within(domain: str, excluded: Iterable[str]) -> bool:
    """Whether a domain is one of the excluded ones or below one; both in the spelling that address_domain makes."""
    return any(domain == one or domain.endswith(f".{one}") for one in excluded)


def is_at(location: str, wanted: str) -> bool:
    """Whether a profile's location names the wanted place: every part of `Toronto, Canada`, as whole words.

    Nothing is known about places: Berlin is not found by Germany unless the profile says so.
    """
    said = _words(location)
    named = [_words(part) for part in wanted.split(",") if part.strip()]
    return bool(named) and all(
        any(said[start : start + len(one)] == one for start in range(len(said) - len(one) + 1)) for one in named
    )


def _reason_against(profile: Profile, email: str, wanted: Wanted) -> str:
    """Why this person is not written to, whatever the score; "" = nothing is against it."""
    if profile.login.casefold() in {login.casefold() for login in wanted.excluded_logins}:
        return "excluded_login"
    if not email:
        return "no_public_address"
    if wanted.excluded_domains and is_within(address_domain(email), map(ascii_domain, wanted.excluded_domains)):
        return "excluded_domain"
    if wanted.locations and not any(is_at(profile.location, place) for place in wanted.locations):
        return "other_location"
    return ""


def _shown(judgement: Fit, reason: str) -> dict[str, float]:
    """A score is stored of those whom it decided about."""
    return judgement.reasons if reason in ("", "below_score") else {}


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
