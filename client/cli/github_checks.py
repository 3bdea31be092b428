"""Whether GitHub lets searches in: which address, how many tokens, how many points. A token is never shown."""

from collections.abc import AsyncIterator, Sequence

from client.adapters import Points, github_points
from client.cli.check import Check, Verdict, some
from client.settings import STILL_STARTING, Settings
from domain.errors import InputError, Unreachable

_NAME = "GitHub"


async def github_checks(settings: Settings, searching: Sequence[str]) -> AsyncIterator[Check]:
    """What stands in the way of searches. It is a failure for the campaigns that are `searching` now only."""
    needed = Verdict.FAILED if searching else Verdict.WARNING
    whose = f"; {', '.join(searching[:3])}{' …' if len(searching) > 3 else ''} needs it" if searching else ""  # noqa: PLR2004 a line
    try:
        address, points = await github_points(settings)
    except InputError as error:
        wanted = bool(searching or settings.github_token or settings.github_api_url)
        verdict = needed if wanted else Verdict.OK
        way_out = (STILL_STARTING if settings.starting else error.hint) if wanted else ""
        yield Check(name=_NAME, verdict=verdict, detail=f"{error.line}{whose}", way_out=way_out)
        return
    except Unreachable as error:
        yield Check(name=_NAME, verdict=needed, detail=f"{error.line}{whose}", way_out=error.hint)
        return
    taken = [one for one in points if one.accepted]
    detail = f"{address}, {_tokens(taken)}"
    if taken:
        yield Check(name=_NAME, verdict=Verdict.OK, detail=detail)
    if refused := [str(one.number) for one in points if not one.accepted]:
        which = f"{'token' if len(refused) == 1 else 'tokens'} {some(refused)} of {len(points)}"
        verdict = Verdict.WARNING if taken else needed
        detail = f"{address} does not take {which}{'' if taken else whose}"
        yield Check(name=_NAME, verdict=verdict, detail=detail, way_out="OUTRIDER_GITHUB_TOKEN")


def _tokens(taken: Sequence[Points]) -> str:
    count = f"{len(taken)} {'token' if len(taken) == 1 else 'tokens'}"
    limited = [one for one in taken if one.limit is not None]
    if not limited:
        return f"{count}, no limit of points"
    left = sum(one.remaining for one in limited)
    return f"{count}, {left:,} of {sum(one.limit or 0 for one in limited):,} points left this hour"
