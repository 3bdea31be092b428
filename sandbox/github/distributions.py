"""Every share the population is drawn from, in one place.

tests/sandbox/test_github_population.py holds what is drawn to what is stated here.
"""

from dataclasses import dataclass, field

LANGUAGES: dict[str | None, float] = {
    "Python": 0.30,
    "TypeScript": 0.16,
    "JavaScript": 0.14,
    "Go": 0.10,
    "Rust": 0.08,
    "Java": 0.07,
    "C++": 0.05,
    "Jupyter Notebook": 0.04,
    "Ruby": 0.03,
    None: 0.03,
}
"""Primary language of a repository, and what a person mostly writes; None: GitHub detected no language."""

TOPICS: dict[str, float] = {
    "machine-learning": 0.14,
    "testing": 0.12,
    "cli": 0.10,
    "web": 0.10,
    "deep-learning": 0.08,
    "devops": 0.07,
    "data-science": 0.07,
    "security": 0.06,
    "database": 0.06,
    "kubernetes": 0.05,
    "llm": 0.05,
    "api": 0.05,
}
"""Each topic by itself: the share of repositories that carry it."""

ACTIVITY: dict[tuple[int, int], float] = {(0, 7): 0.30, (8, 90): 0.25, (91, 365): 0.20, (366, 1_825): 0.25}
"""Days from the last push to `as_of`, both ends included; even within a range."""

CONTRIBUTORS: dict[tuple[int, int], float] = {(1, 3): 0.55, (4, 12): 0.35, (13, 40): 0.10}
"""People with commits in one repository (fewer where the population is small)."""

COMMITS: dict[tuple[int, int], float] = {(1, 8): 0.35, (9, 50): 0.50, (51, 120): 0.15}
"""Commits on the default branch of a repository that is not busy."""

BUSY_COMMITS = (250, 500)
"""Commits of a busy repository; one day has on average three of them."""

TIME_ZONES: dict[tuple[str, str | None], float] = {
    ("Europe/Berlin", "Berlin, Germany"): 0.14,
    ("America/New_York", "New York, USA"): 0.14,
    ("America/Los_Angeles", "San Francisco, CA"): 0.12,
    ("Asia/Kolkata", "Bengaluru, India"): 0.12,
    ("Europe/London", "London, UK"): 0.09,
    ("America/Sao_Paulo", "São Paulo, Brazil"): 0.08,
    ("Asia/Tokyo", "東京, Japan"): 0.07,
    ("Europe/Vienna", "Wien, Österreich"): 0.06,
    ("Europe/Paris", "Paris, France"): 0.06,
    ("America/Toronto", "Toronto, Canada"): 0.05,
    ("Asia/Kathmandu", "Kathmandu, Nepal"): 0.03,
    ("Australia/Sydney", "Sydney, Australia"): 0.04,
}
"""Where people live, and what they write about it if they do."""

NAMES: dict[str, float] = {"full": 0.72, "empty": 0.12, "handle": 0.09, "single": 0.05, "hostile": 0.02}
"""A given and a family name; no name; the login again; one word; text that means harm."""

ADDRESSES: dict[str, float] = {"hidden": 0.42, "public": 0.51, "shared": 0.03, "noreply": 0.02, "invalid": 0.02}
"""What the profile says: nothing, an own address, that of somebody else too, a noreply one, no address at all."""

BIOS: dict[str, float] = {"empty": 0.45, "plain": 0.52, "hostile": 0.03}
COMPANIES: dict[str, float] = {"empty": 0.48, "organization": 0.18, "firm": 0.28, "free": 0.06}
"""No company; `@login` of an organization; a firm's name; freelance in some words."""

ACCOUNTS: dict[str, float] = {"user": 0.973, "vanished": 0.015, "organization": 0.012}
"""What `node(id)` answers for a person in a history: a User, nothing (deleted since), an Organization (converted)."""

AUTHORS: dict[str, float] = {"person": 0.84, "app": 0.08, "bot": 0.03, "unknown": 0.05}
"""Who wrote a commit: a person; an app without account (user null); a `[bot]` account; an address without account."""


@dataclass(frozen=True, slots=True)
class Distributions:
    """Shares that are one number each, and the focus that a small demonstration needs."""

    stars_scale: float = 5.0
    stars_exponent: float = 0.75
    """P(stars > s) = (1 + s / scale) ** -exponent, cut at 250,000: a heavy tail."""
    years: float = 12.0
    """Repositories were created evenly over so many years, but before their last push."""
    archived: float = 0.06
    fork: float = 0.12
    empty: float = 0.01
    """Repositories without any commit."""
    owned_by_organization: float = 0.35
    renamed: float = 0.03
    """Repositories that had another name before."""
    vanished: float = 0.01
    """Names that led to a repository once; in addition to the repositories there are."""
    busy: float = 0.05
    same_language: float = 0.80
    """Contributors who mostly write the repository's language; the others are anybody."""
    location_stated: float = 0.65
    website: float = 0.30
    twitter: float = 0.20
    hireable: float = 0.10
    traveller: float = 0.05
    """People with every fourth commit in another time zone."""
    commit_in_utc: float = 0.06
    """A person's commits made by a web form or a build: offset +00:00."""
    authored_by_committer: float = 0.90
    focus: float = 0.0
    """Repositories with `focus_language` and `focus_topics`, whatever is drawn otherwise; people likewise."""
    focus_language: str = "Python"
    focus_topics: tuple[str, ...] = field(default=("testing",))
