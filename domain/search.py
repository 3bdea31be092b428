"""An audience as searches: what GitHub is asked for. Pure; nobody is asked here."""

import re
from datetime import datetime, timedelta
from itertools import product

from domain.campaign import GithubAudience, StarRange

MAX_QUERY = 256
"""Characters that GitHub takes in one search."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9+#.-]*")


def searches(audience: GithubAudience, as_of: datetime) -> tuple[str, ...]:
    """The searches for repositories, languages before topics, in the order of the spec; none twice.

    One search cannot ask for any of several topics, so there is one for each language and topic. The activity window
    ends at `as_of`; a repository without a push inside it has no commits there.
    """
    since = (as_of - timedelta(days=audience.active_within_days)).date()
    common = [_stars(audience.stars), "archived:false", "fork:false", f"pushed:>={since.isoformat()}"]
    queries = (
        " ".join(filter(None, (_qualifier("language", language), _qualifier("topic", topic), *common)))
        for language, topic in product(audience.languages or [""], audience.topics or [""])
    )
    return tuple(dict.fromkeys(queries))


def _qualifier(name: str, value: str) -> str:
    """The spec's values hold no quote and no colon: a value in quotes cannot end early."""
    if not value:
        return ""
    return f"{name}:{value}" if _PLAIN.fullmatch(value) else f'{name}:"{value}"'


def _stars(stars: StarRange | None) -> str:
    if stars is None:
        return ""
    if stars.most is None:
        return f"stars:>={stars.least}"
    return f"stars:{stars.least}..{stars.most}"
