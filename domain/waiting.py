"""Who can do something about a wait, and what."""

from datetime import datetime
from typing import NamedTuple

from domain.wire import HoldReason


class WayOut(NamedTuple):
    """`who` is `nobody` (it goes on by itself), `person` or `operator`; `command` is what they do, "" for nobody."""

    who: str
    command: str


_WAYS: dict[HoldReason, WayOut] = {
    HoldReason.MAILBOX_STOPPED: WayOut("person", "outrider mailbox resume {mailbox}"),
    HoldReason.REVIEW: WayOut("person", "outrider review {campaign_id}"),
    HoldReason.REVIEW_OVERDUE: WayOut("person", "outrider review {campaign_id}"),
    HoldReason.SAMPLE_REJECTED: WayOut("person", "outrider approve {campaign_id} --all"),
    HoldReason.OPT_OUT_NOT_PUBLIC: WayOut("operator", "set OUTRIDER_PUBLIC_URL to an https address"),
    HoldReason.RELAY_UNREACHABLE: WayOut("operator", "outrider doctor"),
    HoldReason.ACTIVITY_FAILED: WayOut("operator", "outrider doctor"),
    HoldReason.WORKERS_DIED: WayOut("operator", "outrider doctor"),
    HoldReason.SOURCE_UNREACHABLE: WayOut("operator", "outrider doctor"),
    HoldReason.SOURCE_REFUSED: WayOut("operator", "set OUTRIDER_GITHUB_TOKEN to a token that works"),
}
"""Every other wait ends by itself."""


def ends(reason: HoldReason, until: datetime) -> datetime | None:
    """`until`, unless it only says when somebody looks again at what a person has to mend."""
    by_itself = _WAYS.get(reason, WayOut("nobody", "")).who != "person"
    return until if by_itself or reason is HoldReason.REVIEW else None


def way_out(reason: HoldReason, campaign_id: str, mailbox: str) -> WayOut:
    """What can be done about a wait for `reason`; `mailbox` is the one of the campaign, "" while it is not known."""
    who, command = _WAYS.get(reason, WayOut("nobody", ""))
    return WayOut(who, command.format(campaign_id=campaign_id, mailbox=mailbox))
