"""What discovery and enrichment share: whom the spec searches for, and how waits of the source are passed on."""

from domain.campaign import CampaignSpec, CsvAudience, SearchedAudience, Stage
from domain.errors import InputError, SourceWait
from domain.wire import Hold, HoldReason
from telemetry.logging import get_logger

_log = get_logger(__name__)


def searched(spec: CampaignSpec) -> SearchedAudience:
    """The audience; raises InputError when its people come from a file."""
    if isinstance(spec.audience, CsvAudience):
        raise InputError("audience: nobody is searched for in this campaign, its people come from a file")
    return spec.audience


def held(wait: SourceWait, stage: Stage) -> Hold:
    """The hold that a stage waits in until its source can be asked again."""
    _log.debug(f"{stage}.held", reason=wait.reason, until=wait.until.isoformat())
    return Hold(until=wait.until, reason=HoldReason(wait.reason))
