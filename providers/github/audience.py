"""What an audience means for GitHub: its first slices, and how much of the hour it may spend."""

from datetime import datetime, timedelta

from domain.campaign import CampaignSpec, CsvAudience, GithubAudience
from domain.errors import InputError
from domain.search import searches
from providers.github.slicing import slices_of, slices_of_repositories


def cut(spec: CampaignSpec, as_of: datetime) -> list[str]:
    """The slices of an audience, in the order in which they are searched; the activity window ends at `as_of`.

    A slice carries the share of the hour with it, so a page asks nobody for its campaign.
    """
    audience = spec.audience
    if isinstance(audience, CsvAudience):
        raise InputError("audience.source csv is not searched on GitHub")
    since = as_of - timedelta(days=audience.active_within_days)
    if isinstance(audience, GithubAudience):
        return slices_of(searches(audience, as_of), since, as_of, share_of(spec))
    return slices_of_repositories(audience.repositories, since, as_of, share_of(spec))


def share_of(spec: CampaignSpec) -> float:
    """Percentage of each token's hour that this campaign may spend."""
    return spec.limits.github_share
