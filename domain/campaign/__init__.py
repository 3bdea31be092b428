"""A campaign: the spec a person writes, and the names it goes through."""

from domain.campaign.names import CampaignStatus, Stage, slug
from domain.campaign.spec import (
    CampaignSpec,
    CsvAudience,
    Deferral,
    Exclude,
    InDoubtPolicy,
    Mailbox,
    Offer,
    Permission,
    PermissionBasis,
    Review,
    Sender,
    Sending,
    Step,
    TemplateMistake,
    Window,
    Writing,
)

__all__ = [
    "CampaignSpec",
    "CampaignStatus",
    "CsvAudience",
    "Deferral",
    "Exclude",
    "InDoubtPolicy",
    "Mailbox",
    "Offer",
    "Permission",
    "PermissionBasis",
    "Review",
    "Sender",
    "Sending",
    "Stage",
    "Step",
    "TemplateMistake",
    "Window",
    "Writing",
    "slug",
]
