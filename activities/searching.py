"""What discovery and enrichment share: whom the spec searches for, and how errors of the source are passed on."""

from typing import NamedTuple

from domain.campaign import CampaignSpec, CsvAudience, SearchedAudience, Stage
from domain.errors import InputError, SourceWait
from domain.wire import NOT_UNDERSTOOD, Hold, HoldReason, Trip
from telemetry.logging import get_logger

_log = get_logger(__name__)


def searched(spec: CampaignSpec) -> SearchedAudience:
    """The audience; raises InputError when its people come from a file."""
    if isinstance(spec.audience, CsvAudience):
        raise InputError("audience: nobody is searched for in this campaign, its people come from a file")
    return spec.audience


class SearchEnd(NamedTuple):
    """Why a window is left before its end: `hold` or `trip` is in the way, or it goes on at once."""

    hold: Hold | None = None
    trip: Trip | None = None
    goes_on: bool = False


def ended_by(error: SourceWait | InputError, stage: Stage) -> SearchEnd:
    """What a source's error means for its stage: a wait until it can be asked again, or somebody has to look."""
    if isinstance(error, InputError):
        _log.error(f"{stage}.refused", error=error.line, hint=error.hint)
        return SearchEnd(trip=NOT_UNDERSTOOD)
    _log.debug(f"{stage}.held", reason=error.reason, until=error.until.isoformat())
    return SearchEnd(hold=Hold(until=error.until, reason=HoldReason(error.reason)))
