"""What a lead works on and where that was read, as SQL, and what is told of a repository."""

from functools import lru_cache

from sqlalchemy import ColumnElement, and_, case, func

from domain.sourcing import Repository
from storage.schema import contributions, leads, people, repositories
from storage.sightings import SOURCE_PREFIX

IDENTITY_OF_LEAD: ColumnElement[str] = func.substr(leads.c.source_identity, len(SOURCE_PREFIX) + 1)
REPOSITORY_OF_LEAD = and_(
    repositories.c.campaign_id == leads.c.campaign_id, repositories.c.identity == leads.c.repository
)
CONTRIBUTION_OF_LEAD = and_(
    contributions.c.campaign_id == leads.c.campaign_id,
    contributions.c.identity == IDENTITY_OF_LEAD,
    contributions.c.repository == leads.c.repository,
)
PROFILE_OF_LEAD = and_(leads.c.enriched_at.is_not(None), people.c.identity == IDENTITY_OF_LEAD)
PROFILE_READ_AT: ColumnElement[object] = case((people.c.read_at <= leads.c.enriched_at, people.c.read_at))
"""When the profile was read that the lead was judged by; NULL when another campaign has read it anew since then."""

_REMEMBERED = 2_048
"""Repositories of the windows that are under way, about 1 KB each."""

FACTS = (
    "full_name",
    "url",
    "description",
    "language",
    "topics",
    "stars",
    "forks",
    "pushed_at",
    "active_people",
    "commits",
    "commits_read",
)


@lru_cache(maxsize=_REMEMBERED)
def repository_of(facts: str) -> Repository:
    """A stored repository. Several people work on one, and two stages read it for each of them."""
    return Repository.model_validate_json(facts)


def told(facts: str) -> dict[str, object]:
    """A repository's stored facts under the names of FACTS; topics as one text, times as ISO 8601."""
    found = repository_of(facts)
    pushed_at = found.pushed_at.isoformat() if found.pushed_at else None
    plain = found.model_dump(include={*FACTS} - {"topics", "pushed_at"})
    values = {**plain, "topics": ", ".join(found.topics), "pushed_at": pushed_at}
    return {name: values[name] for name in FACTS}
