"""A campaign: the spec a person writes, and the names it goes through."""

from domain.campaign.audience import (
    Audience,
    CsvAudience,
    Exclude,
    ExcludePeople,
    GithubAudience,
    RepositoriesAudience,
    Score,
    SearchedAudience,
    Weights,
)
from domain.campaign.names import CampaignStatus, Stage, slug
from domain.campaign.sending import Deferral, InDoubtPolicy, Mailbox, PauseAbove, Sending, Window
from domain.campaign.spec import (
    CampaignSpec,
    Limits,
    Offer,
    Permission,
    PermissionBasis,
    Review,
    ReviewMode,
    Sender,
    Step,
    TemplateMistake,
    Writing,
)
from domain.campaign.values import StarRange

__all__ = [
    "Audience",
    "CampaignSpec",
    "CampaignStatus",
    "CsvAudience",
    "Deferral",
    "Exclude",
    "ExcludePeople",
    "GithubAudience",
    "InDoubtPolicy",
    "Limits",
    "Mailbox",
    "Offer",
    "PauseAbove",
    "Permission",
    "PermissionBasis",
    "RepositoriesAudience",
    "Review",
    "ReviewMode",
    "Score",
    "SearchedAudience",
    "Sender",
    "Sending",
    "Stage",
    "StarRange",
    "Step",
    "TemplateMistake",
    "Weights",
    "Window",
    "Writing",
    "slug",
]
