"""The whole ledger in a few figures, for whoever watches all campaigns at once."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, Subquery, func, literal, or_, select, union_all

from domain.message import MessageState
from storage.database import Database
from storage.schema import campaigns, message_events, messages
from telemetry.metrics import LedgerFigures

_LATELY = timedelta(days=1)
_REHEARSALS = select(campaigns.c.campaign_id).where(campaigns.c.dry_run)


class LedgerFigureRows:
    """Reads the figures by counting rows."""

    def __init__(self, database: Database) -> None:
        """Reads only."""
        self._database = database

    async def read(self) -> LedgerFigures:
        """All messages but those of rehearsals; what is unexplained, of campaigns that run or ended within a day.

        The first goes through the rows of messages once, the second through the audit trail of those campaigns.
        """
        async with self._database.read() as connection:
            found = dict((await connection.execute(_by_state())).all())
            unexplained = await connection.scalar(_unexplained()) or 0
        states = {**dict.fromkeys(map(str, MessageState), 0), **found}
        return LedgerFigures(states, states[MessageState.IN_DOUBT], unexplained)


def _by_state() -> Select[str, int]:
    return (
        select(messages.c.state, func.count())
        .where(messages.c.campaign_id.not_in(_REHEARSALS))
        .group_by(messages.c.state)
    )


def _unexplained() -> Select[int]:
    """Messages that are sent without exactly one confirmation, or confirmed without being sent: as the report sums."""
    pairs = _sent_and_confirmed()
    wrong = (
        select(pairs.c.campaign_id)
        .group_by(pairs.c.campaign_id, pairs.c.number, pairs.c.step)
        .having(func.sum(pairs.c.sent) != func.sum(pairs.c.confirmed))
    )
    return select(func.count()).select_from(wrong.subquery())


def _sent_and_confirmed() -> Subquery:
    lately = or_(campaigns.c.finished_at.is_(None), campaigns.c.finished_at > datetime.now(UTC) - _LATELY)
    moving = select(campaigns.c.campaign_id).where(lately, ~campaigns.c.dry_run)
    sent, confirmed = (
        select(
            table.c.campaign_id,
            table.c.number,
            table.c.step,
            literal(int(table is messages)).label("sent"),
            literal(int(table is message_events)).label("confirmed"),
        ).where(table.c.state == MessageState.SENT, table.c.campaign_id.in_(moving))
        for table in (messages, message_events)
    )
    return union_all(sent, confirmed).subquery()
