"""The names a campaign goes through: its status, its stages, its slug."""

import re
from enum import StrEnum


class CampaignStatus(StrEnum):
    """Where a campaign stands.

    `waiting` = no stage can start anything now; `failed` = it could not be planned, or its workflow was terminated.
    """

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Stage(StrEnum):
    """The stages of a campaign, in their order."""

    PLANNING = "planning"
    DISCOVERY = "discovery"
    ENRICHMENT = "enrichment"
    PERSONALIZATION = "personalization"
    REVIEW = "review"
    SENDING = "sending"
    REPORTING = "reporting"


def slug(name: str) -> str:
    """The campaign's name as it appears in ids: lower case, digits and single hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
